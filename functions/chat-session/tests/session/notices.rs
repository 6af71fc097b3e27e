//! Notifications of escalations over failures, deaths and hand-overs: each is delivered, and none twice.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap")]

use std::time::Duration;

use chat_session::records::{self, EscalationRecord};
use chat_session::session::{Options, Update};
use cxone_simulator::Scenario;
use insights_core::chat::escalation::Severity;
use testkit::eventually_async;
use tokio::time::Instant;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::faulty_state::{Call, FaultyState, StoreFault};
use crate::fixture::{AGENT, SessionFixture};

async fn answering(status: u16) -> MockServer {
    let hook = MockServer::start().await;
    answer(&hook, status).await;
    hook
}

async fn answer(hook: &MockServer, status: u16) {
    hook.reset().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(status))
        .mount(hook)
        .await;
}

async fn deliveries(hook: &MockServer) -> usize {
    hook.received_requests().await.unwrap().len()
}

async fn is_marked(state: &FaultyState, conversation: &str) -> bool {
    let partition = records::conversation_partition(conversation);
    let escalations = state.items(&partition, "e#").await;
    escalations
        .iter()
        .any(|item| item.decode::<EscalationRecord>().unwrap().notified)
}

async fn notices(state: &FaultyState) -> usize {
    let partition = records::agent_partition(AGENT);
    state.items(&partition, "notice#").await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_of_an_archived_conversation_is_announced_once_the_webhook_works() {
    let state = FaultyState::new();
    let hook = answering(503).await;
    let settings = [("ESCALATION_WEBHOOK_URL", hook.uri())];
    let settings = settings.each_ref().map(|(name, url)| (*name, url.as_str()));
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "I will call my lawyer");
    session.shows("chat-1", "I will call my lawyer").await;
    chat.end("chat-1");
    let archived = |update: &Update| matches!(update, Update::Archived { .. });
    session.next("its archive", archived).await;
    session.stop().await;
    assert!(!is_marked(&state, "chat-1").await);
    assert_eq!(notices(&state).await, 1);

    answer(&hook, 204).await;
    let session = fixture.connected("two").await;
    eventually_async("the escalation is announced", async || {
        is_marked(&state, "chat-1").await && notices(&state).await == 0
    })
    .await;
    session.stop().await;
    fixture.connected("three").await.stop().await;
    assert_eq!(deliveries(&hook).await, 1, "and only once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_whose_write_was_answered_with_an_error_is_announced_once() {
    let state = FaultyState::new();
    let hook = answering(204).await;
    let uri = hook.uri();
    let settings = [("ESCALATION_WEBHOOK_URL", uri.as_str())];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    state.fail_times(Call::Put, "/e#legal", StoreFault::LoseAnswer, 2);
    state.fail_times(Call::Put, "/notice#", StoreFault::LoseAnswer, 1);
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "I will call my lawyer");
    let raised = |update: &Update| matches!(update, Update::Message { escalation, .. } if escalation.is_some());
    session.next("the escalation", raised).await;
    eventually_async("the escalation is announced", async || {
        is_marked(&state, "chat-1").await && notices(&state).await == 0
    })
    .await;
    assert_eq!(session.stop().await.summary.unwrap().escalations, 1);
    assert_eq!(deliveries(&hook).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_died_between_notice_and_escalation_is_completed() {
    let state = FaultyState::new();
    let hook = answering(204).await;
    let uri = hook.uri();
    let settings = [("ESCALATION_WEBHOOK_URL", uri.as_str())];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    state.fail(Call::Put, "/e#", StoreFault::Hang);
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "I will call my lawyer");
    eventually_async("the notice is stored", async || notices(&state).await == 1).await;
    session.kill().await;
    state.heal();
    let session = fixture.connected("two").await;
    eventually_async("the escalation is announced", async || {
        is_marked(&state, "chat-1").await
    })
    .await;
    session.stop().await;
    assert_eq!(deliveries(&hook).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sessions_of_a_hand_over_tell_an_escalation_once_together() {
    let state = FaultyState::new();
    let hook = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(204).set_delay(Duration::from_millis(700)))
        .mount(&hook)
        .await;
    let uri = hook.uri();
    let settings = [
        ("ESCALATION_WEBHOOK_URL", uri.as_str()),
        ("CHAT_HANDOVER_MS", "20000"),
    ];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    let chat = &fixture.simulator.world().chat;
    let one = fixture
        .start_with(Options {
            deadline: Some(Instant::now() + Duration::from_secs(21)),
            ..Options::new("one".to_owned())
        })
        .await;
    crate::fixture::eventually("one is connected", || chat.connections_opened() == 1).await;
    let two = fixture.start("two").await;
    let mut number = 0;
    while !one.task.is_finished() {
        let conversation = format!("chat-{number}");
        chat.say(&conversation, "customer", "I will call my lawyer");
        number += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    eventually_async("all escalations are announced", async || {
        for number in 0..number {
            if !is_marked(&state, &format!("chat-{number}")).await {
                return false;
            }
        }
        notices(&state).await == 0
    })
    .await;
    two.stop().await;
    let mut keys: Vec<String> = hook
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(|request| {
            request.headers["idempotency-key"]
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(
        (keys.len(), all),
        (number, number),
        "each is announced once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_that_another_agent_raised_is_left_to_that_agent() {
    let state = FaultyState::new();
    let hook = answering(204).await;
    let uri = hook.uri();
    let settings = [("ESCALATION_WEBHOOK_URL", uri.as_str())];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "hello");
    session.shows("chat-1", "hello").await;
    let other = EscalationRecord {
        severity: Severity::Legal,
        phrase: "lawyer".to_owned(),
        agent: "agent-2".to_owned(),
        message_ms: 1,
        notified: false,
    };
    let key = records::escalation_key("chat-1", Severity::Legal);
    let now = jiff::Timestamp::now();
    let put = store::state::Put::encode(key, &other, None).unwrap();
    let any = store::state::Expect::Any;
    store::state::StateStore::put(&state, put, any, now)
        .await
        .unwrap();
    chat.say("chat-1", "customer", "I will call my lawyer");
    session.shows("chat-1", "I will call my lawyer").await;
    eventually_async("the notice is dropped", async || notices(&state).await == 0).await;
    session.stop().await;
    assert_eq!(deliveries(&hook).await, 0);
}
