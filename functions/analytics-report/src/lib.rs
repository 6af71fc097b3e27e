//! The analytics report: sentiment, topics and outcomes of past conversations as CSV files, plots, one HTML page and a
//! summary.
//!
//! **Trigger.** An EventBridge schedule once a day, or an event that asks for a given time or for one step of the map over
//! days ([`event::ReportTask`]). The command line calls [`create_report`] directly.
//!
//! **Reads.** The contact center's list of conversations and their transcripts; the checkpoints of earlier runs.
//!
//! **Writes.** Into the object store below `reports/{run}/`: `conversations.csv`, `conversation_details.csv`, `plots/`,
//! `report.html` and, last, `summary.json`; checkpoints below `parts/{run}/`, a prefix of their own that can expire sooner.
//!
//! **Idempotency.** The run's name is the key: a second invocation of the same run continues from the checkpoints and writes
//! the same files again. A checkpoint holds 25 conversations, so that a killed run fetches at most those and the transcripts
//! in flight again. A transcript that could not be fetched stays in its checkpoint as failed, and the next run asks for it
//! again. Each run reads the list of conversations anew and keeps the records of those it knows. The checkpoints are deleted
//! once a report is written in which no transcript failed. A lease per report keeps two runs from working at once.
//!
//! **Feed.** With a NICE CXone tenant, whose webhooks bring no text, the task `{"feed": {}}` puts the conversations that were finished
//! since the last feed into the embedding queue ([`feeder`]). It is a task of this function because it needs what this function has: the
//! contact center, its share of the requests, minutes of time, and no database. A feed that is killed goes on where it was.
//!
//! **Failures.** A daily report in which transcripts are missing for a reason that may go away is written, and the invocation
//! fails, so that Lambda tries again. Transcripts that were refused for good are listed in the summary and fail nothing.
//!
//! **Personal data.** Unless the settings say otherwise, the texts are masked line by line before they are stored anywhere, after everything is
//! scored.
//!
//! **Map** ([`collect::collect_part`], once per part: one part per run, or one per day in a Step Functions map):
//!
//! 1. Read the list of conversations of the part, and arrange it by the checkpoints of an earlier run of the same origin.
//! 2. Fetch the transcripts that no checkpoint has, at a limited rate and concurrency.
//! 3. Compute the record of each conversation: VADER, the flow, and the local model if wanted.
//! 4. Store the records, one checkpoint per chunk of conversations.
//! 5. Ask once more for the transcripts that failed for a reason that may have gone away.
//!
//! **Reduce** ([`report::write_report`], over all parts):
//!
//! 1. Read the records of all parts in order; find the topics and compute the figures.
//! 2. Write the CSV files, the plots and the page.
//! 3. Write `summary.json`.
//!
//! A single run and a map over days make the same report, byte by byte.

mod call_limits;
pub mod collect;
pub mod config;
mod csv_files;
pub mod deps;
pub mod event;
mod html;
pub mod lease;
pub mod listing;
mod model;
mod moment;
mod numbers;
pub mod part;
mod plots;
mod progress;
pub mod range;
mod redaction;
mod reduction;
pub mod reply;
pub mod report;

use std::time::Duration;

use anyhow::Context;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::lambda::Invocation;
use runtime::metrics;
use serde_json::Value;
use store::objects::Objects;

use crate::collect::CollectedPart;
pub use crate::deps::Deps;
use crate::event::ReportTask;
use crate::lease::with_lease;
use crate::part::Part;
use crate::range::Period;
use crate::reply::{ReportReply, fail_if_unfinished};
use crate::report::WrittenReport;

pub use crate::model::{LineScore, ModelScorer, SimilarityModel, TextEmbedder};
pub use crate::progress::Progress;
pub use crate::reply::Reply;

/// Time that is kept back from the deadline for the reduce step and the writing of the report.
const REPORTING_TIME: Duration = Duration::from_secs(60);

/// Time that is kept back from the deadline of a feed, for what it is about to store.
const FEED_ENDING_TIME: Duration = Duration::from_secs(20);

/// Carries out the task of an event, up to shortly before the invocation's deadline.
///
/// # Errors
/// If the event is none of those that [`ReportTask::from_event`] names, and the errors of [`run_task`]. The event's source
/// tries again, and the next try goes on from the checkpoints.
pub async fn handle(deps: &Deps, event: Value, invocation: Invocation) -> anyhow::Result<Reply> {
    let task = ReportTask::from_event(&event)?;
    let deadline = match task {
        ReportTask::Feed => invocation.require_before(FEED_ENDING_TIME, "the end of the feed")?,
        _ => invocation.require_before(REPORTING_TIME, "writing the report")?,
    };
    run_task(deps, task, deadline).await
}

