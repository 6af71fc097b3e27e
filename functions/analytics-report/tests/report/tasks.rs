//! The tasks of the function's events: the daily report, the map over days, and two runs at once.

use std::time::Duration;

use analytics_report::event::ReportTask;
use analytics_report::lease;
use analytics_report::listing::PartOrigin;
use analytics_report::part::Part;
use analytics_report::range::Period;
use analytics_report::{Deps, Reply, run_task};
use cxone_simulator::{Conversations, Fault, FaultRule, RetryAfter};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::state::Key;
use testkit::CapturedMetrics;

use crate::support::*;

fn three() -> Conversations {
    Conversations::only(vec![
        said("broken", "escalated", &["I am furious"]),
        said("good-1", "resolved", &["Thank you, great help"]),
        said("good-2", "resolved", &["That was really great, thank you"]),
    ])
}

fn broken(fault: Fault) -> FaultRule {
    FaultRule::new("/api/v1/conversations/broken/transcripts", fault)
}

fn daily() -> ReportTask {
    let event =
        json!({"time": "2026-11-03T02:15:00Z", "detail-type": "Scheduled Event", "detail": {}});
    ReportTask::from_event(&event).unwrap()
}

fn map(day: &str) -> ReportTask {
    ReportTask::from_event(&json!({"mode": "map", "run": "week", "day": day})).unwrap()
}

fn reduce() -> ReportTask {
    let event = json!({"mode": "reduce", "run": "week", "from": "2026-11-02", "to": "2026-11-03"});
    ReportTask::from_event(&event).unwrap()
}

fn reply(reply: Reply) -> Value {
    serde_json::to_value(reply).unwrap()
}

#[tokio::test]
async fn a_daily_report_without_a_transcript_that_may_come_is_written_and_tried_again() {
    let simulator = start(three()).await;
    simulator.fault(broken(Fault::Status(503, RetryAfter::Absent)));
    let folder = tempfile::tempdir().unwrap();
    let deps = deps(&simulator, folder.path());
    let error = run_task(&deps, daily(), until()).await.unwrap_err();
    let message = format!("{error:#}");
    assert!(
        message.contains("without 1 transcripts") && message.contains("503"),
        "{message}"
    );
    let report = folder.path().join("reports/2026-11-02");
    assert_eq!(summary(&report)["complete"], false);

    simulator.world().faults.clear();
    simulator.world().traffic.clear();
    let done = run_task(&deps, daily(), until()).await.unwrap();
    assert_eq!(
        reply(done),
        json!({
            "mode": "report", "conversations": 3, "with_transcript": 3, "failed_transcripts": 0,
            "summary": "reports/2026-11-02/summary.json",
        })
    );
    assert_eq!(simulator.requests("GET", TRANSCRIPTS), 1);
    assert_eq!(summary(&report)["complete"], true);
    assert!(!folder.path().join("parts").exists());
}

#[tokio::test]
async fn each_report_is_counted_and_that_of_the_day_before_apart() {
    let simulator = start(three()).await;
    let folder = tempfile::tempdir().unwrap();
    let deps = deps(&simulator, folder.path());
    let metrics = CapturedMetrics::default();
    let _capturing = metrics.capture_here();
    run_task(&deps, daily(), until()).await.unwrap();
    for day in ["2026-11-02", "2026-11-03"] {
        run_task(&deps, map(day), until()).await.unwrap();
    }
    assert_eq!(metrics.total("report_written"), 1.0, "a map writes none");
    run_task(&deps, reduce(), until()).await.unwrap();
    assert_eq!(metrics.total("report_written"), 2.0);
    let of_other_days = metrics.total("daily_reports_written");
    assert_eq!(of_other_days, 0.0, "neither is of the day before");
    let event = json!({"time": Timestamp::now().to_string(), "detail": {}});
    let yesterday = ReportTask::from_event(&event).unwrap();
    run_task(&deps, yesterday, until()).await.unwrap();
    assert_eq!(metrics.total("report_written"), 3.0);
    assert_eq!(metrics.total("daily_reports_written"), 1.0);
}

