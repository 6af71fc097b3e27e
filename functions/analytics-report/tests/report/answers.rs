//! Answers of the contact center that are not as its API promises.

use analytics_report::create_report;
use cxone_simulator::{Conversations, Fault, FaultRule, RetryAfter};
use serde_json::{Value, json};

use crate::support::*;

/// An answer of the list with these rows.
fn list_answer(rows: Value) -> Fault {
    Fault::Answer(200, json!({"data": rows, "nextLink": null}))
}

fn transcript_of(id: &str) -> String {
    format!("/api/v1/conversations/{id}/transcripts")
}

#[tokio::test]
async fn a_list_of_another_shape_is_an_error_and_no_quiet_day() {
    for answer in [
        json!({"error": "query limit exceeded"}),
        json!({"conversations": []}),
        json!({"data": null}),
        json!({"data": [], "error": "query limit exceeded"}),
        json!({"data": [{"id": "c-1"}]}),
        json!([]),
    ] {
        let simulator = start(generated(1)).await;
        simulator.fault(FaultRule::new(QUERY, Fault::Answer(200, answer.clone())));
        let folder = tempfile::tempdir().unwrap();
        let error = report(&simulator, folder.path()).await.unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains("invalid answer"), "{answer}: {message}");
        assert!(!message.contains("query limit"), "{message}");
        assert_eq!(files(folder.path()), [""; 0], "{answer}");
    }
}

#[tokio::test]
async fn rows_that_name_no_conversation_are_counted_and_hide_no_other() {
    let simulator = start(Conversations::only(vec![said("a", "resolved", &["good"])])).await;
    let rows = json!([null, {"conversationId": "a", "disposition": "resolved"}, {"duration": 3}]);
    simulator.fault(FaultRule::new(QUERY, list_answer(rows)));
    let folder = tempfile::tempdir().unwrap();
    report(&simulator, folder.path()).await.unwrap();
    let counts = &summary(folder.path())["conversations"];
    assert_eq!(
        (&counts["total"], &counts["unusable_rows"]),
        (&json!(1), &json!(2))
    );
}

#[tokio::test]
async fn one_odd_line_hides_no_other_and_is_counted() {
    let simulator = start(Conversations::only(vec![said("a", "resolved", &[])])).await;
    let lines = json!([
        null,
        {"text": "lost", "author": ["customer"], "timestamp": "2026-11-02T09:00:01Z"},
        {"text": "Thank you", "author": {"type": "customer"}, "timestamp": 1_793_610_020},
        {"text": "Hello there", "author": {"type": "agent"}, "timestamp": 1_793_610_000},
    ]);
    simulator.fault(FaultRule::new(TRANSCRIPTS, Fault::Answer(200, lines)));
    let folder = tempfile::tempdir().unwrap();
    let written = report(&simulator, folder.path()).await.unwrap();
    assert_eq!(written.failed_transcripts, [""; 0]);
    assert_eq!(
        rows(folder.path())[0]["transcript_text"],
        "Hello there Thank you"
    );
    let summary = summary(folder.path());
    assert_eq!(summary["conversations"]["unreadable_lines"], 2);
    assert_eq!(summary["flow"]["longest_gap_seconds"]["max"], 20.0);
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("2 entries of transcripts"));
}

#[tokio::test]
async fn a_transcript_of_another_shape_failed_and_is_not_missing() {
    let simulator = start(Conversations::only(vec![
        said("a", "resolved", &["good"]),
        said("b", "resolved", &["good"]),
    ]))
    .await;
    let lens = json!([{"Content": "I am furious", "ParticipantId": "CUSTOMER"}]);
    simulator.fault(FaultRule::new(
        &transcript_of("a"),
        Fault::Answer(200, lens),
    ));
    let folder = tempfile::tempdir().unwrap();
    let written = report(&simulator, folder.path()).await.unwrap();
    assert_eq!(written.failed_transcripts.len(), 1);
    assert!(!written.failed_transcripts[0].contains("furious"));
    assert_eq!(summary(folder.path())["complete"], false);
}

