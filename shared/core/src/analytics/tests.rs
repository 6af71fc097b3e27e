//! Map and reduce over small conversations whose figures can be read off.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::outcomes::{Outcome, OutcomeMap, SentimentLabel};
use crate::signals::Signal;
use crate::topics::{ClusterSettings, VocabularyLimits};
use crate::vader::{Analyzer, polarity};

fn conversation(id: &str, disposition: &str) -> Conversation {
    Conversation {
        conversation_id: id.to_owned(),
        start_time: "2026-11-02T09:00:00Z".to_owned(),
        duration_seconds: Some(60.0),
        disposition: disposition.to_owned(),
        ..Conversation::default()
    }
}

fn line(speaker: Speaker, text: &str, second: i64) -> Line {
    Line {
        speaker,
        text: text.to_owned(),
        at: Timestamp::from_second(1_793_610_000 + second).ok(),
    }
}

fn record(id: &str, disposition: &str, said: &[&str]) -> Record {
    let lines = said
        .iter()
        .map(|text| line(Speaker::Customer, text, 0))
        .collect();
    Record::from_lines(
        conversation(id, disposition),
        lines,
        &mut Analyzer::default(),
    )
}

fn reduced(records: &[Record]) -> ReportData {
    let mut reducer = ReportReducer::default();
    for record in records {
        assert!(reducer.add(record));
    }
    let range = ReportRange {
        from: "2026-11-02T00:00:00Z".to_owned(),
        to: "2026-11-03T00:00:00Z".to_owned(),
    };
    reducer.finish(
        range,
        VocabularyLimits::default(),
        ClusterSettings::default(),
    )
}

#[test]
fn the_raw_text_is_scored_whole_by_speaker_and_by_quarter() {
    let lines = vec![
        line(Speaker::Customer, "This is NOT good!!!", 0),
        line(Speaker::Agent, "I am sorry.", 4),
        line(Speaker::Agent, "   ", 5),
        line(Speaker::Customer, "Thanks", 10),
        line(Speaker::Agent, "Great, have a lovely day", 12),
    ];
    let found = Record::from_lines(
        conversation("c", "resolved"),
        lines,
        &mut Analyzer::default(),
    );
    let sentiment = found.sentiment().unwrap();
    assert_eq!(
        found.text(),
        "This is NOT good!!! I am sorry. Thanks Great, have a lovely day"
    );
    assert_eq!(sentiment.overall, polarity(found.text()).compound);
    assert_eq!(
        sentiment.customer,
        Some(polarity("This is NOT good!!! Thanks").compound)
    );
    assert_eq!(
        sentiment.agent,
        Some(polarity("I am sorry. Great, have a lovely day").compound)
    );
    assert_eq!(
        sentiment.quarters[0],
        Some(polarity("This is NOT good!!!").compound)
    );
    assert_eq!(
        sentiment.quarters[3],
        Some(polarity("Great, have a lovely day").compound)
    );
    assert!(sentiment.quarters[0] < Some(0.0));
}

#[test]
fn lines_count_in_the_order_of_their_times() {
    let lines = vec![
        line(Speaker::Customer, "I hate this", 30),
        line(Speaker::Customer, "good morning", 1),
        Line {
            at: None,
            ..line(Speaker::Customer, "how are you", 0)
        },
        line(Speaker::Customer, "it is terrible", 10),
        line(Speaker::Agent, "same time, said later", 10),
    ];
    let found = Record::from_lines(
        conversation("c", "resolved"),
        lines,
        &mut Analyzer::default(),
    );
    assert_eq!(
        found.text(),
        "good morning how are you it is terrible same time, said later I hate this"
    );
    let quarters = found.sentiment().unwrap().quarters;
    assert_eq!(quarters[3], Some(polarity("I hate this").compound));
    let Transcript::Present { flow, .. } = found.transcript else {
        panic!("no transcript")
    };
    assert_eq!(flow.pace, None, "one line has no time");
}

#[test]
fn lines_without_any_time_keep_their_order() {
    let lines = ["b", "a", "c"].map(|text| Line {
        at: None,
        ..line(Speaker::Agent, text, 0)
    });
    let found = Record::from_lines(
        conversation("c", "resolved"),
        lines.into(),
        &mut Analyzer::default(),
    );
    assert_eq!(found.text(), "b a c");
}

#[test]
fn a_conversation_without_a_duration_is_left_out_of_the_durations() {
    let mut records = [300.0, 300.0, 0.0].map(|seconds| {
        let mut record = record(&format!("c-{seconds}-{}", seconds), "resolved", &["good"]);
        record.conversation.duration_seconds = (seconds > 0.0).then_some(seconds);
        record
    });
    records[1].conversation.conversation_id = "another".to_owned();
    let durations = reduced(&records).summary.duration_seconds;
    assert_eq!(
        (durations.n, durations.min, durations.mean),
        (2, Some(300.0), Some(300.0))
    );
}