#[tokio::test]
async fn a_transcript_that_was_refused_for_good_fails_no_run() {
    for fault in [
        Fault::Status(403, RetryAfter::Absent),
        Fault::Status(410, RetryAfter::Absent),
        Fault::Answer(200, json!({"error": "gone"})),
    ] {
        let simulator = start(three()).await;
        simulator.fault(broken(fault.clone()));
        let folder = tempfile::tempdir().unwrap();
        let deps = deps(&simulator, folder.path());
        let done = reply(run_task(&deps, daily(), until()).await.unwrap());
        assert_eq!(
            (&done["with_transcript"], &done["failed_transcripts"]),
            (&json!(2), &json!(1)),
            "{fault:?}"
        );
        let report = folder.path().join("reports/2026-11-02");
        assert_eq!(summary(&report)["complete"], false, "{fault:?}");
    }
}

#[tokio::test]
async fn a_report_without_any_transcript_that_it_asked_for_fails() {
    let simulator = start(three()).await;
    simulator.fault(FaultRule::new(
        TRANSCRIPTS,
        Fault::Status(403, RetryAfter::Absent),
    ));
    let folder = tempfile::tempdir().unwrap();
    let deps = deps(&simulator, folder.path());
    let error = run_task(&deps, daily(), until()).await.unwrap_err();
    assert!(
        format!("{error:#}").contains("`read:conversation`"),
        "{error:#}"
    );
}

#[tokio::test]
async fn a_complete_map_deletes_its_parts_and_answers_again_what_it_answered() {
    let simulator = start(three()).await;
    let folder = tempfile::tempdir().unwrap();
    let deps = deps(&simulator, folder.path());
    for day in ["2026-11-02", "2026-11-03"] {
        run_task(&deps, map(day), until()).await.unwrap();
    }
    assert!(folder.path().join("parts/week/2026-11-03").exists());
    let first = reply(run_task(&deps, reduce(), until()).await.unwrap());
    assert_eq!(
        first,
        json!({
            "mode": "report", "conversations": 3, "with_transcript": 3, "failed_transcripts": 0,
            "summary": "reports/week/summary.json",
        })
    );
    assert!(!folder.path().join("parts").exists());
    let repeated = reply(run_task(&deps, reduce(), until()).await.unwrap());
    assert_eq!(repeated, first);

    // A run that is mapped again is reduced again, and what is left of an interrupted deletion does not disturb it.
    std::fs::create_dir_all(folder.path().join("parts/week/2026-11-02")).unwrap();
    std::fs::write(folder.path().join("parts/week/deleting"), "").unwrap();
    std::fs::write(
        folder.path().join("parts/week/2026-11-02/listing.json"),
        "{}",
    )
    .unwrap();
    let repeated = reply(run_task(&deps, reduce(), until()).await.unwrap());
    assert_eq!(repeated, first);
    assert!(!folder.path().join("parts").exists());
    run_task(&deps, map("2026-11-02"), until()).await.unwrap();
    let half = run_task(&deps, reduce(), until()).await.unwrap_err();
    assert!(
        format!("{half:#}").contains("2026-11-03/ is not collected yet"),
        "{half:#}"
    );
}

#[tokio::test]
async fn a_map_with_a_failed_transcript_keeps_its_parts() {
    let simulator = start(three()).await;
    simulator.fault(broken(Fault::Answer(200, json!({}))));
    let folder = tempfile::tempdir().unwrap();
    let deps = deps(&simulator, folder.path());
    for day in ["2026-11-02", "2026-11-03"] {
        run_task(&deps, map(day), until()).await.unwrap();
    }
    let done = reply(run_task(&deps, reduce(), until()).await.unwrap());
    assert_eq!(done["failed_transcripts"], 1);
    simulator.world().faults.clear();
    run_task(&deps, map("2026-11-02"), until()).await.unwrap();
    let done = reply(run_task(&deps, reduce(), until()).await.unwrap());
    assert_eq!(done["failed_transcripts"], 0);
    assert!(!folder.path().join("parts").exists());
}

