//! Archives and presence at the end of conversations and of sessions.

use std::time::Duration;

use backends::erasure::{ErasureRecord, erase_state, write_record};
use chat_session::archive::TranscriptReading;
use chat_session::records::OpenRecord;
use chat_session::session::{Outcome, Update};
use cxone_simulator::{Fault, FaultRule, RetryAfter, Scenario};
use insights_core::chat::archive::Source;

use crate::faulty_state::{Call, FaultyState, StoreFault};
use crate::fixture::{AGENT, SessionFixture, eventually, now_ms};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_stopped_archives_every_conversation_and_goes_offline() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.assign("chat-1");
    // Before anything is said: the transcripts of chats that are seen for the first time are read at once.
    chat.hide_transcript("chat-2");
    for number in 0..120 {
        chat.say(
            "chat-1",
            if number % 2 == 0 { "customer" } else { "agent" },
            &format!("line {number}"),
        );
        chat.say("chat-2", "customer", &format!("line {number}"));
    }
    session
        .next("the last message", |update| {
            said(update, "chat-2", "line 119")
        })
        .await;
    let report = session.stop().await;
    assert_eq!(report.outcome, Outcome::Ended);
    let summary = report.summary.unwrap();
    // What is said before the session has looked at the transcripts for the first time may come by either way.
    assert_eq!(
        (summary.messages + summary.recovered, summary.archived),
        (240, 2)
    );
    assert_eq!(summary.sla.messages, summary.messages);
    fixture.assert_archived("chat-1").await;
    fixture.assert_archived("chat-2").await;
    assert!(
        fixture
            .archive("chat-1")
            .await
            .iter()
            .all(|line| matches!(line.source, Source::Both | Source::Transcript))
    );
    assert!(
        fixture
            .archive("chat-2")
            .await
            .iter()
            .all(|line| line.source == Source::Stream && line.sentiment.is_some())
    );
    assert_eq!(
        fixture.simulator.world().chat.presence(AGENT),
        ["available", "offline"]
    );
}

fn said(update: &Update, conversation: &str, text: &str) -> bool {
    matches!(update, Update::Message { message, .. } if message.conversation_id == conversation && message.text == text)
}

