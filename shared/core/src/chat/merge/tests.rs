//! Merging: nothing lost, nothing double, in order, gaps marked.

use super::*;
use crate::chat::message::Sender;
use proptest::prelude::*;

fn message(kind: &str, text: &str, timestamp_ms: i64) -> Message {
    let from = Sender {
        kind: kind.into(),
        id: format!("{kind}-1"),
    };
    Message {
        conversation_id: "c".into(),
        from,
        text: text.into(),
        timestamp_ms,
    }
}

fn stored(text: &str, timestamp_ms: i64, arrival: u64) -> StoredMessage {
    let message = message("customer", text, timestamp_ms);
    StoredMessage {
        message,
        via: Via::Stream,
        arrival,
        latency_ms: Some(5),
        model_sentiment: None,
        signals: crate::signals::Signals::NONE,
        language: None,
    }
}

fn texts(lines: &[ArchiveLine]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line.message.text.as_str())
        .collect()
}

#[test]
fn each_message_is_archived_once_with_its_source() {
    let stream = vec![stored("a", 1, 0), stored("c", 3, 1), stored("c", 3, 2)];
    let transcript = vec![message("customer", "a", 1), message("customer", "b", 2)];
    let lines = merge(vec![], stream, Some(transcript), &[]);
    assert_eq!(texts(&lines), ["a", "b", "c"]);
    let sources: Vec<Source> = lines.iter().map(|line| line.source).collect();
    assert_eq!(sources, [Source::Both, Source::Transcript, Source::Stream]);
    assert_eq!(lines[0].latency_ms, Some(5));
}

#[test]
fn the_same_words_at_another_time_or_by_another_sender_are_another_message() {
    let transcript = vec![
        message("customer", "ok", 1),
        message("customer", "ok", 2),
        message("agent", "ok", 1),
    ];
    assert_eq!(merge(vec![], vec![], Some(transcript), &[]).len(), 3);
}

#[test]
fn reordered_messages_are_put_in_order() {
    let stream = vec![
        stored("third", 30, 0),
        stored("first", 10, 1),
        stored("second", 20, 2),
    ];
    assert_eq!(
        texts(&merge(vec![], stream, None, &[])),
        ["first", "second", "third"]
    );
}

#[test]
fn within_a_millisecond_the_transcripts_order_counts_then_arrival() {
    let stream = vec![
        stored("late", 1, 7),
        stored("z", 1, 0),
        stored("early", 1, 6),
    ];
    let transcript = vec![message("customer", "z", 1), message("customer", "a", 1)];
    assert_eq!(
        texts(&merge(vec![], stream, Some(transcript), &[])),
        ["z", "a", "early", "late"]
    );
}

#[test]
fn without_a_transcript_an_outage_is_a_gap_before_the_next_message() {
    let stream = vec![stored("a", 10, 0), stored("b", 50, 1)];
    let outage = Gap {
        from_ms: 20,
        to_ms: 40,
    };
    let lines = merge(vec![], stream.clone(), None, &[outage]);
    assert_eq!(
        (lines[0].gap_before, lines[1].gap_before),
        (None, Some(outage))
    );
    let filled = merge(vec![], stream, Some(vec![]), &[outage]);
    assert!(
        filled.iter().all(|line| line.gap_before.is_none()),
        "a transcript fills gaps"
    );
}

#[test]
fn an_outage_behind_the_last_message_is_marked_on_it() {
    let outages = [
        Gap {
            from_ms: 20,
            to_ms: 40,
        },
        Gap {
            from_ms: 50,
            to_ms: 60,
        },
    ];
    let lines = merge(vec![], vec![stored("a", 10, 0)], None, &outages);
    assert_eq!(
        lines[0].gap_after,
        Some(Gap {
            from_ms: 20,
            to_ms: 60
        })
    );
    assert!(merge(vec![], vec![], None, &outages).is_empty());
}

#[test]
fn an_outbound_message_that_comes_back_is_one() {
    let sent = StoredMessage {
        message: message("agent", "hello", 100),
        via: Via::Outbound,
        ..stored("", 0, 0)
    };
    let lines = merge(
        vec![],
        vec![sent.clone()],
        Some(vec![message("agent", "hello", 100)]),
        &[],
    );
    assert_eq!((lines.len(), lines[0].source), (1, Source::Transcript));
    let restamped = merge(
        vec![],
        vec![sent.clone()],
        Some(vec![message("agent", "hello", 350)]),
        &[],
    );
    assert_eq!(
        (restamped.len(), restamped[0].message.timestamp_ms),
        (1, 350)
    );
    let unseen = merge(vec![], vec![sent], None, &[]);
    assert_eq!(unseen[0].source, Source::Outbound);
}

#[test]
fn one_restamped_copy_stands_for_one_outbound_message() {
    let sent = |at| StoredMessage {
        message: message("agent", "ok", at),
        via: Via::Outbound,
        ..stored("", 0, 0)
    };
    let lines = merge(
        vec![],
        vec![sent(100), sent(200)],
        Some(vec![message("agent", "ok", 150)]),
        &[],
    );
    let times: Vec<i64> = lines.iter().map(|line| line.message.timestamp_ms).collect();
    assert_eq!(times, [150, 200]);
}

#[test]
fn archiving_again_with_more_adds_only_what_is_new() {
    let first = merge(vec![], vec![stored("a", 1, 0)], None, &[]);
    let again = merge(first.clone(), vec![stored("a", 1, 0)], None, &[]);
    assert_eq!(again, first);
    let more = merge(
        first,
        vec![stored("b", 2, 5)],
        Some(vec![message("customer", "a", 1)]),
        &[],
    );
    assert_eq!(texts(&more), ["a", "b"]);
    assert_eq!(more[0].source, Source::Both);
}

proptest! {
    #[test]
    fn each_stored_or_transcribed_message_is_archived_once_and_in_order(
        stored_at in prop::collection::vec((0i64..50, 0u8..3), 0..60),
        read_at in prop::collection::vec((0i64..50, 0u8..3), 0..60),
        cut in 0usize..60,
    ) {
        let stream: Vec<StoredMessage> =
            stored_at.iter().zip(0..).map(|((at, text), arrival)| stored(&text.to_string(), *at, arrival)).collect();
        let transcript: Vec<Message> = read_at.iter().map(|(at, text)| message("customer", &text.to_string(), *at)).collect();
        let mut expected: Vec<(i64, u8)> = stored_at.iter().chain(&read_at).copied().collect();
        expected.sort_unstable();
        expected.dedup();

        let cut = cut.min(stream.len());
        let at_once = merge(vec![], stream.clone(), Some(transcript.clone()), &[]);
        let archived = merge(vec![], stream[..cut].to_vec(), None, &[]);
        let in_two = merge(archived, stream[cut..].to_vec(), Some(transcript), &[]);
        for lines in [&at_once, &in_two] {
            let mut found: Vec<(i64, u8)> =
                lines.iter().map(|line| (line.message.timestamp_ms, line.message.text.parse().unwrap())).collect();
            prop_assert!(found.is_sorted_by_key(|(at, _)| *at));
            found.sort_unstable();
            prop_assert_eq!(&found, &expected);
        }
    }
}