#[tokio::test]
async fn the_reply_of_a_reduce_is_small_however_many_transcripts_failed() {
    const FAILURES: usize = 50_000;
    let simulator = start(Conversations::only(Vec::new())).await;
    let folder = tempfile::tempdir().unwrap();
    let deps = deps(&simulator, folder.path());
    let day = Period::between("2026-11-02", "2026-11-02").unwrap();
    let origin = PartOrigin::new(simulator.url(), day.range(), false, None);
    let conversation = |at: usize| {
        json!({
            "conversation_id": format!("conversation-{at:08}"), "start_time": "2026-11-02T09:00:00Z",
            "duration_seconds": null, "disposition": "unknown",
        })
    };
    let conversations: Vec<Value> = (0..FAILURES).map(conversation).collect();
    let listing = json!({
        "origin": origin, "listed_at": "2026-11-03T02:15:00Z", "chunks": [conversations], "unusable": 0,
    });
    let records: Vec<String> = (0..FAILURES)
        .map(|at| {
            let mut record = conversation(at);
            record["transcript"] = json!({
                "state": "failed", "passing": true,
                "reason": "/api/v1/conversations/{id}/transcripts is unavailable: status 503",
            });
            record.to_string()
        })
        .collect();
    let put = |name: &str, text: String| {
        let path = folder.path().join("parts/week/2026-11-02").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("listing.json", listing.to_string());
    put("00000.failed.jsonl", records.join("\n"));
    run_task(&deps, map("2026-11-03"), until()).await.unwrap();
    let done = reply(run_task(&deps, reduce(), until()).await.unwrap());
    assert_eq!(done["failed_transcripts"], FAILURES);
    assert!(done.to_string().len() < 1_000, "{}", done.to_string().len());
    let summary = summary(&folder.path().join("reports/week"));
    assert_eq!(
        summary["failed_transcripts"].as_array().unwrap().len(),
        FAILURES
    );
}

/// Sets how long a run waits for another one to nothing.
fn impatient(mut deps: Deps) -> Deps {
    deps.lease_times.wait = Duration::ZERO;
    deps
}

#[tokio::test]
async fn of_two_runs_of_one_report_one_does_nothing() {
    let simulator = start(three()).await;
    let folder = tempfile::tempdir().unwrap();
    let deps = impatient(deps(&simulator, folder.path()));
    let key = |sort: &str| Key::new("report#2026-11-02", sort);
    let other = lease::acquire(&deps, key("lease"), until())
        .await
        .unwrap()
        .unwrap();
    let done = reply(run_task(&deps, daily(), until()).await.unwrap());
    assert_eq!(done, json!({"mode": "busy", "run": "2026-11-02"}));
    assert_eq!(simulator.requests("POST", QUERY), 0);
    assert_eq!(files(folder.path()), [""; 0]);
    other.release().await.unwrap();
    let done = reply(run_task(&deps, daily(), until()).await.unwrap());
    assert_eq!(done["mode"], "report");
}

#[tokio::test]
async fn a_step_of_a_map_that_another_invocation_works_on_is_tried_again() {
    let simulator = start(three()).await;
    let folder = tempfile::tempdir().unwrap();
    let deps = impatient(deps(&simulator, folder.path()));
    let day = Key::new("report#week", "lease#2026-11-02");
    let other = lease::acquire(&deps, day, until()).await.unwrap().unwrap();
    let error = run_task(&deps, map("2026-11-02"), until())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("another invocation"),
        "{error:#}"
    );
    run_task(&deps, map("2026-11-03"), until()).await.unwrap();
    other.release().await.unwrap();
    run_task(&deps, map("2026-11-02"), until()).await.unwrap();
    let run = lease::acquire(&deps, Key::new("report#week", "lease"), until())
        .await
        .unwrap()
        .unwrap();
    assert!(run_task(&deps, reduce(), until()).await.is_err());
    run.release().await.unwrap();
    run_task(&deps, reduce(), until()).await.unwrap();
}

#[tokio::test]
async fn a_chunk_that_lacks_a_record_is_collected_again() {
    let simulator = start(three()).await;
    let folder = tempfile::tempdir().unwrap();
    let deps = deps(&simulator, folder.path());
    for day in ["2026-11-02", "2026-11-03"] {
        run_task(&deps, map(day), until()).await.unwrap();
    }
    let part = Part::new(deps.objects.clone(), "parts/week/2026-11-02/".to_owned());
    let state = part.chunk_states().await.unwrap()[&0];
    let mut records = part.read_chunk(0, state).await.unwrap();
    records.remove("good-1").unwrap();
    let kept: Vec<_> = records.into_values().collect();
    part.write_chunk(0, &kept, Some(state)).await.unwrap();
    let error = run_task(&deps, reduce(), until()).await.unwrap_err();
    assert!(format!("{error:#}").contains("good-1"), "{error:#}");
    run_task(&deps, map("2026-11-02"), until()).await.unwrap();
    let done = reply(run_task(&deps, reduce(), until()).await.unwrap());
    assert_eq!(done["with_transcript"], 3);
}
