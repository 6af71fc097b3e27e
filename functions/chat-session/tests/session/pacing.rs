//! Messages above the rate are processed in order, from memory and from the store; each escalation is announced once.

use std::time::Duration;

use chat_session::session::Update;
use cxone_simulator::Scenario;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::fixture::SessionFixture;

#[tokio::test(flavor = "multi_thread")]
async fn messages_above_the_rate_are_processed_in_order_and_spilled_to_the_store() {
    let settings = [
        ("CHAT_RATE_PER_SECOND", "200"),
        ("CHAT_RATE_CAPACITY", "5"),
        ("CHAT_WAITING_PER_CONVERSATION", "20"),
        ("CHAT_WAITING_TOTAL", "30"),
    ];
    let fixture = SessionFixture::new(Scenario::default(), &settings).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    for number in 0..300 {
        chat.say("flood", "customer", &number.to_string());
    }
    chat.say("calm", "customer", "hello");
    let mut numbers = Vec::new();
    let mut calm_after = None;
    while numbers.len() < 300 || calm_after.is_none() {
        let update = session
            .next("the next message", |update| {
                matches!(update, Update::Message { .. })
            })
            .await;
        let Update::Message { message, .. } = update else {
            continue;
        };
        if message.conversation_id == "calm" {
            calm_after = Some(numbers.len());
        } else {
            numbers.push(message.text.parse::<usize>().unwrap());
        }
    }
    assert_eq!(numbers, (0..300).collect::<Vec<_>>(), "in order, each once");
    assert!(
        calm_after.unwrap() < 100,
        "another conversation is not held up"
    );
    let summary = session.stop().await.summary.unwrap();
    assert!(summary.pace.spilled > 100, "{:?}", summary.pace);
    assert_eq!(
        summary.pace.passed + summary.pace.waited + summary.pace.spilled,
        301
    );
    fixture.assert_archived("flood").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_spilled_by_a_dead_session_are_processed_by_the_next_session() {
    let settings = [
        ("CHAT_RATE_PER_SECOND", "1"),
        ("CHAT_RATE_CAPACITY", "1"),
        ("CHAT_WAITING_PER_CONVERSATION", "2"),
        ("CHAT_WAITING_TOTAL", "2"),
    ];
    let fixture = SessionFixture::new(Scenario::default(), &settings).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    for number in 0..50 {
        chat.say(
            "chat-1",
            "customer",
            if number == 40 {
                "my lawyer will call you"
            } else {
                "waiting"
            },
        );
    }
    session
        .next("the first message", |update| {
            matches!(update, Update::Message { .. })
        })
        .await;
    // All are stored before the first has its turn, as they come in one batch or the pacer holds them: give the rest time.
    tokio::time::sleep(Duration::from_millis(300)).await;
    session.kill().await;
    let two = fixture.connected("two").await;
    let summary = two.stop().await.summary.unwrap();
    assert_eq!(summary.escalations, 1);
    fixture.assert_archived("chat-1").await;
    assert!(
        fixture
            .archive("chat-1")
            .await
            .iter()
            .any(|line| line.escalation.is_some())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_is_announced_until_it_is_accepted_and_never_with_message_text() {
    let hook = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(2)
        .mount(&hook)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&hook)
        .await;
    let fixture = SessionFixture::new(
        Scenario::default(),
        &[("ESCALATION_WEBHOOK_URL", &hook.uri())],
    )
    .await;
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say(
        "chat-1",
        "customer",
        "I want a manager, this canary-7431 is urgent",
    );
    chat.say("chat-1", "customer", "A manager! This is a complaint!");
    chat.say("chat-1", "customer", "this is not urgent");
    chat.say("chat-1", "agent", "I will ask our legal team");
    let mut requests = Vec::new();
    for _ in 0..600 {
        requests = hook.received_requests().await.unwrap();
        if requests.len() >= 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let summary = session.stop().await.summary.unwrap();
    assert_eq!(
        (summary.escalations, requests.len()),
        (1, 3),
        "one escalation, delivered at the third attempt"
    );
    for request in requests {
        let body: serde_json::Value = request.body_json().unwrap();
        assert_eq!(
            (body["severity"].as_str(), body["conversationId"].as_str()),
            (Some("complaint"), Some("chat-1"))
        );
        assert!(
            !String::from_utf8_lossy(&request.body).contains("canary"),
            "no text leaves"
        );
        assert_eq!(
            request.headers["idempotency-key"],
            "escalation-chat-1-complaint"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn latency_is_measured_from_sending_to_receiving_and_breaches_are_counted() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    // All of them come by the stream.
    chat.hide_transcript("chat-1");
    let now = crate::fixture::now_ms();
    chat.say_at("chat-1", "customer", "late", now - 5000);
    chat.say_at("chat-1", "customer", "in time", now);
    chat.say_at("chat-1", "customer", "from the future", now + 60_000);
    session.shows("chat-1", "from the future").await;
    let sla = session.stop().await.summary.unwrap().sla;
    assert_eq!((sla.messages, sla.breaches, sla.skewed), (2, 1, 1));
    assert!(sla.max_ms.unwrap() >= 5000.0);
}
