//! Conversations that are erased while a report of them is made.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use analytics_report::report::WrittenReport;
use analytics_report::{Deps, Progress, create_report};
use backends::erasure::{ErasureRecord, ObjectCursor, erase_objects, write_record};
use cxone_simulator::{Conversations, Fault, FaultRule, Handle, RetryAfter};
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::Observer;
use store::objects::Objects;
use store::state::State;

use crate::support::*;

const CANARY: &str = "canaryword";

async fn center() -> Handle {
    start(Conversations::only(vec![
        said(
            "erased-1",
            "resolved",
            &[&format!("the {CANARY} was great")],
        ),
        said("kept-1", "resolved", &["everything was great"]),
        said("kept-2", "resolved", &["nothing was good"]),
    ]))
    .await
}

/// Begins the erasure of a conversation with its record.
async fn record_erasure(state: &State, conversation: &str) {
    let now = Timestamp::now();
    let record = ErasureRecord {
        erased_at: now.to_string(),
        ..ErasureRecord::default()
    };
    write_record(state, conversation, &record, now)
        .await
        .unwrap();
}

/// Erases a conversation as an operator does: the record comes first, then every object is looked through.
async fn erase(state: &State, objects: &Objects, conversation: &str) {
    record_erasure(state, conversation).await;
    let stop = Deadline::within(Duration::from_secs(60));
    erase_objects(objects, conversation, &[""], ObjectCursor::default(), stop)
        .await
        .unwrap();
}

/// What a run of a report did in which a conversation was erased.
struct Run {
    report: anyhow::Result<WrittenReport>,
    /// How many times the report was computed and written.
    computed: usize,
    written: usize,
}

/// Makes a report, and erases a conversation at the first step of a kind, while the report waits.
async fn report_with_erasure_at(
    simulator: &Handle,
    folder: &Path,
    is_moment: fn(&Progress) -> bool,
) -> Run {
    let deps = deps(simulator, folder);
    let (state, objects) = (deps.state.clone(), deps.objects.clone());
    let counts = Arc::new([const { AtomicUsize::new(0) }; 3]);
    let counted = Arc::clone(&counts);
    let observer = Observer::new(move |progress: Progress| {
        match progress {
            Progress::Reporting => counted[0].fetch_add(1, Ordering::Relaxed),
            Progress::Writing => counted[1].fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        if is_moment(&progress) && counted[2].fetch_add(1, Ordering::Relaxed) == 0 {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    match progress {
                        // The objects are looked through later.
                        Progress::Reporting => record_erasure(&state, "erased-1").await,
                        _ => erase(&state, &objects, "erased-1").await,
                    }
                });
            });
        }
    });
    let deps: Deps = deps.with_progress(observer);
    let report = create_report(&deps, week(), "", until()).await;
    assert!(counts[2].load(Ordering::Relaxed) > 0, "nothing was erased");
    Run {
        report,
        computed: counts[0].load(Ordering::Relaxed),
        written: counts[1].load(Ordering::Relaxed),
    }
}

fn assert_nothing_left(folder: &Path) {
    let names = files(folder);
    assert!(!names.is_empty());
    for name in names {
        let bytes = std::fs::read(folder.join(&name)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for canary in [CANARY, "erased-1"] {
            assert!(!text.contains(canary), "{canary} is in {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_erased_while_its_report_is_written_is_in_none_of_the_files() {
    let simulator = center().await;
    let folder = tempfile::tempdir().unwrap();
    let is_moment = |progress: &Progress| *progress == Progress::Writing;
    let run = report_with_erasure_at(&simulator, folder.path(), is_moment).await;
    assert_eq!(run.report.unwrap().conversations, 2);
    assert_eq!((run.computed, run.written), (2, 2));
    assert_eq!(summary(folder.path())["conversations"]["total"], 2);
    assert_eq!(rows(folder.path()).len(), 2);
    assert_nothing_left(folder.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_computed_during_an_erasure_is_not_written_before_it_leaves_the_conversation_out()
 {
    let simulator = center().await;
    let folder = tempfile::tempdir().unwrap();
    let is_moment = |progress: &Progress| *progress == Progress::Reporting;
    let run = report_with_erasure_at(&simulator, folder.path(), is_moment).await;
    assert_eq!(run.report.unwrap().conversations, 2);
    assert_eq!((run.computed, run.written), (2, 1));
    assert_nothing_left(folder.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_that_are_collected_during_an_erasure_leave_the_conversation_out() {
    let simulator = center().await;
    // A transcript that fails keeps the checkpoints.
    simulator.fault(FaultRule::new(
        "/api/v1/conversations/kept-1/transcripts",
        Fault::Answer(200, serde_json::json!({})),
    ));
    let folder = tempfile::tempdir().unwrap();
    let is_moment = |progress: &Progress| matches!(progress, Progress::Fetched { done: 3, .. });
    let run = report_with_erasure_at(&simulator, folder.path(), is_moment).await;
    assert_eq!(run.report.unwrap().conversations, 2);
    assert!(folder.path().join("parts").exists());
    assert_nothing_left(folder.path());
    // The next run goes on with the checkpoints as they are.
    simulator.world().faults.clear();
    let deps = deps(&simulator, folder.path());
    erase(&deps.state, &deps.objects, "erased-1").await;
    let next = create_report(&deps, week(), "", until()).await.unwrap();
    assert_eq!((next.conversations, next.with_transcript), (2, 2));
    assert_nothing_left(folder.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_during_an_erasure_leaves_no_checkpoint_of_the_conversation() {
    let simulator = start(Conversations::only(
        (0..60)
            .map(|at| match at {
                0 => said(
                    "erased-1",
                    "resolved",
                    &[&format!("the {CANARY} was great")],
                ),
                at => said(&format!("kept-{at:02}"), "resolved", &["all was well"]),
            })
            .collect(),
    ))
    .await;
    // The last chunk cannot be fetched, after the first one was stored.
    simulator.fault(FaultRule::new(
        "/api/v1/conversations/kept-59/transcripts",
        Fault::Status(401, RetryAfter::Absent),
    ));
    let folder = tempfile::tempdir().unwrap();
    let is_moment = |progress: &Progress| matches!(progress, Progress::Fetched { done: 20, .. });
    let run = report_with_erasure_at(&simulator, folder.path(), is_moment).await;
    assert!(run.report.is_err());
    assert!(folder.path().join("parts/all/00000.jsonl").exists());
    assert_nothing_left(folder.path());
}
