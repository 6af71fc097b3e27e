//! The steps of a map over days: each day is collected by itself, and one report is made of all of them.
//!
//! A complete report needs its checkpoints no longer, and they are deleted. A step that is tried again after that must still
//! give the same answer: a marker says that the deletion has begun, and the summary says what was written.

use anyhow::Context;
use jiff::civil::Date;
use serde::Deserialize;
use store::objects::Objects;

use insights_core::analytics::ReportRange;
use insights_http::Deadline;

use crate::collect::{CollectedPart, collect_part};
use crate::deps::Deps;
use crate::part::Part;
use crate::range::Period;
use crate::reply::ReportReply;
use crate::report::{SUMMARY_FILE, write_report};

/// The checkpoints of all days of a run.
struct RunParts<'a> {
    objects: &'a Objects,
    run: &'a str,
}

impl RunParts<'_> {
    /// Returns the folder of all parts.
    fn folder(&self) -> String {
        format!("parts/{}/", self.run)
    }

    /// Returns the part of a day.
    fn day(&self, day: Date) -> Part {
        Part::new(self.objects.clone(), format!("{}{day}/", self.folder()))
    }

    /// Returns the key of the marker that exists while the parts are being deleted.
    fn marker(&self) -> String {
        format!("{}deleting", self.folder())
    }

    /// Returns whether the report of these parts is complete and their deletion has begun.
    async fn are_being_deleted(&self) -> anyhow::Result<bool> {
        Ok(self.objects.size(&self.marker()).await?.is_some())
    }

    /// Deletes the parts of a complete report; a deletion that was interrupted is begun again.
    async fn delete(&self) -> anyhow::Result<()> {
        let marker = self.marker();
        self.objects.put(&marker, "").await?;
        for entry in self.objects.list(&self.folder()).await? {
            if entry.key != marker {
                self.objects.delete(&entry.key).await?;
            }
        }
        self.objects.delete(&marker).await?;
        Ok(())
    }
}

/// Collects the part of one day of a run.
pub(crate) async fn collect_day(
    deps: &Deps,
    run: &str,
    day: Date,
    deadline: Deadline,
) -> anyhow::Result<CollectedPart> {
    let parts = RunParts {
        objects: &deps.objects,
        run,
    };
    if parts.are_being_deleted().await? {
        parts.delete().await?;
    }
    collect_part(deps, &parts.day(day), Period::day(day)?, deadline).await
}

/// Writes the report of the parts of all days of a run.
pub(crate) async fn reduce_days(
    deps: &Deps,
    run: &str,
    period: Period,
) -> anyhow::Result<ReportReply> {
    let run_parts = RunParts {
        objects: &deps.objects,
        run,
    };
    let prefix = format!("reports/{run}/");
    let being_deleted = run_parts.are_being_deleted().await?;
    if being_deleted {
        run_parts.delete().await?;
    }
    let days = period.days();
    let parts: Vec<Part> = days.iter().map(|day| run_parts.day(*day)).collect();
    if deps.objects.list(&run_parts.folder()).await?.is_empty()
        && let Some(reply) = read_complete_report(&deps.objects, &prefix, period).await?
    {
        tracing::info!(run, "the report was written by an earlier invocation");
        return Ok(reply);
    }
    let written = write_report(deps, &parts, period, &prefix).await?;
    crate::record_written(period);
    if written.failed_transcripts.is_empty() {
        run_parts.delete().await?;
    }
    Ok(ReportReply::new(&written, &prefix))
}

/// What the reply needs of a stored summary.
#[derive(Deserialize)]
struct StoredSummary {
    range: ReportRange,
    complete: bool,
    conversations: StoredCounts,
}

#[derive(Deserialize)]
struct StoredCounts {
    total: usize,
    with_transcript: usize,
}

/// Reads the reply of a complete report of the same time that an earlier invocation wrote, if there is one.
async fn read_complete_report(
    objects: &Objects,
    prefix: &str,
    period: Period,
) -> anyhow::Result<Option<ReportReply>> {
    let key = format!("{prefix}{SUMMARY_FILE}");
    let Some(bytes) = objects.get(&key).await? else {
        return Ok(None);
    };
    let summary: StoredSummary =
        serde_json::from_slice(&bytes).with_context(|| format!("{key} cannot be decoded"))?;
    if !summary.complete || summary.range != period.range() {
        return Ok(None);
    }
    Ok(Some(ReportReply {
        conversations: summary.conversations.total,
        with_transcript: summary.conversations.with_transcript,
        failed_transcripts: 0,
        summary: key,
    }))
}
