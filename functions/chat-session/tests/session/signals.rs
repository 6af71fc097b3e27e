//! Signals of the model: they escalate beside the exact rules, and are kept with the messages.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap")]

use chat_session::records::{self, EscalationRecord, HitRecord};
use chat_session::session::Update;
use cxone_simulator::Scenario;
use insights_core::chat::archive_dialogue::dialogue_of_archive;
use insights_core::chat::escalation::{EscalationDetector, Severity};
use insights_core::rules::{RuleFile, RuleHit};
use insights_core::signals::Signal;
use testkit::eventually_async;

use crate::faulty_state::FaultyState;
use crate::fixture::SessionFixture;

/// Words in which the model finds the signal `urgent`, and in which no rule has a word.
const DANGER: &str = "the boiler is off and my baby is freezing";
const MODEL: (&str, &str) = ("SENTIMENT_PROVIDER", "local");

async fn severities(state: &FaultyState) -> Vec<(Severity, String)> {
    let partition = records::conversation_partition("chat-1");
    let items = state.items(&partition, "e#").await;
    items
        .iter()
        .map(|item| item.decode::<EscalationRecord>().unwrap())
        .map(|record| (record.severity, record.phrase))
        .collect()
}

async fn are_scored(state: &FaultyState, messages: usize) {
    let partition = records::conversation_partition("chat-1");
    eventually_async("the model has scored the messages", async || {
        state.items(&partition, "s#").await.len() == messages
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_escalates_once_where_no_rule_has_a_word_and_is_archived() {
    assert_eq!(EscalationDetector::default().find(DANGER), None);
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[MODEL]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", DANGER);
    let escalated = |update: &Update| matches!(update, Update::Escalated { .. });
    session.next("the escalation", escalated).await;
    chat.say(
        "chat-1",
        "customer",
        "there is smoke coming out of the socket",
    );
    // an agent's words and what the rules take back escalate nothing
    chat.say("chat-1", "agent", "our lawyers will see you in court");
    chat.say("chat-1", "customer", "my wife Sue will pick it up");
    chat.say("chat-1", "customer", "estoy muy enojado con su servicio");
    are_scored(&state, 5).await;
    let report = session.stop().await;
    assert_eq!(report.summary.unwrap().escalations, 1);
    assert_eq!(
        severities(&state).await,
        [(Severity::Urgent, "signal urgent".to_owned())]
    );
    let archive = fixture.archive("chat-1").await;
    assert!(archive[0].signals.contains(Signal::Urgent));
    assert_eq!(archive[0].escalation, Some(Severity::Urgent));
    let sue = &archive[3];
    assert_eq!(
        (sue.message.text.as_str(), sue.escalation),
        ("my wife Sue will pick it up", None)
    );
    let spanish = &archive[4];
    assert_eq!(spanish.language.as_deref(), Some("es"));
    assert_eq!((spanish.model_sentiment, spanish.escalation), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setting_leaves_signals_or_rules_out() {
    for source in ["rules", "signals"] {
        let state = FaultyState::new();
        let settings = [MODEL, ("CHAT_ESCALATION_SOURCE", source)];
        let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
        let session = fixture.connected("one").await;
        let chat = &fixture.simulator.world().chat;
        chat.say("chat-1", "customer", DANGER);
        chat.say("chat-1", "customer", "I will call my lawyer");
        are_scored(&state, 2).await;
        session.stop().await;
        let found = severities(&state).await;
        let is_signal = |(_, phrase): &(Severity, String)| phrase.starts_with("signal ");
        let has = |wanted| found.iter().any(|(severity, _)| *severity == wanted);
        if source == "rules" {
            assert!(has(Severity::Legal) && found.len() == 1, "{found:?}");
            assert!(!found.iter().any(is_signal), "{found:?}");
        } else {
            assert!(has(Severity::Urgent), "{found:?}");
            assert!(found.iter().all(is_signal), "{found:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_model_had_not_scored_when_a_session_died_is_scored_by_the_next() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    // the first session has no model at all
    let mut session = fixture.connected("one").await;
    fixture
        .simulator
        .world()
        .chat
        .say("chat-1", "customer", DANGER);
    session.shows("chat-1", DANGER).await;
    session.kill().await;
    assert_eq!(severities(&state).await, []);
    let fixture = fixture.with_settings(&[MODEL]);
    let session = fixture.connected("two").await;
    eventually_async("the escalation is stored", async || {
        severities(&state).await.len() == 1
    })
    .await;
    session.stop().await;
}

/// Rules that need what the model finds: that something is signaled, and that it is not.
const RULES: &str = r#"
[[rule]]
id = "urgent"
severity = "severe"
when = { signal = ["urgent"], by = "customer" }

[[rule]]
id = "boiler-without-urgency"
when = { said = ["boiler"], by = "customer" }
unless = { signal = ["urgent"], by = "customer" }

[[rule]]
id = "quiet-start"
when = { not_signal = ["urgent"], by = "customer", within = "first 1s" }
"#;

async fn hits(state: &FaultyState) -> Vec<RuleHit> {
    let partition = records::conversation_partition("chat-1");
    let items = state.items(&partition, "h#").await;
    let hits = items
        .iter()
        .map(|item| item.decode::<HitRecord>().unwrap().hit);
    hits.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_know_what_the_model_found_and_answer_the_same_over_deaths_and_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.toml");
    std::fs::write(&path, RULES).unwrap();
    let rules = ("RULES_FILE", path.to_str().unwrap());
    let state = FaultyState::new();
    // The first session has no model: it leaves what only a model knows to the next one.
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", DANGER);
    session.shows("chat-1", DANGER).await;
    session.kill().await;
    let fixture = fixture.with_settings(&[MODEL, rules]);
    let session = fixture.connected("two").await;
    eventually_async("the signal makes a rule hold", async || {
        hits(&state).await.len() == 1
    })
    .await;
    let live = hits(&state).await;
    assert_eq!(live[0].rule, "urgent");
    session.kill().await;
    let mut session = fixture.connected("three").await;
    let said = "thank you, somebody is here now";
    fixture
        .simulator
        .world()
        .chat
        .say("chat-1", "customer", said);
    session.shows("chat-1", said).await;
    are_scored(&state, 2).await;
    session.stop().await;
    assert_eq!(hits(&state).await, live, "the same hit, and no other");
    let archived = dialogue_of_archive(&fixture.archive("chat-1").await);
    let afterwards = RuleFile::from_toml(RULES).unwrap().evaluate(&archived);
    assert_eq!(afterwards.hits, live);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_is_found_while_a_session_ends_still_makes_its_rule_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.toml");
    std::fs::write(&path, RULES).unwrap();
    let rules = ("RULES_FILE", path.to_str().unwrap());
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[MODEL, rules]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", DANGER);
    session.shows("chat-1", DANGER).await;
    session.stop().await;
    let found = hits(&state).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].rule, "urgent");
}