#[test]
fn dispositions_without_an_outcome_are_counted_by_their_code() {
    let map = OutcomeMap::parse("SALE=Success,lost=Other").unwrap();
    let mut reducer = ReportReducer::new(map);
    for (id, disposition) in [
        ("a", "sale"),
        ("b", "7042"),
        ("c", " 7042 "),
        ("d", "resolved"),
        ("e", "lost"),
        ("f", "unknown"),
    ] {
        reducer.add(&record(id, disposition, &["good"]));
    }
    let range = ReportRange {
        from: String::new(),
        to: String::new(),
    };
    let ReportData { rows, summary } = reducer.finish(
        range,
        VocabularyLimits::default(),
        ClusterSettings::default(),
    );
    let outcomes: Vec<_> = rows.iter().map(|row| row.outcome).collect();
    use Outcome::{Other, Success, Unknown};
    assert_eq!(outcomes, [Success, Other, Other, Other, Other, Unknown]);
    assert_eq!(rows[1].conversation.disposition, "7042");
    let others: Vec<_> = summary
        .other_dispositions
        .iter()
        .map(|other| (other.disposition.as_str(), other.conversations))
        .collect();
    assert_eq!(others, [("7042", 2), ("resolved", 1)]);
}

#[test]
fn placeholders_of_personal_data_are_no_words_of_a_topic() {
    let text = "my card [CARD] and [EMAIL] failed [sic] [";
    let mut reducer = ReportReducer::default().ignoring_placeholders();
    reducer.add(&record("a", "resolved", &[text]));
    let range = ReportRange {
        from: String::new(),
        to: String::new(),
    };
    let summary = reducer
        .finish(
            range,
            VocabularyLimits::default(),
            ClusterSettings::default(),
        )
        .summary;
    assert_eq!(summary.topics[0].terms, ["card", "failed", "sic"]);
}

#[test]
fn unreadable_lines_and_overlong_transcripts_are_counted() {
    let long = "good ".repeat(10_000);
    let records = [
        record("a", "resolved", &[&long]),
        record("b", "resolved", &["good"]).with_unreadable_lines(3),
    ];
    let counts = reduced(&records).summary.conversations;
    assert_eq!(
        (counts.unreadable_lines, counts.transcripts_beyond_a_cell),
        (3, 1)
    );
}

#[test]
fn a_replaced_text_keeps_its_figures() {
    let mut found = record("c", "resolved", &["great, my card is 4111"]);
    let before = found.sentiment().copied();
    found.replace_text(found.text().replace("4111", "[CARD]"));
    assert_eq!(found.text(), "great, my card is [CARD]");
    assert_eq!(found.sentiment().copied(), before);
}

#[test]
fn two_lines_fill_the_first_and_the_third_quarter() {
    let found = record("c", "resolved", &["good", "bad"]);
    let quarters = found.sentiment().unwrap().quarters;
    assert_eq!(
        quarters.map(|quarter| quarter.is_some()),
        [true, false, true, false]
    );
}

#[test]
fn a_transcript_in_which_nobody_says_anything_is_missing() {
    for said in [&[][..], &["", "  \n"]] {
        let found = record("c", "resolved", said);
        assert_eq!(found.transcript, Transcript::Missing);
        assert_eq!(
            (found.score(), found.label(), found.text()),
            (0.0, SentimentLabel::Neutral, "")
        );
    }
}

#[test]
fn turns_pauses_and_responses_are_read_off_the_times() {
    let flow = Flow::from_lines(&[
        line(Speaker::Customer, "one two three four five", 0),
        line(Speaker::Customer, "six", 2),
        line(Speaker::Agent, "a b c d e", 10),
        line(Speaker::Customer, "ok", 20),
    ]);
    assert_eq!(
        (flow.turns, flow.agent_words, flow.customer_words),
        (3, 5, 7)
    );
    let pace = flow.pace.unwrap();
    assert_eq!((pace.span_seconds, pace.longest_gap_seconds), (20.0, 10.0));
    assert_eq!(pace.agent_response_seconds, Some(8.0));
    // Spoken: 2 s of 2, 0.4 s of 8, 2 s of 10.
    assert_eq!(pace.non_talk_share, Some(0.78));
}

#[test]
fn without_times_in_order_there_is_no_pace() {
    let mut lines = vec![
        line(Speaker::Agent, "a", 5),
        line(Speaker::Customer, "b", 3),
    ];
    assert_eq!(Flow::from_lines(&lines).pace, None);
    lines[1].at = None;
    assert_eq!(Flow::from_lines(&lines).pace, None);
    assert_eq!(Flow::from_lines(&lines[..1]).pace, None);
}