#[tokio::test(flavor = "multi_thread")]
async fn availability_follows_the_load() {
    let fixture = SessionFixture::new(
        Scenario::default(),
        &[
            ("CHAT_MAX_CHATS", "4"),
            ("CHAT_SKILLS", r#"[{"skill": "billing"}]"#),
        ],
    )
    .await;
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    let availability = || {
        chat.routing(AGENT)
            .last()
            .map(|routing| routing["availability"].as_f64().unwrap())
    };
    eventually("all is free", || availability() == Some(1.0)).await;
    ["a", "b", "c"].iter().for_each(|id| chat.assign(id));
    eventually("three of four are taken", || availability() == Some(0.25)).await;
    chat.end("b");
    eventually("one is free again", || availability() == Some(0.5)).await;
    assert_eq!(chat.routing(AGENT)[0]["skills"][0]["skill"], "billing");
    session.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_ends_is_archived_while_the_session_goes_on() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "hello");
    chat.end("chat-1");
    session
        .next("its archive", |update| {
            matches!(update, Update::Archived { .. })
        })
        .await;
    fixture.assert_archived("chat-1").await;
    chat.say("chat-1", "customer", "one thing more");
    session
        .next("the late message", |update| {
            said(update, "chat-1", "one thing more")
        })
        .await;
    session.stop().await;
    fixture.assert_archived("chat-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_without_its_transcript_is_completed_by_the_next_session() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let path = "/api/v2/chat/conversations/*/transcript";
    fixture
        .simulator
        .fault(FaultRule::new(path, Fault::Status(403, RetryAfter::Absent)));
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "hello");
    session
        .next("the message", |update| said(update, "chat-1", "hello"))
        .await;
    session.stop().await;
    assert_eq!(fixture.archive("chat-1").await.len(), 1);
    chat.say("chat-1", "customer", "nobody listens");
    fixture.simulator.world().faults.clear();
    fixture.connected("two").await.stop().await;
    fixture.assert_archived("chat-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn archiving_again_writes_nothing() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    fixture
        .simulator
        .world()
        .chat
        .say("chat-1", "customer", "hello");
    session
        .next("the message", |update| said(update, "chat-1", "hello"))
        .await;
    session.stop().await;
    let deps = fixture.deps().await;
    let again = insights_http::Deadline::within(std::time::Duration::from_secs(5));
    let archived = chat_session::archive::archive_conversation(&deps, "chat-1", &[], again)
        .await
        .unwrap();
    assert_eq!(
        (archived.messages, archived.written, archived.transcript),
        (1, false, TranscriptReading::Complete)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_during_a_chat_does_not_come_back_from_the_transcript() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "erased words");
    session
        .next("the first message", |update| {
            said(update, "chat-1", "erased words")
        })
        .await;
    let deps = fixture.deps().await;
    let now = jiff::Timestamp::now();
    erase_state(&deps.state, "chat-1", &[AGENT.to_owned()], now)
        .await
        .unwrap();
    let record = ErasureRecord {
        erased_at: now.to_string(),
        ..ErasureRecord::default()
    };
    write_record(&deps.state, "chat-1", &record, now)
        .await
        .unwrap();
    eventually("a later moment", || {
        jiff::Timestamp::now().as_millisecond() > now.as_millisecond()
    })
    .await;
    chat.say("chat-1", "customer", "later words");
    session
        .next("the second message", |update| {
            said(update, "chat-1", "later words")
        })
        .await;
    session.stop().await;
    let archive = fixture.archive("chat-1").await;
    let texts: Vec<&str> = archive
        .iter()
        .map(|line| line.message.text.as_str())
        .collect();
    assert_eq!(texts, ["later words"]);
    // A session that reads the transcript once more brings nothing back either.
    fixture.connected("two").await.stop().await;
    assert_eq!(fixture.archive("chat-1").await, archive);
}

/// Stores what an earlier session has left of a chat in which nobody has written for `silent_ms`.
async fn leave_silent_chat(fixture: &SessionFixture, state: &FaultyState, silent_ms: i64) {
    let at_ms = now_ms() - silent_ms;
    let open = OpenRecord {
        since_ms: at_ms,
        ..OpenRecord::default()
    };
    fixture.leave_chat(state, "hello", at_ms, &open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_goes_on_over_sessions() {
    // The default of a silent chat's end is an hour, and a session is handed over after a quarter of one.
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    leave_silent_chat(&fixture, &state, 61 * 60_000).await;
    let mut session = fixture.connected("one").await;
    let archived = |update: &Update| matches!(update, Update::Archived { .. });
    session
        .next("the archive of the silent chat", archived)
        .await;
    fixture.assert_archived("chat-1").await;
    session.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_is_not_silent_in_which_somebody_wrote_while_nobody_listened() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    leave_silent_chat(&fixture, &state, 61 * 60_000).await;
    let chat = &fixture.simulator.world().chat;
    chat.say_at("chat-1", "customer", "are you there?", now_ms() - 60_000);
    // The transcript tells of it late: the chat must not end before that.
    fixture.simulator.fault(
        FaultRule::new(
            "/api/v2/chat/conversations/*/transcript",
            Fault::WrongContent,
        )
        .times(2),
    );
    let mut session = fixture.connected("one").await;
    session.shows("chat-1", "are you there?").await;
    chat.say("chat-1", "customer", "still there");
    let next = |update: &Update| {
        matches!(update, Update::Ended { .. } | Update::Archived { .. })
            || said(update, "chat-1", "still there")
    };
    let next = session.next("what is said or an end", next).await;
    assert!(said(&next, "chat-1", "still there"), "{next:?}");
    session.stop().await;
    fixture.assert_archived("chat-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_go_on_soon_after_an_outage_although_their_own_waits_have_grown() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "hello");
    session.shows("chat-1", "hello").await;
    state.fail_times(Call::List, "chat#chat-1/", StoreFault::Fail, 3);
    chat.end("chat-1");
    let archived = |update: &Update| matches!(update, Update::Archived { .. });
    let archived = session.next("the archive", archived);
    // After three failures, the waits of the conversation alone are at least 15, 30 and 60 s.
    let in_time = tokio::time::timeout(Duration::from_secs(95), archived).await;
    in_time.expect("one of the archives that wait is tried again and again");
    session.stop().await;
    fixture.assert_archived("chat-1").await;
}
