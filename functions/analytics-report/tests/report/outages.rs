//! A contact center that is out of reach for a while.

use std::time::Duration;

use analytics_report::{Deps, create_report};
use cxone_simulator::{Fault, FaultRule, Handle, RetryAfter};
use insights_http::CallLimits;
use testkit::quick_limits;

use crate::support::*;

/// The function with calls that fail fast, so that an outage is one of many calls.
fn quick(simulator: &Handle, folder: &std::path::Path, outage_wait: Duration) -> Deps {
    let mut deps = deps(simulator, folder);
    let mut limits: CallLimits = quick_limits();
    limits.retry.max_attempts = 2;
    limits.breaker.failures = u32::MAX;
    deps.source = deps.source.with_limits(limits);
    deps.config.outage_wait = outage_wait;
    deps
}

fn unavailable(path: &str, times: u64) -> FaultRule {
    FaultRule::new(path, Fault::Status(503, RetryAfter::Absent)).times(times)
}

#[tokio::test]
async fn a_list_that_is_out_of_reach_is_waited_for() {
    let simulator = start(generated(2)).await;
    simulator.fault(unavailable(QUERY, 4));
    let folder = tempfile::tempdir().unwrap();
    let patient = quick(&simulator, folder.path(), Duration::from_secs(60));
    create_report(&patient, week(), "", until()).await.unwrap();
    assert_eq!(summary(folder.path())["complete"], true);
}

#[tokio::test]
async fn a_list_that_stays_out_of_reach_ends_the_run() {
    let simulator = start(generated(2)).await;
    simulator.fault(unavailable(QUERY, u64::MAX));
    let folder = tempfile::tempdir().unwrap();
    let hasty = quick(&simulator, folder.path(), Duration::ZERO);
    let error = create_report(&hasty, week(), "", until())
        .await
        .unwrap_err();
    assert!(format!("{error:#}").contains("status 503"), "{error:#}");
    assert_eq!(simulator.requests("POST", QUERY), 2);
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn transcripts_that_are_out_of_reach_together_are_waited_for() {
    // Fewer and more conversations than count as an outage within a round.
    for per_day in [2, 12] {
        let simulator = start(generated(per_day)).await;
        simulator.fault(unavailable(TRANSCRIPTS, 100));
        let folder = tempfile::tempdir().unwrap();
        let patient = quick(&simulator, folder.path(), Duration::from_secs(60));
        let written = create_report(&patient, week(), "", until()).await.unwrap();
        assert_eq!(written.failed_transcripts, [""; 0], "{per_day}");
    }
}

#[tokio::test]
async fn a_single_transcript_that_fails_is_asked_for_a_few_times_and_holds_nobody_up() {
    let simulator = start(generated(2)).await;
    let whole = tempfile::tempdir().unwrap();
    report(&simulator, whole.path()).await.unwrap();
    let id = rows(whole.path())[0]["conversation_id"].clone();
    let path = format!("/api/v1/conversations/{id}/transcripts");
    simulator.fault(unavailable(&path, u64::MAX));
    let folder = tempfile::tempdir().unwrap();
    simulator.world().traffic.clear();
    let patient = quick(&simulator, folder.path(), Duration::from_secs(3600));
    let written = create_report(&patient, week(), "", until()).await.unwrap();
    assert_eq!(written.failed_transcripts.len(), 1);
    assert_eq!(
        simulator.requests("GET", &path),
        6,
        "three rounds of two attempts"
    );
}

#[tokio::test]
async fn a_long_outage_ends_the_run_and_the_next_one_goes_on() {
    let simulator = start(generated(30)).await;
    let whole = tempfile::tempdir().unwrap();
    report(&simulator, whole.path()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    simulator.fault(unavailable(TRANSCRIPTS, u64::MAX).after(60));
    let hasty = quick(&simulator, folder.path(), Duration::ZERO);
    let error = create_report(&hasty, week(), "", until())
        .await
        .unwrap_err();
    assert!(
        format!("{error:#}").contains("in a row were out of reach"),
        "{error:#}"
    );
    simulator.world().faults.clear();
    simulator.world().traffic.clear();
    create_report(&hasty, week(), "", until()).await.unwrap();
    assert!(simulator.requests("GET", TRANSCRIPTS) < 170 - 25);
    assert_eq!(figures(whole.path()), figures(folder.path()));
}