#[test]
fn failed_and_missing_transcripts_are_counted_and_never_scored() {
    let records = [
        record("a", "resolved", &["wonderful, thank you"]),
        record("b", "escalated", &[]),
        Record::with_failed_transcript(
            conversation("c", "escalated"),
            "503 after 4 tries".to_owned(),
            true,
        ),
    ];
    let ReportData { rows, summary } = reduced(&records);
    assert_eq!(
        summary.conversations,
        ConversationCounts {
            total: 3,
            with_transcript: 1,
            without_transcript: 1,
            failed_transcripts: 1,
            ..ConversationCounts::default()
        }
    );
    assert!(!summary.complete);
    assert_eq!(summary.failed_transcripts[0].conversation_id, "c");
    assert_eq!(summary.sentiment.overall.n, 1);
    assert_eq!(
        summary.sentiment.labels,
        LabelCounts {
            positive: 1,
            neutral: 0,
            negative: 0
        }
    );
    assert_eq!(
        rows.iter().map(|row| row.topic).collect::<Vec<_>>(),
        [Some(0), None, None]
    );
    assert_eq!(
        summary.topic_by_outcome.outcomes,
        [Outcome::Success, Outcome::Escalation]
    );
    assert_eq!(summary.topic_by_outcome.counts, [[1, 0]]);
    assert_eq!(summary.topics[0].examples, ["a"]);
}

#[test]
fn no_conversation_makes_a_complete_and_empty_summary() {
    let ReportData { rows, summary } = reduced(&[]);
    assert!(rows.is_empty() && summary.complete && summary.topics.is_empty());
    assert_eq!(summary.sentiment.overall.mean, None);
}

#[test]
fn a_conversation_listed_twice_counts_once() {
    let mut reducer = ReportReducer::default();
    assert!(reducer.add(&record("a", "resolved", &["good"])));
    assert!(!reducer.add(&record("a", "resolved", &["good"])));
}

#[test]
fn the_model_is_compared_on_the_customers_lines() {
    let with_model = |id: &str, said: &str, score| {
        let mut record = record(id, "resolved", &[said]);
        if let Transcript::Present { sentiment, .. } = &mut record.transcript {
            sentiment.model = Some(score);
        }
        record
    };
    let records = [
        with_model("a", "awful", 0.1),
        with_model("b", "wonderful", 0.9),
        with_model("c", "great", 0.2),
    ];
    let found = reduced(&records).summary.sentiment.model.unwrap();
    assert_eq!(found.agreement, 0.6667);
    assert!(found.correlation.unwrap() > 0.5);
    assert_eq!(found.model.max, Some(0.9));
}

#[test]
fn the_report_is_ordered_by_time_then_id_and_what_has_no_time_comes_last() {
    let mut conversations = ["b", "a", "z", "y"].map(|id| conversation(id, "resolved"));
    conversations[2].start_time = "2026-11-02T09:00:00+01:00".to_owned();
    conversations[3].start_time = "yesterday".to_owned();
    conversations.sort_by(Conversation::compare_in_report_order);
    assert_eq!(
        conversations.map(|conversation| conversation.conversation_id),
        ["z", "a", "b", "y"]
    );
}

proptest! {
    #[test]
    fn a_record_survives_its_storage(texts in prop::collection::vec("\\PC{0,40}", 0..6), timed in any::<bool>()) {
        let lines: Vec<Line> = texts.iter().enumerate().map(|(at, text)| {
            let speaker = if at % 2 == 0 { Speaker::Agent } else { Speaker::Customer };
            let mut line = line(speaker, text, at as i64);
            line.at = line.at.filter(|_| timed);
            line
        }).collect();
        let record = Record::from_lines(conversation("c", "resolved"), lines, &mut Analyzer::default());
        let stored = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(serde_json::from_str::<Record>(&stored).unwrap(), record);
    }
}

#[test]
fn transcripts_in_other_languages_are_counted_and_left_out_of_every_figure_of_sentiment() {
    let spanish = record(
        "es",
        "resolved",
        &["no funciona mi internet, quiero cancelar la cuenta"],
    );
    assert_eq!(spanish.language.as_deref(), Some("es"));
    assert_eq!((spanish.sentiment(), spanish.score()), (None, 0.0));
    assert!(spanish.text().contains("funciona"));
    let stored = serde_json::to_string(&spanish).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&stored).unwrap(), spanish);

    let mut signaling = record("en", "resolved", &["this is great, thank you"]);
    if let Transcript::Present { sentiment, .. } = &mut signaling.transcript {
        sentiment.signals = [Signal::Churn].into_iter().collect();
    }
    let french = record(
        "fr",
        "resolved",
        &["merci beaucoup, c'est parfait pour moi"],
    );
    let data = reduced(&[spanish, signaling, french]);
    let summary = serde_json::to_value(&data.summary).unwrap();
    assert_eq!(summary["conversations"]["with_transcript"], 3);
    assert_eq!(summary["conversations"]["other_languages"], 2);
    assert_eq!(summary["sentiment"]["overall"]["n"], 1);
    assert_eq!(summary["sentiment"]["labels"]["neutral"], 0);
    assert_eq!(
        summary["languages"],
        serde_json::json!([{"language": "es", "conversations": 1}, {"language": "fr", "conversations": 1}])
    );
    assert_eq!(
        summary["signals"],
        serde_json::json!([{"signal": "churn", "conversations": 1}])
    );
}
