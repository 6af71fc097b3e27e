//! Sessions on a state store that fails: no call of it ends a session or holds it up that can be done later.

use std::time::Duration;

use chat_session::records::{
    self, Phase, ReceiptRecord, ScoreRecord, SessionRecord, SetAsideRecord,
};
use chat_session::session::{Options, Outcome, OutgoingMessage, Update};
use cxone_simulator::Scenario;
use insights_core::chat::archive::Source;
use jiff::Timestamp;
use store::state::{Expect, Put, StateStore};
use testkit::eventually_async;
use tokio::sync::oneshot;

use crate::faulty_state::{Call, FaultyState, StoreFault};
use crate::fixture::{AGENT, SessionFixture, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_as_json_hides_no_other() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    for life in ["one", "two"] {
        let mut session = fixture.connected(life).await;
        let chat = &fixture.simulator.world().chat;
        chat.say("chat-1", "customer", &"\u{1}".repeat(62_000));
        chat.say(
            "chat-1",
            "customer",
            &format!("I will call my lawyer, {life}"),
        );
        session
            .shows("chat-1", &format!("I will call my lawyer, {life}"))
            .await;
        let summary = session.stop().await.summary.unwrap();
        assert!(summary.malformed.too_large > 0);
    }
    assert_eq!(fixture.archive("chat-1").await.len(), 2);
    let partition = records::conversation_partition("chat-1");
    assert_eq!(state.items(&partition, "e#legal").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_the_store_refuses_for_its_size_is_set_aside_and_the_others_are_stored() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("large", "customer", "hello");
    session.shows("large", "hello").await;
    state.fail(Call::PutMany, "chat#large/m#", StoreFault::TooLarge);
    chat.say("large", "customer", &"too much ".repeat(1000));
    chat.say("small", "customer", "I will call my lawyer");
    session.shows("small", "I will call my lawyer").await;
    eventually_async("the large one is set aside", async || {
        let aside = state
            .items(&records::agent_partition(AGENT), "aside#")
            .await;
        aside.len() == 1
    })
    .await;
    let aside = &state
        .items(&records::agent_partition(AGENT), "aside#")
        .await[0];
    assert!(aside.body.len() < 2000, "its text is cut");
    let aside: SetAsideRecord = aside.decode().unwrap();
    assert!(aside.bytes > 9000 && aside.key.starts_with("chat#large/m#"));
    assert_eq!(session.stop().await.outcome, Outcome::Ended);
    assert_eq!(fixture.archive("small").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn removals_that_fail_or_hang_neither_end_a_session_nor_hold_it_up() {
    for fault in [StoreFault::Fail, StoreFault::Refuse, StoreFault::Hang] {
        let state = FaultyState::new();
        let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
        let mut session = fixture.connected("one").await;
        let chat = &fixture.simulator.world().chat;
        state.fail(Call::Delete, "", fault);
        chat.say("chat-1", "customer", "hello");
        chat.end("chat-1");
        let archived = |update: &Update| matches!(update, Update::Archived { .. });
        session.next("the archive", archived).await;
        let (accepted, answer) = oneshot::channel();
        let outgoing = OutgoingMessage {
            conversation_id: "chat-2".to_owned(),
            text: "an answer".to_owned(),
            accepted,
        };
        session.outbound.send(outgoing).await.unwrap();
        answer.await.unwrap().unwrap();
        chat.say("chat-2", "customer", "the session goes on");
        session.shows("chat-2", "the session goes on").await;
        assert!(!session.task.is_finished());
        state.heal();
        assert_eq!(session.stop().await.outcome, Outcome::Ended, "{fault:?}");
        fixture.connected("two").await.stop().await;
        let partition = records::agent_partition(AGENT);
        let open = state.items(&partition, "open#").await;
        assert!(
            open.is_empty(),
            "the next session removes the notes: {open:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_could_not_be_removed_is_removed_later_in_the_session() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    state.fail_times(Call::Delete, "open#", StoreFault::Fail, 2);
    chat.say("chat-1", "customer", "hello");
    chat.end("chat-1");
    let archived = |update: &Update| matches!(update, Update::Archived { .. });
    session.next("the archive", archived).await;
    let partition = records::agent_partition(AGENT);
    eventually_async("the note is removed", async || {
        state.items(&partition, "open#").await.is_empty()
    })
    .await;
    session.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_fails_sets_its_agent_offline_and_releases_the_lease() {
    let state = FaultyState::new();
    let settings = [("CHAT_LEASE_MS", "200000")];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    let presence = || chat.presence(AGENT);
    eventually("the agent is available", || presence() == ["available"]).await;
    state.fail(Call::PutMany, "chat#chat-1/m#", StoreFault::Refuse);
    chat.say("chat-1", "customer", "hello");
    let failed = tokio::time::timeout(Duration::from_secs(30), session.task).await;
    failed.unwrap().unwrap().unwrap_err();
    assert_eq!(presence(), ["available", "offline"]);
    state.heal();
    // The lease lasts longer than the test: another session can only begin because it was released.
    let two = fixture.start_with(Options::new("two".to_owned())).await;
    eventually("the next session works", || {
        presence() == ["available", "offline", "offline", "available"]
    })
    .await;
    two.stop().await;
    fixture.assert_archived("chat-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_item_keeps_no_session_from_working() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "hello");
    session.shows("chat-1", "hello").await;
    session.kill().await;
    for key in [
        records::session_key(AGENT),
        store::state::Key::new(records::agent_partition(AGENT), "outage#1"),
        store::state::Key::new(records::agent_partition(AGENT), "out#1"),
        store::state::Key::new(records::agent_partition(AGENT), "notice#1"),
        store::state::Key::new(records::conversation_partition("chat-1"), "m#1"),
        store::state::Key::new(records::conversation_partition("chat-1"), "e#1"),
    ] {
        let put = Put::encode(key, &"no object", None).unwrap();
        state.put(put, Expect::Any, Timestamp::now()).await.unwrap();
    }
    let mut session = fixture.connected("two").await;
    chat.say("chat-1", "customer", "still there");
    session.shows("chat-1", "still there").await;
    session.stop().await;
    fixture.assert_archived("chat-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_loses_its_lease_waits_for_no_write() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    eventually("the agent is available", || {
        chat.presence(AGENT) == ["available"]
    })
    .await;
    state.fail(Call::PutMany, "chat#chat-1/m#", StoreFault::Hang);
    chat.say("chat-1", "customer", "hello");
    // Another session takes the lease, as it may once the lease is over.
    let key = records::lease_key(AGENT);
    let body = serde_json::json!({"holder": "another", "until": "2999-01-01T00:00:00Z"});
    let put = Put::encode(key, &body, None).unwrap();
    state.put(put, Expect::Any, Timestamp::now()).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), session.task).await;
    let report = ended
        .expect("the write is not waited for")
        .unwrap()
        .unwrap();
    assert_eq!(report.outcome, Outcome::Lost);
    assert_eq!(
        chat.presence(AGENT),
        ["available"],
        "the new holder keeps it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_score_of_an_agents_message_outlives_its_echo() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    let url = format!("{}/v1/sentiment", fixture.simulator.url());
    let settings = [
        ("SENTIMENT_PROVIDER", "http"),
        ("SENTIMENT_URL", url.as_str()),
    ];
    let fixture = fixture.with_settings(&settings);
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    for number in 0..5 {
        let (accepted, answer) = oneshot::channel();
        let outgoing = OutgoingMessage {
            conversation_id: "chat-1".to_owned(),
            text: format!("great, thank you {number}"),
            accepted,
        };
        session.outbound.send(outgoing).await.unwrap();
        answer.await.unwrap().unwrap();
    }
    chat.say("chat-1", "customer", "this is terrible");
    let partition = records::conversation_partition("chat-1");
    eventually_async("all are scored and shown by the stream", async || {
        let scores = state.items(&partition, "s#").await;
        let receipts = state.items(&partition, "r#").await;
        receipts
            .iter()
            .for_each(|item| assert!(item.decode::<ReceiptRecord>().is_ok()));
        scores
            .iter()
            .for_each(|item| assert!(item.decode::<ScoreRecord>().is_ok()));
        scores.len() == 6 && receipts.len() == 5
    })
    .await;
    session.stop().await;
    let archive = fixture.archive("chat-1").await;
    assert_eq!(archive.len(), 6);
    for line in archive {
        assert!(line.model_sentiment.is_some(), "{line:?}");
        assert_ne!(line.source, Source::Outbound, "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_writes_its_lease_and_little_else() {
    let state = FaultyState::new();
    let settings = [("CHAT_LEASE_MS", "600")];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    let session = fixture.connected("one").await;
    eventually("the lease was renewed ten times", || {
        state.writes("/lease") > 10
    })
    .await;
    assert!(
        state.writes("/session") <= 4,
        "{}",
        state.writes("/session")
    );
    session.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_fails_while_it_hands_over_without_a_successor_sets_its_agent_offline() {
    let state = FaultyState::new();
    let settings = [("CHAT_HANDOVER_MS", "60000")];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    let session = fixture
        .start_with(Options {
            deadline: Some(tokio::time::Instant::now() + Duration::from_secs(62)),
            ..Options::new("one".to_owned())
        })
        .await;
    let partition = records::agent_partition(AGENT);
    eventually_async("the lease is given up", async || {
        let sessions = state.items(&partition, "session").await;
        let is_handing_over = sessions
            .iter()
            .any(|item| item.decode::<SessionRecord>().unwrap().phase == Phase::HandingOver);
        is_handing_over && state.items(&partition, "lease").await.is_empty()
    })
    .await;
    let chat = &fixture.simulator.world().chat;
    assert_eq!(chat.presence(AGENT), ["available"]);
    state.fail(Call::PutMany, "chat#chat-1/m#", StoreFault::Refuse);
    chat.say("chat-1", "customer", "hello");
    let failed = tokio::time::timeout(Duration::from_secs(30), session.task).await;
    failed.unwrap().unwrap().unwrap_err();
    assert_eq!(chat.presence(AGENT), ["available", "offline"]);
    assert!(state.items(&partition, "lease").await.is_empty());
}
