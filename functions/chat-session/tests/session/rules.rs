//! Rules of a rule file in chats: each hit is stored and announced once, over deaths and hand-overs.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap")]

use chat_session::records::{self, HitRecord};
use cxone_simulator::Scenario;
use testkit::eventually_async;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::faulty_state::{Call, FaultyState, StoreFault};
use crate::fixture::SessionFixture;

const RULES: &str = r#"
[[rule]]
id = "cancel-without-offer"
severity = "warn"
when = { sequence = [
    { said = ["cancel * contract"], by = "customer" },
    { not_said = ["offer you"], by = "agent", within = "1s after" },
] }

[[rule]]
id = "thanks"
when = { said = ["thank you"], by = "customer" }
"#;

async fn hits(state: &FaultyState) -> Vec<HitRecord> {
    let partition = records::conversation_partition("chat-1");
    let items = state.items(&partition, "h#").await;
    items.iter().map(|item| item.decode().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_is_announced_once_over_lost_answers_and_deaths() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.toml");
    std::fs::write(&path, RULES).unwrap();
    let hook = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&hook)
        .await;
    let uri = hook.uri();
    let settings = [
        ("ESCALATION_WEBHOOK_URL", uri.as_str()),
        ("RULES_FILE", path.to_str().unwrap()),
    ];
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    state.fail_times(Call::Put, "/h#cancel", StoreFault::LoseAnswer, 2);
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "Please cancel my contract, thank you");
    session
        .shows("chat-1", "Please cancel my contract, thank you")
        .await;
    eventually_async("both hits are stored, and one is announced", async || {
        let hits = hits(&state).await;
        hits.len() == 2 && hits.iter().all(|record| record.notified)
    })
    .await;
    session.kill().await;
    let session = fixture.connected("two").await;
    session.stop().await;
    fixture.connected("three").await.stop().await;
    let requests = hook.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1, "one alert, and none twice");
    let body: serde_json::Value = requests[0].body_json().unwrap();
    assert_eq!(body["event"], "chat.rule");
    assert_eq!(body["trigger"], "cancel-without-offer#1");
    assert_eq!(body["severity"], "warn");
    assert!(!body.to_string().contains("contract,"), "no words: {body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agent_says_in_time_prevents_the_hit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.toml");
    std::fs::write(&path, RULES.replace("1s after", "60s after")).unwrap();
    let state = FaultyState::new();
    let settings = [("RULES_FILE", path.to_str().unwrap())];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "cancel my contract");
    chat.say("chat-1", "agent", "I can offer you a discount");
    chat.say("chat-1", "customer", "oh, thank you");
    session.shows("chat-1", "oh, thank you").await;
    eventually_async("the other rule is decided", async || {
        hits(&state).await.len() == 1
    })
    .await;
    session.stop().await;
    assert_eq!(hits(&state).await[0].hit.rule, "thanks");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_has_a_card_beside_it_that_is_masked_as_the_archive_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.toml");
    std::fs::write(&path, RULES).unwrap();
    let settings = [
        ("RULES_FILE", path.to_str().unwrap()),
        ("REDACT_PII", "store"),
    ];
    let fixture = SessionFixture::new(Scenario::default(), &settings).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    let said = "I was charged twice, my mail is jane@example.com, please cancel my contract";
    chat.say("chat-1", "customer", said);
    chat.say("chat-1", "agent", "I will send you the form today");
    session.shows("chat-1", said).await;
    session
        .shows("chat-1", "I will send you the form today")
        .await;
    session.stop().await;
    let key = insights_core::chat::archive_key::card_key("chat-1");
    let stored = fixture.objects.get(&key).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&stored);
    assert!(!text.contains("jane@example.com"), "{text}");
    let record: insights_core::card::CardRecord = serde_json::from_slice(&stored).unwrap();
    assert_eq!(
        record.card.reason.quote(),
        Some("I was charged twice, my mail is [EMAIL], please cancel my contract")
    );
    assert_eq!(
        record.card.commitment.quote(),
        Some("I will send you the form today")
    );
    assert_eq!(record.answers.len(), 2);
}
