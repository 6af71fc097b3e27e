//! Reconnects, fresh tokens, sessions that die, and hand-over to a successor.

use std::time::{Duration, Instant};

use chat_session::chat_center::ChatCenter;
use chat_session::records::{self, OpenRecord};
use chat_session::session::{Options, Outcome, Update};
use cxone::chat::{Connection, Incoming, StreamTiming};
use cxone_simulator::chat::ChatSettings;
use cxone_simulator::{Scenario, Settings};
use futures::FutureExt;
use jiff::Timestamp;
use store::state::{Expect, Put, StateStore};
use testkit::eventually_async;

use crate::faulty_state::FaultyState;
use crate::fixture::{AGENT, SessionFixture, eventually, now_ms};

fn idle_after(idle_timeout_ms: u64) -> Scenario {
    Scenario {
        chat: ChatSettings {
            idle_timeout_ms,
            ..ChatSettings::default()
        },
        ..Scenario::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_keep_an_idle_connection_open() {
    let fixture = SessionFixture::new(idle_after(600), &[]).await;
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    eventually("pings for three idle times", || chat.pings() >= 13).await;
    assert_eq!((chat.connections_opened(), chat.connections()), (1, 1));
    session.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_reconnects_within_the_backoff_and_recovers_missed_messages() {
    let fixture = SessionFixture::new(
        Scenario::default(),
        &[
            ("CHAT_RECONNECT_BASE_MS", "1000"),
            ("CHAT_RECONNECT_CAP_MS", "1000"),
        ],
    )
    .await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.say("chat-1", "customer", "before");
    session
        .next("the first message", |update| {
            matches!(update, Update::Message { .. })
        })
        .await;
    chat.break_connections();
    let update = session
        .next("the break", |update| {
            matches!(update, Update::Disconnected { .. })
        })
        .await;
    let Update::Disconnected { wait_ms, .. } = update else {
        panic!("it is one")
    };
    assert!(
        (500..=1000).contains(&wait_ms),
        "between half the bound and the bound: {wait_ms} ms"
    );
    let broke = Instant::now();
    chat.say("chat-1", "customer", "meanwhile");
    // The transcripts are read each time the stream comes up: what is missed may come by the reading of the first time,
    // if that is slow.
    let (mut took, mut recovered) = (None, false);
    while took.is_none() || !recovered {
        let awaited =
            |update: &Update| matches!(update, Update::Connected | Update::Message { .. });
        match session
            .next("the connection and what was missed", awaited)
            .await
        {
            Update::Message { message, .. } => recovered |= message.text == "meanwhile",
            _ => took = Some(broke.elapsed()),
        }
    }
    let took = took.unwrap();
    assert!(
        took < Duration::from_millis(wait_ms + 3000),
        "{took:?} after a wait of {wait_ms} ms"
    );
    assert_eq!(session.stop().await.summary.unwrap().recovered, 1);
    fixture.assert_archived("chat-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_noticed_by_its_silence() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    fixture.simulator.world().chat.freeze_connections();
    let silent = |update: &Update| matches!(update, Update::Disconnected { reason, .. } if reason.contains("did not answer a ping"));
    session.next("the silence", silent).await;
    session
        .next("another connection", |update| {
            matches!(update, Update::Connected)
        })
        .await;
    session.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_nobody_read_for_a_while_is_not_given_up() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let deps = fixture.deps().await;
    let timing = StreamTiming {
        ping_interval: Duration::from_secs(20),
        pong_timeout: Duration::from_millis(50),
        io_timeout: Duration::from_secs(20),
    };
    let ChatCenter::Tutorial { client, stream } = &deps.center else {
        panic!("the simulator is no tenant");
    };
    let opened = Connection::open(stream, client, timing).await;
    let mut connection = opened.unwrap();
    let chat = &fixture.simulator.world().chat;
    // The connection sends its ping, and is then left alone for longer than an answer may take.
    assert!(connection.next().now_or_never().is_none());
    eventually("the ping arrives", || chat.pings() == 1).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    chat.say("chat-1", "customer", "hello");
    loop {
        match connection.next().await.expect("the connection is healthy") {
            Incoming::Event(_) => break,
            _ => continue,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_is_renewed_without_a_missed_message() {
    let settings = Settings {
        token_expires_in: 3,
        ..Settings::default()
    };
    let fixture = SessionFixture::new(
        Scenario {
            settings,
            ..Scenario::default()
        },
        &[],
    )
    .await;
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    // Without a transcript, whatever the stream misses is lost.
    chat.hide_transcript("chat-1");
    let mut number = 0;
    while chat.connections_opened() < 4 {
        chat.say_at(
            "chat-1",
            "customer",
            &number.to_string(),
            crate::fixture::now_ms() + number,
        );
        number += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(number < 6000, "the token is not renewed");
    }
    let summary = session.stop().await.summary.unwrap();
    assert_eq!(summary.messages, u64::try_from(number).unwrap());
    assert_eq!(summary.connections, 1, "the link was never down");
    fixture.assert_archived("chat-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_refused_at_the_handshake_costs_one_refresh() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    fixture.connected("one").await.stop().await;
    fixture.simulator.revoke_tokens();
    let before = fixture.simulator.requests("POST", "/api/v2/oauth/token");
    fixture.connected("two").await.stop().await;
    assert_eq!(
        fixture.simulator.requests("POST", "/api/v2/oauth/token"),
        before + 1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_death_the_next_session_ends_the_presence_and_loses_nothing() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let chat = &fixture.simulator.world().chat;
    let mut said = 0;
    for life in 0..4 {
        let session = fixture.connected(&format!("life-{life}")).await;
        for _ in 0..50 {
            chat.say_at(
                "chat-1",
                "customer",
                &said.to_string(),
                crate::fixture::now_ms() + said,
            );
            chat.say_at(
                "chat-2",
                "customer",
                &said.to_string(),
                crate::fixture::now_ms() + said,
            );
            said += 1;
            tokio::task::yield_now().await;
        }
        if life == 3 {
            session.stop().await;
        } else {
            session.kill().await;
        }
    }
    fixture.assert_archived("chat-1").await;
    fixture.assert_archived("chat-2").await;
    let presence = chat.presence(AGENT);
    assert_eq!(presence.last().map(String::as_str), Some("offline"));
    let offline = presence
        .iter()
        .filter(|status| *status == "offline")
        .count();
    assert!(
        offline >= 4,
        "each death is ended by the next: {presence:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_session_holds_the_lease_another_session_does_nothing() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let one = fixture.connected("one").await;
    let two = fixture.start_with(Options::new("two".to_owned())).await;
    let report = two.task.await.unwrap().unwrap();
    assert_eq!((report.outcome, report.summary), (Outcome::Held, None));
    assert_eq!(fixture.simulator.world().chat.connections(), 1);
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_over_before_the_deadline_misses_no_message() {
    let fixture = SessionFixture::new(Scenario::default(), &[("CHAT_HANDOVER_MS", "9000")]).await;
    let chat = &fixture.simulator.world().chat;
    chat.hide_transcript("chat-1");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let one = fixture
        .start_with(Options {
            deadline: Some(deadline),
            ..Options::new("one".to_owned())
        })
        .await;
    eventually("one is connected", || chat.connections_opened() == 1).await;
    let two = fixture.start("two").await;
    let mut number = 0;
    while !one.task.is_finished() {
        chat.say_at(
            "chat-1",
            "customer",
            &number.to_string(),
            crate::fixture::now_ms() + number,
        );
        number += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let report = one.task.await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::HandedOver);
    assert!(tokio::time::Instant::now() < deadline, "in time");
    assert_eq!(
        chat.presence(AGENT)
            .iter()
            .filter(|status| *status == "offline")
            .count(),
        0
    );
    two.stop().await;
    fixture.assert_archived("chat-1").await;
    assert!(
        fixture
            .archive("chat-1")
            .await
            .iter()
            .all(|line| line.gap_before.is_none())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_without_a_successor_ends_the_session() {
    let fixture = SessionFixture::new(Scenario::default(), &[("CHAT_HANDOVER_MS", "6000")]).await;
    let chat = &fixture.simulator.world().chat;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(7);
    let one = fixture
        .start_with(Options {
            deadline: Some(deadline),
            ..Options::new("one".to_owned())
        })
        .await;
    eventually("one is connected", || chat.connections_opened() == 1).await;
    chat.say("chat-1", "customer", "hello");
    let report = one.task.await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::Ended);
    assert!(tokio::time::Instant::now() < deadline, "in time");
    assert_eq!(
        chat.presence(AGENT).last().map(String::as_str),
        Some("offline")
    );
    fixture.assert_archived("chat-1").await;
}

/// Notes that a conversation has ended, as the session does that hands over while this one is not connected yet.
async fn note_end(state: &FaultyState, conversation: &str, ended_ms: i64) {
    let record = OpenRecord {
        since_ms: ended_ms,
        ended: true,
        ended_ms: Some(ended_ms),
    };
    let put = Put::encode(records::open_key(AGENT, conversation), &record, None).expect("an item");
    state
        .put(put, Expect::Any, Timestamp::now())
        .await
        .expect("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_ends_whose_end_only_the_session_before_has_heard() {
    let state = FaultyState::new();
    let fixture = SessionFixture::on(&state, Scenario::default(), &[]).await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    for conversation in ["chat-ended", "chat-that-goes-on"] {
        chat.say(conversation, "customer", "hello");
        session.shows(conversation, "hello").await;
    }
    note_end(&state, "chat-ended", now_ms()).await;
    // The customer has written since.
    note_end(&state, "chat-that-goes-on", now_ms() - 60_000).await;
    chat.break_connections();
    let archived = |update: &Update| matches!(update, Update::Archived { .. });
    session
        .next("the archive of what has ended", archived)
        .await;
    let partition = records::agent_partition(AGENT);
    eventually_async("the conversation that has ended is closed", async || {
        state.items(&partition, "open#").await.len() == 1
    })
    .await;
    let left = state.items(&partition, "open#").await;
    assert_eq!(left[0].key, records::open_key(AGENT, "chat-that-goes-on"));
    session.stop().await;
}