/// Carries out a task until a deadline: the same for Lambda, tests and the command line.
///
/// # Errors
/// As [`collect::collect_part`] and [`report::write_report`]; if another run works on the same step of a map; and if a report was
/// written without transcripts that a later run may fetch.
pub async fn run_task(deps: &Deps, task: ReportTask, deadline: Deadline) -> anyhow::Result<Reply> {
    match task {
        ReportTask::Feed => {
            let feeder = deps.feeder.as_ref();
            let feeder = feeder
                .context("a feed needs CXONE_PROFILE=cxone and the queue EMBEDDING_QUEUE_URL")?;
            Ok(Reply::Feed(feeder::feed(feeder, deadline).await?))
        }
        ReportTask::Map { run, day } => {
            let key = lease::day_key(&run, day);
            let collecting = reduction::collect_day(deps, &run, day, deadline);
            let collected = with_lease(deps, key, deadline, collecting)
                .await?
                .with_context(|| format!("another invocation works on {day} of the run {run}"))?;
            record_metrics(collected);
            Ok(Reply::Map {
                conversations: collected.conversations,
                failed_transcripts: collected.failed,
            })
        }
        ReportTask::Reduce { run, period } => {
            let key = lease::report_key(&run);
            let reducing = reduction::reduce_days(deps, &run, period);
            with_lease(deps, key, deadline, reducing)
                .await?
                .map(Reply::Report)
                .with_context(|| format!("another invocation works on the run {run}"))
        }
        ReportTask::Report { run, period } => {
            let key = lease::report_key(&run);
            let prefix = format!("reports/{run}/");
            let creating = collect_and_write(deps, period, &prefix, deadline);
            let Some((collected, written)) = with_lease(deps, key, deadline, creating).await?
            else {
                tracing::warn!(run, "another invocation writes this report already");
                return Ok(Reply::Busy { run });
            };
            fail_if_unfinished(collected, &written)?;
            Ok(Reply::Report(ReportReply::new(&written, &prefix)))
        }
    }
}

/// Creates the whole report of a time below `prefix`, which is empty or ends with a slash.
///
/// The checkpoints are deleted once the report is complete. While a transcript is missing they stay, so that the next run
/// fetches only what this run could not. The caller holds the [lease](lease::acquire) of the report where another run may be at
/// work.
///
/// # Errors
/// The errors of [`collect::collect_part`] and [`report::write_report`].
pub async fn create_report(
    deps: &Deps,
    period: Period,
    prefix: &str,
    deadline: Deadline,
) -> anyhow::Result<WrittenReport> {
    let (_, written) = collect_and_write(deps, period, prefix, deadline).await?;
    Ok(written)
}

/// Collects the only part of a run and writes its report.
async fn collect_and_write(
    deps: &Deps,
    period: Period,
    prefix: &str,
    deadline: Deadline,
) -> anyhow::Result<(CollectedPart, WrittenReport)> {
    let part = whole_part(&deps.objects, prefix);
    let collected = collect::collect_part(deps, &part, period, deadline).await?;
    record_metrics(collected);
    let written = report::write_report(deps, std::slice::from_ref(&part), period, prefix).await?;
    record_written(period);
    if collected.failed == 0 {
        part.delete().await?;
    }
    Ok((collected, written))
}

/// Deletes the checkpoints of an earlier run below `prefix`, so that the next run fetches everything again.
///
/// # Errors
/// If the object store fails.
pub async fn delete_checkpoints(objects: &Objects, prefix: &str) -> anyhow::Result<()> {
    whole_part(objects, prefix).delete().await
}

/// Returns the only part of a run that is not split into days.
fn whole_part(objects: &Objects, prefix: &str) -> Part {
    Part::new(objects.clone(), format!("{}all/", parts_folder(prefix)))
}

/// Returns the folder of the checkpoints of the report below `prefix`. Checkpoints hold whole transcripts, so that they lie under
/// a prefix of their own that expires sooner than the reports.
fn parts_folder(prefix: &str) -> String {
    let run = prefix.strip_prefix("reports/").unwrap_or(prefix);
    format!("parts/{run}")
}

/// Records that a report was written. Reports of the day before are counted apart, because an alarm waits for one each day.
pub(crate) fn record_written(period: Period) {
    metrics::count("report_written", 1);
    if period.is_recent_day(Timestamp::now()) {
        metrics::count("daily_reports_written", 1);
    }
}

/// Records how many conversations were collected and how many transcripts failed.
fn record_metrics(collected: CollectedPart) {
    metrics::count("report_conversations", collected.conversations as u64);
    metrics::count("report_transcripts_failed", collected.failed as u64);
}
