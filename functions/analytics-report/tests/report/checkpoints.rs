//! What a run leaves for the next one.

use analytics_report::create_report;
use cxone_simulator::{Conversations, Fault, FaultRule, RetryAfter};
use insights_core::pii::RedactionPolicy;
use serde_json::json;

use crate::support::*;

fn row(id: &str, minute: u32, disposition: &str) -> serde_json::Value {
    json!({
        "conversationId": id, "start_time": format!("2026-11-02T09:{minute:02}:00Z"), "duration": 60,
        "disposition": disposition,
    })
}

fn list(rows: &[serde_json::Value]) -> Fault {
    Fault::Answer(200, json!({"data": rows, "nextLink": null}))
}

#[tokio::test]
async fn the_next_run_lists_again_and_keeps_the_records_that_it_knows() {
    let ids = ["a", "b", "c", "d", "e", "f"];
    let fixed = ids.map(|id| said(id, "resolved", &[&format!("conversation {id} was great")]));
    let simulator = start(Conversations::only(fixed.into())).await;
    let folder = tempfile::tempdir().unwrap();
    // The first list has three of the conversations, and one of those has no disposition yet.
    simulator.fault(FaultRule::new(
        QUERY,
        list(&[
            row("b", 2, "unknown"),
            row("d", 4, "resolved"),
            row("f", 6, "resolved"),
        ]),
    ));
    simulator.fault(FaultRule::new(
        "/api/v1/conversations/d/transcripts",
        Fault::Status(500, RetryAfter::Absent),
    ));
    let first = report(&simulator, folder.path()).await.unwrap();
    assert_eq!(
        (first.conversations, first.failed_transcripts.len()),
        (3, 1)
    );

    simulator.world().faults.clear();
    simulator.world().traffic.clear();
    let rows_now: Vec<_> = ids
        .iter()
        .zip(1..)
        .filter(|(id, _)| **id != "f")
        .map(|(id, minute)| row(id, minute, "resolved"))
        .collect();
    simulator.fault(FaultRule::new(QUERY, list(&rows_now)));
    let second = report(&simulator, folder.path()).await.unwrap();
    assert_eq!(
        (second.conversations, second.with_transcript),
        (5, 5),
        "f is listed no longer"
    );
    assert_eq!(
        simulator.requests("GET", TRANSCRIPTS),
        4,
        "only b was known already"
    );
    assert_eq!(summary(folder.path())["complete"], true);
    for (row, id) in rows(folder.path()).iter().zip(["a", "b", "c", "d", "e"]) {
        assert_eq!(row["conversation_id"], id);
        assert_eq!(
            row["transcript_text"],
            format!("conversation {id} was great")
        );
        assert_eq!(row["outcome"], "Success", "{id}");
    }
    assert!(!folder.path().join("parts").exists());
}

#[tokio::test]
async fn merged_chunks_make_the_same_report_as_one_run() {
    let simulator = start(generated(40)).await;
    let whole = tempfile::tempdir().unwrap();
    report(&simulator, whole.path()).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    // One transcript fails, so that the checkpoints of the shorter list stay.
    simulator.fault(FaultRule::new(TRANSCRIPTS, Fault::Answer(200, json!({}))).times(1));
    // The first page says that it is the last one.
    let first_page: Vec<_> = rows(whole.path())
        .iter()
        .step_by(3)
        .map(|row| {
            json!({
                "conversationId": row["conversation_id"], "start_time": row["start_time"], "duration": 1,
                "disposition": row["disposition"],
            })
        })
        .collect();
    simulator.fault(FaultRule::new(QUERY, list(&first_page)).times(1));
    let first = report(&simulator, folder.path()).await.unwrap();
    assert_eq!(
        (first.conversations, first.failed_transcripts.len()),
        (first_page.len(), 1)
    );
    report(&simulator, folder.path()).await.unwrap();
    assert_eq!(figures(whole.path()), figures(folder.path()));
}

#[tokio::test]
async fn a_run_with_redaction_uses_no_text_of_a_run_without() {
    let text = "My card is 4111 1111 1111 1111, thank you";
    let simulator = start(Conversations::only(vec![
        said("a", "resolved", &[text]),
        said("b", "resolved", &["good"]),
    ]))
    .await;
    simulator.fault(FaultRule::new(
        "/api/v1/conversations/b/transcripts",
        Fault::Answer(200, json!({})),
    ));
    let folder = tempfile::tempdir().unwrap();
    report(&simulator, folder.path()).await.unwrap();
    let mut deps = deps(&simulator, folder.path());
    deps.config.redaction = Some(RedactionPolicy::default());
    create_report(&deps, week(), "", until()).await.unwrap();
    for name in files(folder.path()) {
        let bytes = std::fs::read(folder.path().join(&name)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("4111"), "{name}");
    }
}
