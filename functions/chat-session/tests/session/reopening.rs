//! Conversations that go on after their end.

use chat_session::records::{self, OpenRecord};
use chat_session::session::Update;
use cxone_simulator::Scenario;
use testkit::eventually_async;

use crate::faulty_state::FaultyState;
use crate::fixture::{AGENT, SessionFixture, eventually, now_ms};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_writes_after_the_silence_opens_the_conversation_again() {
    let state = FaultyState::new();
    let settings = [("CHAT_SILENCE_SECONDS", "1"), ("CHAT_MAX_CHATS", "4")];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    let availability = || {
        chat.routing(AGENT)
            .last()
            .and_then(|routing| routing["availability"].as_f64())
    };
    chat.say("chat-1", "customer", "hello");
    let archived = |update: &Update| matches!(update, Update::Archived { .. });
    session
        .next("the archive after the silence", archived)
        .await;
    eventually("the agent is free", || availability() == Some(1.0)).await;
    let partition = records::agent_partition(AGENT);
    eventually_async("the conversation is closed", async || {
        state.items(&partition, "open#").await.is_empty()
    })
    .await;

    chat.say("chat-1", "customer", "one more thing");
    let assigned = |update: &Update| matches!(update, Update::Assigned { .. });
    session.next("the conversation opens", assigned).await;
    eventually("the agent is taken", || availability() == Some(0.75)).await;
    let open = state.items(&partition, "open#").await;
    assert!(!open[0].decode::<OpenRecord>().unwrap().ended);

    session
        .next("the archive after the next silence", archived)
        .await;
    assert_eq!(fixture.archive("chat-1").await.len(), 2);
    session.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_from_before_the_end_that_comes_late_only_extends_the_archive() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    let start = now_ms();
    chat.say_at("chat-1", "customer", "hello", start - 1000);
    chat.end("chat-1");
    let archived = |update: &Update| matches!(update, Update::Archived { .. });
    session.next("the archive", archived).await;
    chat.say_at("chat-1", "customer", "sent before the end", start - 500);
    chat.say("chat-1", "system", "the chat was closed");
    let complete = |update: &Update| matches!(update, Update::Archived { messages: 3, .. });
    session.next("the longer archive", complete).await;
    let partition = records::agent_partition(AGENT);
    eventually_async("the conversation is closed", async || {
        state.items(&partition, "open#").await.is_empty()
    })
    .await;
    session.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_session_before_stored_after_its_note_of_the_end_opens_the_conversation_again() {
    let state = FaultyState::new();
    let settings = [("CHAT_MAX_CHATS", "4")];
    let fixture = SessionFixture::on(&state, Scenario::default(), &settings).await;
    let chat = &fixture.simulator.world().chat;
    let at_ms = now_ms();
    // As this session has read the note, and the other one has written it anew since.
    let note = OpenRecord {
        since_ms: at_ms - 1000,
        ended: true,
        ended_ms: Some(at_ms - 1000),
    };
    fixture
        .leave_chat(&state, "one more thing", at_ms, &note)
        .await;
    let session = fixture.connected("one").await;
    let availability = || {
        let routing = chat.routing(AGENT);
        routing
            .last()
            .and_then(|last| last["availability"].as_f64())
    };
    eventually("the agent is taken", || availability() == Some(0.75)).await;
    session.stop().await;
}
