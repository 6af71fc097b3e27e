//! Random faults over thousands of messages: no message is lost, duplicated or out of order, and memory is bounded.

use std::time::Duration;

use chat_session::session::Update;
use cxone_simulator::chat::{ChatSettings, Troubles};
use cxone_simulator::{Fault, FaultRule, RetryAfter, Scenario, Settings};

use crate::fixture::{AGENT, SessionFixture, now_ms, wire_form};

const CONVERSATIONS: usize = 40;
const MESSAGES: i64 = 100;
/// The message after which the first life is killed.
const DEATH: i64 = 60;

fn scenario(seed: u64) -> Scenario {
    let troubles = Troubles {
        malformed: 0.03,
        duplicate: 0.03,
        reorder: 0.03,
        drop: 0.002,
        half_open: 0.0005,
    };
    let chat = ChatSettings {
        page_size: 17,
        troubles,
        idle_timeout_ms: 1000,
        ..ChatSettings::default()
    };
    let settings = Settings {
        token_expires_in: 4,
        ..Settings::default()
    };
    let status = |path: &str, status| {
        FaultRule::new(path, Fault::Status(status, RetryAfter::Absent))
            .probability(0.1)
            .times(20)
    };
    Scenario {
        seed,
        settings,
        chat,
        ..Scenario::default()
    }
    .with_fault(status("/api/v2/chat/conversations/*/transcript", 503))
    .with_fault(status("/api/v2/presence/users/*", 500))
    .with_fault(status("/api/v2/routing/users/*", 429))
    .with_fault(
        FaultRule::new("/api/v2/chat/stream", Fault::Drop)
            .probability(0.2)
            .times(20),
    )
    .with_fault(
        FaultRule::new("/api/v2/chat/stream", Fault::RevokeTokens)
            .probability(0.2)
            .times(5),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn with_every_fault_at_random_each_message_is_archived_once_in_order() {
    let fixture = SessionFixture::new(
        scenario(7),
        &[
            ("CHAT_WAITING_PER_CONVERSATION", "50"),
            ("CHAT_WAITING_TOTAL", "500"),
        ],
    )
    .await;
    let chat = &fixture.simulator.world().chat;
    let names: Vec<String> = (0..CONVERSATIONS)
        .map(|number| format!("chat-{number}"))
        .collect();
    let mut session = fixture.connected("life-0").await;
    // SeenIdentities to the session before anything can go wrong: a conversation of which it never hears cannot be archived.
    let start = now_ms();
    let mut number = 0;
    // The second life waits for the first one's lease, and then lives as long again.
    let mut until = MESSAGES;
    while number < until {
        for name in &names {
            chat.say_at(
                name,
                "customer",
                &format!("{name} says {number}"),
                start + number,
            );
        }
        match number {
            25 | 50 => chat.break_connections(),
            35 => chat.freeze_connections(),
            DEATH => {
                session.kill().await;
                session = fixture.start("life-1").await;
                until = i64::MAX;
            }
            _ => {}
        }
        while let Ok(update) = session.updates.try_recv() {
            if until == i64::MAX && matches!(update, Update::Connected) {
                until = number + MESSAGES - DEATH;
            }
        }
        assert!(number < 3000, "the second life never connects");
        number += 1;
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    chat.set_troubles(Troubles::default());
    fixture.simulator.world().faults.clear();
    let summary = session.stop().await.summary.unwrap();
    for name in &names {
        fixture.assert_archived(name).await;
    }
    assert!(
        summary.malformed.total() > 0 && summary.duplicates > 0 && summary.recovered > 0,
        "{summary:?}"
    );
    assert_eq!(
        chat.presence(AGENT).last().map(String::as_str),
        Some("offline")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_missing_in_stream_and_transcript_are_marked_as_a_gap() {
    let fixture = SessionFixture::new(Scenario::default(), &[]).await;
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    chat.hide_transcript("chat-1");
    let start = now_ms();
    for number in 0..200 {
        chat.say_at(
            "chat-1",
            "customer",
            &number.to_string(),
            now_ms().max(start + number),
        );
        if number % 60 == 30 {
            chat.break_connections();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    session.stop().await;
    let archived = fixture.archive("chat-1").await;
    let said = fixture.messages("chat-1");
    let gaps: Vec<_> = archived
        .iter()
        .filter_map(|line| line.gap_before.or(line.gap_after))
        .collect();
    assert!(
        archived.len() < said.len() && !gaps.is_empty(),
        "some were missed, and that is marked"
    );
    let lines: Vec<_> = archived.iter().map(wire_form).collect();
    for message in said.iter().filter(|message| !lines.contains(message)) {
        let at = message["timestamp"].as_i64().unwrap();
        let marked = gaps
            .iter()
            .any(|gap| (gap.from_ms - 50..=gap.to_ms + 50).contains(&at));
        assert!(marked, "{at} is in none of {gaps:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_reads_slowly_delays_no_message() {
    let chat = ChatSettings {
        slow_reader_ms: 100,
        ..ChatSettings::default()
    };
    let fixture = SessionFixture::new(
        Scenario {
            chat,
            ..Scenario::default()
        },
        &[],
    )
    .await;
    let mut session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    for number in 0..500 {
        chat.say("chat-1", "customer", &number.to_string());
    }
    for number in 0..500 {
        let is_message = |update: &Update| matches!(update, Update::Message { .. });
        session.next(&format!("message {number}"), is_message).await;
    }
    crate::fixture::eventually("pings go on", || chat.pings() >= 5).await;
    let summary = session.stop().await.summary.unwrap();
    // What is said before the session has looked at the transcripts for the first time may come by either way.
    assert_eq!(
        (summary.messages + summary.recovered, summary.connections),
        (500, 1)
    );
    fixture.assert_archived("chat-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_stopped_in_a_flood_ends_and_archives_all() {
    let fixture = SessionFixture::new(
        Scenario::default().with_fault(FaultRule::new(
            "/api/v2/presence/users/*",
            Fault::Delay(Duration::from_secs(1)),
        )),
        &[],
    )
    .await;
    let session = fixture.connected("one").await;
    let chat = &fixture.simulator.world().chat;
    let start = now_ms();
    chat.say_at("chat-1", "customer", "the first", start);
    crate::fixture::eventually("the chat is known", || chat.pings() >= 2).await;
    session.stop.cancel();
    // More than may wait between the socket and the session, while that sets the presence offline.
    for number in 0..6000 {
        chat.say_at(
            "chat-1",
            "customer",
            &number.to_string(),
            start + 1 + number,
        );
    }
    session.stop().await;
    fixture.assert_archived("chat-1").await;
}
