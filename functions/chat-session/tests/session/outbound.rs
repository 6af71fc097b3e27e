//! Messages that the agent sends, over breaks of the stream and deaths of sessions.

use chat_session::records;
use chat_session::session::{OutgoingMessage, RefusedMessage, Update};
use cxone_simulator::Scenario;
use cxone_simulator::chat::ChatSettings;
use insights_core::chat::message::Message;
use jiff::Timestamp;
use store::state::{Expect, Put, StateStore};
use testkit::eventually_async;
use tokio::sync::oneshot;

use crate::faulty_state::FaultyState;
use crate::fixture::{AGENT, RunningSession, SessionFixture, eventually, now_ms};

/// How many messages an agent sends over a stream that breaks again and again.
const SENT: usize = 400;

async fn send(
    session: &RunningSession,
    conversation: &str,
    text: &str,
) -> Result<(), RefusedMessage> {
    let (accepted, answer) = oneshot::channel();
    let outgoing = OutgoingMessage {
        conversation_id: conversation.to_owned(),
        text: text.to_owned(),
        accepted,
    };
    session
        .outbound
        .send(outgoing)
        .await
        .expect("the session takes messages");
    answer.await.expect("the session answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn sent_messages_arrive_once_and_in_order_although_the_stream_breaks() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    // Sending goes on while the stream is down, and while it comes up: the session is busy then.
    for number in 0..SENT {
        if number % 25 == 20 {
            chat.break_connections();
        }
        send(&session, "chat-1", &format!("answer {number}"))
            .await
            .unwrap();
    }
    eventually("all arrive", || chat.messages("chat-1").len() == SENT).await;
    let summary = session.stop().await.summary.unwrap();
    assert_eq!(summary.sent, SENT as u64);
    assert_eq!(
        chat.received().len(),
        SENT,
        "what the transcript shows does not go again"
    );
    fixture.assert_archived("chat-1").await;
    let texts: Vec<String> = fixture
        .archive("chat-1")
        .await
        .into_iter()
        .map(|line| line.message.text)
        .collect();
    assert_eq!(
        texts,
        (0..SENT)
            .map(|number| format!("answer {number}"))
            .collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_left_unsent_by_a_dead_session_are_sent_by_the_next_session() {
    let settings = [("CHAT_RATE_PER_SECOND", "2"), ("CHAT_RATE_CAPACITY", "1")];
    let fixture = SessionFixture::new(Scenario::default(), &settings).await;
    let session = fixture.connected("one").await;
    for number in 0..4 {
        send(&session, "chat-1", &format!("answer {number}"))
            .await
            .unwrap();
    }
    session.kill().await;
    let chat = &fixture.simulator.world().chat;
    let two = fixture.connected("two").await;
    eventually("the rest arrives", || chat.messages("chat-1").len() == 4).await;
    two.stop().await;
    assert_eq!(chat.received().len(), 4, "nothing went twice");
    fixture.assert_archived("chat-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_sent_is_refused_with_a_reason() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let session = fixture.connected("one").await;
    assert!(
        send(&session, "chat-1", "  ")
            .await
            .unwrap_err()
            .to_string()
            .contains("empty")
    );
    assert!(
        send(&session, "", "hello")
            .await
            .unwrap_err()
            .to_string()
            .contains("conversationId")
    );
    assert!(
        send(&session, "chat-1", &"x".repeat(100_000))
            .await
            .unwrap_err()
            .to_string()
            .contains("at most")
    );
    session.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_center_that_echoes_nothing_still_gets_each_message_once() {
    let chat = ChatSettings {
        echo: false,
        ..ChatSettings::default()
    };
    let scenario = Scenario {
        chat,
        ..Scenario::default()
    };
    let fixture = SessionFixture::new(scenario, &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.hide_transcript("chat-1");
    let answered = || async {
        let before = chat.pings();
        eventually("pings are answered", || chat.pings() >= before + 3).await;
    };
    for number in 0..3 {
        send(&session, "chat-1", &format!("answer {number}"))
            .await
            .unwrap();
    }
    answered().await;
    chat.break_connections();
    // What is written as the connection breaks may have arrived or not: nobody could tell, and it goes again.
    let broken = |update: &Update| matches!(update, Update::Disconnected { .. });
    session.next("the break", broken).await;
    for number in 3..5 {
        send(&session, "chat-1", &format!("answer {number}"))
            .await
            .unwrap();
    }
    eventually("the rest arrives", || chat.messages("chat-1").len() == 5).await;
    answered().await;
    session.kill().await;
    let two = fixture.connected("two").await;
    send(&two, "chat-1", "the last").await.unwrap();
    eventually("the last arrives", || chat.messages("chat-1").len() == 6).await;
    let summary = two.stop().await.summary.unwrap();
    assert_eq!((summary.sent, chat.received().len()), (1, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_another_session_noted_and_left_is_sent_by_the_session_that_runs() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    let chat = &fixture.simulator.world().chat;
    // The session before takes two messages after this one has read the notes, sends one of them, and ends.
    let earlier_ms = now_ms() - 60_000;
    let sent = chat.say_at("chat-1", "agent", "it was sent", earlier_ms);
    let sent: Message = serde_json::from_value(sent).unwrap();
    let unsent = Message {
        text: "it was not sent".to_owned(),
        timestamp_ms: earlier_ms + 1,
        ..sent.clone()
    };
    let session = fixture.connected("one").await;
    for message in [&sent, &unsent] {
        let key = records::outbound_key(AGENT, message);
        let put = Put::encode(key, message, None).unwrap();
        state.put(put, Expect::Any, Timestamp::now()).await.unwrap();
    }
    eventually_async("no note is left", async || {
        let partition = records::agent_partition(AGENT);
        state.items(&partition, "out#").await.is_empty()
    })
    .await;
    let received = chat.received();
    let texts: Vec<_> = received.iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["it was not sent"]);
    session.stop().await;
    fixture.assert_archived("chat-1").await;
}
