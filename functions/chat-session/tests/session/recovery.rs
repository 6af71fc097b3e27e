//! Messages of an outage are recovered: also those of conversations that began in it, and after a transcript that failed at first.

use std::time::Duration;

use chat_session::records::{self, Phase, SessionRecord};
use chat_session::session::{Options, Outcome, OutgoingMessage, Update};
use cxone_simulator::{Fault, FaultRule, Scenario};
use insights_core::chat::archive::Gap;
use jiff::Timestamp;
use store::state::{Expect, Put, StateStore};
use testkit::eventually_async;
use tokio::sync::oneshot;

use crate::faulty_state::{Call, FaultyState, StoreFault};
use crate::fixture::{AGENT, SessionFixture, eventually, now_ms, status};

const STREAM: &str = "/api/v2/chat/stream";
const TRANSCRIPT: &str = "/api/v2/chat/conversations/*/transcript";

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_begins_while_the_stream_is_down_is_recovered_when_it_is_seen() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-old", "customer", "hello");
    session.shows("chat-old", "hello").await;
    fixture.simulator.fault(FaultRule::new(STREAM, Fault::Drop));
    chat.break_connections();
    eventually("the stream is down", || chat.connections() == 0).await;
    chat.say("chat-new", "customer", "I will call my lawyer");
    chat.say(
        "chat-assigned",
        "customer",
        "this is a complaint, I want a manager",
    );
    fixture.simulator.world().faults.clear();
    let connected = |update: &Update| matches!(update, Update::Connected);
    session.next("the connection", connected).await;
    chat.say("chat-new", "customer", "are you there?");
    chat.assign("chat-assigned");
    let mut raised = Vec::new();
    while raised.len() < 2 {
        let update = session
            .next("the escalations of the outage", |update| {
                matches!(update, Update::Message { escalation, .. } if escalation.is_some())
            })
            .await;
        if let Update::Message { message, .. } = update {
            raised.push(message.conversation_id);
        }
    }
    raised.sort_unstable();
    assert_eq!(raised, ["chat-assigned", "chat-new"]);
    let summary = session.stop().await.summary.unwrap();
    assert_eq!(summary.recovered, 2);
    fixture.assert_archived("chat-new").await;
    fixture.assert_archived("chat-assigned").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_that_cannot_be_read_is_tried_until_it_is_read() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "before");
    session.shows("chat-1", "before").await;
    // An answer that is not JSON is not tried again by the client itself.
    fixture
        .simulator
        .fault(FaultRule::new(TRANSCRIPT, Fault::WrongContent).times(2));
    fixture
        .simulator
        .fault(FaultRule::new(STREAM, Fault::Drop).times(1));
    chat.break_connections();
    eventually("the stream is down", || chat.connections() == 0).await;
    chat.say("chat-1", "customer", "I will call my lawyer");
    let recovered = |update: &Update| matches!(update, Update::Message { escalation, .. } if escalation.is_some());
    session.next("what was missed", recovered).await;
    let summary = session.stop().await.summary.unwrap();
    assert_eq!((summary.recovered, summary.escalations), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_that_is_refused_is_not_asked_for_without_end() {
    let settings = [("CHAT_SILENCE_SECONDS", "3600")];
    let fixture = SessionFixture::new(Scenario::default(), &settings).await;
    fixture.simulator.fault(status(TRANSCRIPT, 403));
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "hello");
    session.shows("chat-1", "hello").await;
    chat.end("chat-1");
    let archived = |update: &Update| matches!(update, Update::Archived { .. });
    session.next("its archive", archived).await;
    assert_eq!(fixture.archive("chat-1").await.len(), 1);
    let asked = fixture.simulator.requests("GET", TRANSCRIPT);
    session.stop().await;
    // The conversation is closed: neither the end of this session nor the next session archives it again.
    let report = fixture.connected("two").await.stop().await;
    assert_eq!(report.outcome, Outcome::Ended);
    assert_eq!(fixture.simulator.requests("GET", TRANSCRIPT), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_that_began_while_the_first_session_of_its_agent_failed_is_read_from_its_beginning()
{
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    state.fail_times(Call::Get, "/session", StoreFault::Refuse, 1);
    let failed = fixture.start("one").await;
    failed.task.await.unwrap().unwrap_err();
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "I will call my lawyer");
    let mut session = fixture.connected("two").await;
    chat.say("chat-1", "customer", "are you there?");
    session.shows("chat-1", "I will call my lawyer").await;
    let summary = session.stop().await.summary.unwrap();
    assert_eq!((summary.recovered, summary.escalations), (1, 1));
    fixture.assert_archived("chat-1").await;
}

/// Returns what an earlier session of the agent has written when it was last seen.
fn earlier_session(phase: Phase, last_frame_ms: i64) -> SessionRecord {
    SessionRecord {
        holder: "earlier".to_owned(),
        phase,
        connected: true,
        last_frame_ms,
        had_gap: false,
        missed_until_ms: None,
        alive_ms: None,
    }
}

async fn store_session(state: &FaultyState, record: &SessionRecord) {
    let put = Put::encode(records::session_key(AGENT), record, None).expect("a record");
    let written = state.put(put, Expect::Any, Timestamp::now()).await;
    written.expect("the record is written");
}

/// Runs a session after an earlier one, between which a customer said something. It must show that if it reads what nobody heard.
/// Returns how many messages it recovered, and what it ran on.
async fn run_after(
    state: &FaultyState,
    earlier: &SessionRecord,
    is_read: bool,
) -> (u64, SessionFixture) {
    let fixture = SessionFixture::on(state, Scenario::default(), &[]).await;
    store_session(state, earlier).await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "I will call my lawyer");
    let mut session = fixture.connected("one").await;
    chat.say("chat-1", "customer", "are you there?");
    session.shows("chat-1", "are you there?").await;
    if is_read {
        session.shows("chat-1", "I will call my lawyer").await;
    }
    let summary = session.stop().await.summary.expect("a summary");
    (summary.recovered, fixture)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_remembered_over_hand_overs_for_as_long_as_a_chat_may_be_silent() {
    // The default of a silent chat's end is an hour.
    for (age_ms, is_read) in [(50 * 60_000, true), (70 * 60_000, false)] {
        let state = FaultyState::new();
        let now_ms = now_ms();
        let handing_over = SessionRecord {
            had_gap: true,
            missed_until_ms: Some(now_ms - age_ms),
            alive_ms: Some(now_ms),
            ..earlier_session(Phase::HandingOver, now_ms)
        };
        let (recovered, fixture) = run_after(&state, &handing_over, is_read).await;
        assert_eq!(recovered, u64::from(is_read), "{age_ms}");
        // The archive is read from the transcript in any case.
        fixture.assert_archived("chat-1").await;
        let record = &state
            .items(&records::agent_partition(AGENT), "session")
            .await[0];
        let record: SessionRecord = record.decode().unwrap();
        assert_eq!(record.missed_until_ms, Some(now_ms - age_ms));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_heard_after_a_session_died_while_handing_over_is_read() {
    // Alive or dead as its signs say; without any, as the planned hand-over of 90 s does.
    let cases = [(Some(25_000), true), (Some(1000), false), (None, false)];
    for (silent_ms, is_read) in cases {
        let now_ms = now_ms();
        let handing_over = SessionRecord {
            alive_ms: silent_ms.map(|silent_ms| now_ms - silent_ms),
            ..earlier_session(Phase::HandingOver, now_ms - 40_000)
        };
        let (recovered, _) = run_after(&FaultyState::new(), &handing_over, is_read).await;
        assert_eq!(recovered, u64::from(is_read), "{silent_ms:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_hands_over_gives_signs_of_life_until_a_successor_begins() {
    let state = FaultyState::new();
    let settings = [("CHAT_HANDOVER_MS", "400000")];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    let session = fixture
        .start_with(Options {
            deadline: Some(tokio::time::Instant::now() + Duration::from_secs(401)),
            ..Options::new("one".to_owned())
        })
        .await;
    let partition = records::agent_partition(AGENT);
    let latest = async || {
        let sessions = state.items(&partition, "session").await;
        let mut records = sessions.iter().filter_map(|item| item.decode().ok());
        records
            .next_back()
            .and_then(|record: SessionRecord| record.alive_ms)
    };
    let mut first = None;
    eventually_async("the session hands over", async || {
        first = latest().await;
        first.is_some()
    })
    .await;
    eventually_async("it gives a sign of life", async || latest().await > first).await;
    // Nobody takes it for dead.
    let successor = fixture.connected("two").await;
    let report = session.task.await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::HandedOver);
    assert_eq!(latest().await, None, "the record is the successor's");
    let presence = fixture.simulator.world().chat.presence(AGENT);
    assert!(!presence.iter().any(|one| one == "offline"), "{presence:?}");
    successor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_dies_before_its_stream_is_up_leaves_the_whole_outage_to_the_next_one() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    let last_frame_ms = now_ms() - 100_000;
    let dead = earlier_session(Phase::Serving, last_frame_ms);
    store_session(&state, &dead).await;
    fixture.simulator.fault(FaultRule::new(STREAM, Fault::Drop));
    let session = fixture.start("one").await;
    let partition = records::agent_partition(AGENT);
    eventually_async("the session has written its record", async || {
        let record = &state.items(&partition, "session").await[0];
        record.decode::<SessionRecord>().unwrap().holder == "one"
    })
    .await;
    session.kill().await;
    fixture.simulator.world().faults.clear();
    let two = fixture.connected("two").await;
    eventually_async("the outage is stored", async || {
        let outages = state.items(&partition, "outage#").await;
        let from_ms: Vec<i64> = outages
            .iter()
            .map(|item| item.decode::<Gap>().unwrap().from_ms)
            .collect();
        assert!(from_ms.iter().all(|from_ms| *from_ms == last_frame_ms));
        from_ms.len() == 1
    })
    .await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_that_the_agent_goes_on_with_after_an_outage_is_read_from_its_beginning() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "I will call my lawyer");
    // Nobody listened before the first session, and the agent is the first to write again.
    let mut session = fixture.connected("one").await;
    let (accepted, answer) = oneshot::channel();
    let outgoing = OutgoingMessage {
        conversation_id: "chat-1".to_owned(),
        text: "how can I help?".to_owned(),
        accepted,
    };
    session.outbound.send(outgoing).await.unwrap();
    answer.await.unwrap().unwrap();
    session.shows("chat-1", "I will call my lawyer").await;
    let summary = session.stop().await.summary.unwrap();
    assert_eq!(summary.escalations, 1);
    fixture.assert_archived("chat-1").await;
}