#[tokio::test]
async fn an_answer_without_content_means_that_there_is_no_transcript() {
    let simulator = start(Conversations::only(vec![said("a", "resolved", &["good"])])).await;
    simulator.fault(FaultRule::new(
        TRANSCRIPTS,
        Fault::Status(204, RetryAfter::Absent),
    ));
    let folder = tempfile::tempdir().unwrap();
    let written = report(&simulator, folder.path()).await.unwrap();
    assert_eq!(
        (written.with_transcript, written.failed_transcripts.len()),
        (0, 0)
    );
    assert_eq!(
        summary(folder.path())["conversations"]["without_transcript"],
        1
    );
}

#[tokio::test]
async fn a_missing_duration_is_an_empty_cell_and_no_figure() {
    let simulator = start(Conversations::only(vec![
        said("a", "resolved", &["good"]),
        said("b", "resolved", &["good"]),
    ]))
    .await;
    let rows_without = json!([
        {"conversationId": "a", "start_time": 1_793_610_000, "duration": 300},
        {"conversationId": "b", "start_time": 1_793_610_001},
    ]);
    simulator.fault(FaultRule::new(QUERY, list_answer(rows_without)));
    let folder = tempfile::tempdir().unwrap();
    report(&simulator, folder.path()).await.unwrap();
    let rows = rows(folder.path());
    assert_eq!(
        (
            rows[0]["duration_seconds"].as_str(),
            rows[1]["duration_seconds"].as_str()
        ),
        ("300", "")
    );
    assert_eq!(rows[0]["start_time"], "2026-11-02T09:00:00Z");
    let durations = &summary(folder.path())["duration_seconds"];
    assert_eq!(
        (&durations["n"], &durations["min"]),
        (&json!(1), &json!(300.0))
    );
}

#[tokio::test]
async fn codes_of_the_contact_center_keep_their_name_and_are_counted() {
    let simulator = start(Conversations::only(vec![
        said("a", "SALE-1", &["good"]),
        said("b", "7042", &["good"]),
        said("c", "7042", &["bad"]),
        said("d", "<i>odd", &["bad"]),
    ]))
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut deps = deps(&simulator, folder.path());
    deps.config.outcome_map = insights_core::outcomes::OutcomeMap::parse("sale-1=Success").unwrap();
    create_report(&deps, week(), "", until()).await.unwrap();
    let found: Vec<_> = rows(folder.path())
        .iter()
        .map(|row| (row["disposition"].clone(), row["outcome"].clone()))
        .collect();
    let expected = [
        ("SALE-1", "Success"),
        ("7042", "Other"),
        ("7042", "Other"),
        ("<i>odd", "Other"),
    ];
    assert_eq!(
        found,
        expected.map(|(code, outcome)| (code.to_owned(), outcome.to_owned()))
    );
    let others = &summary(folder.path())["other_dispositions"];
    assert_eq!(
        others,
        &json!([{"disposition": "7042", "conversations": 2}, {"disposition": "<i>odd", "conversations": 1}])
    );
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("other: 7042") && page.contains("other: &lt;i&gt;odd"));
}

#[tokio::test]
async fn no_cell_is_a_formula_whatever_separates_the_cells() {
    let simulator = start(Conversations::only(vec![said(
        "x;=cmd|'/C calc'!A0",
        "a;=1+1",
        &["Good morning;=1+1;@SUM(A1:A9) thanks", "ok\t-1"],
    )]))
    .await;
    let folder = tempfile::tempdir().unwrap();
    report(&simulator, folder.path()).await.unwrap();
    let text = std::fs::read_to_string(folder.path().join("conversations.csv")).unwrap();
    let row = text.lines().nth(1).unwrap();
    for separator in [';', ',', '\t', '"'] {
        for cell in row.split(separator) {
            assert!(
                !cell.trim_start().starts_with(['=', '+', '-', '@']) || cell == "-1",
                "{cell}"
            );
        }
    }
}

#[tokio::test]
async fn a_transcript_beyond_a_cell_of_excel_is_whole_and_counted() {
    let long = "good service ".repeat(4_000);
    let simulator = start(Conversations::only(vec![said("a", "resolved", &[&long])])).await;
    let folder = tempfile::tempdir().unwrap();
    report(&simulator, folder.path()).await.unwrap();
    assert_eq!(rows(folder.path())[0]["transcript_text"], long.trim());
    assert_eq!(
        summary(folder.path())["conversations"]["transcripts_beyond_a_cell"],
        1
    );
}
