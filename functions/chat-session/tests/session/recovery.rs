//! Messages of an outage are recovered: also those of conversations that began in it, and after a transcript that failed at first.

use chat_session::session::{Outcome, Update};
use cxone_simulator::{Fault, FaultRule, Scenario};

use crate::fixture::{SessionFixture, eventually, status};

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
