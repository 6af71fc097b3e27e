//! The reduce step: parts in, the report's files out.
//!
//! Parts are read twice, once for the figures and once for the CSV, so that no more than a chunk of transcripts is in
//! memory at a time beside the CSV itself.

use std::collections::HashSet;

use anyhow::{Context, ensure};
use insights_core::analytics::{Record, ReportData, ReportReducer};
use serde::Serialize;

use crate::csv_files::{Conversations, details};
use crate::part::{Listing, Part, State};
use crate::range::Period;
use crate::{Deps, Progress, html, plots};

/// A report that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Its conversations.
    pub conversations: usize,
    /// Those with a transcript.
    pub with_transcript: usize,
    /// Those whose transcript could not be fetched, with the reason.
    pub failed_transcripts: Vec<String>,
    /// The keys of its files.
    pub files: Vec<String>,
}

/// Writes the report of these parts below `prefix`. The order of the parts is the order of the report; a conversation
/// that is in two of them counts in the first.
///
/// # Errors
/// If a part is not collected to its end, the store fails, or a plot cannot be drawn.
pub async fn write(
    deps: &Deps,
    parts: &[Part],
    period: Period,
    prefix: &str,
) -> anyhow::Result<Written> {
    deps.tell(Progress::Reporting);
    let mut reduction = ReportReducer::default();
    for part in parts {
        let listing = complete(part).await?;
        reduction.count_unusable_rows(listing.unusable);
        each(part, &listing, |record| {
            reduction.add(&record);
            Ok(())
        })
        .await?;
    }
    let (selection, settings) = (deps.config.vocabulary, deps.config.topics);
    let reduced =
        tokio::task::spawn_blocking(move || reduction.finish(period.range(), selection, settings))
            .await?;

    let mut files = Vec::new();
    let csv = conversations(deps, parts, &reduced).await?;
    for (name, content) in [
        ("conversations.csv", csv),
        ("conversation_details.csv", details(&reduced)?),
    ] {
        files.push(put(deps, prefix, name, content).await?);
    }
    let (reduced, figures) = tokio::task::spawn_blocking(move || {
        let figures = plots::all(&reduced);
        (reduced, figures)
    })
    .await?;
    let figures = figures?;
    let mut page = html::page(&reduced, &figures)?;
    for figure in figures {
        files.push(
            put(
                deps,
                prefix,
                &format!("plots/{}.png", figure.name),
                figure.png,
            )
            .await?,
        );
        files.push(
            put(
                deps,
                prefix,
                &format!("plots/{}.svg", figure.name),
                figure.svg.into_bytes(),
            )
            .await?,
        );
    }
    page.shrink_to_fit();
    files.push(put(deps, prefix, "report.html", page.into_bytes()).await?);
    let mut summary = serde_json::to_vec_pretty(&reduced.summary)?;
    summary.push(b'\n');
    // The summary comes last: where it is, the rest is.
    files.push(put(deps, prefix, "summary.json", summary).await?);
    let failures = &reduced.summary.failed_transcripts;
    Ok(Written {
        conversations: reduced.summary.conversations.total,
        with_transcript: reduced.summary.conversations.with_transcript,
        failed_transcripts: failures
            .iter()
            .map(|it| format!("{}: {}", it.conversation_id, it.reason))
            .collect(),
        files,
    })
}

/// The CSV of all conversations, in the order of the rows.
async fn conversations(
    deps: &Deps,
    parts: &[Part],
    reduced: &ReportData,
) -> anyhow::Result<Vec<u8>> {
    let mut csv = Conversations::new(deps.config.redact)?;
    let mut rows = reduced.rows.iter();
    let mut seen = HashSet::new();
    for part in parts {
        let listing = complete(part).await?;
        each(part, &listing, |record| {
            if seen.insert(record.conversation.conversation_id.clone()) {
                let row = rows
                    .next()
                    .context("a part has changed while the report was written")?;
                csv.add(&record, row.topic)?;
            }
            Ok(())
        })
        .await?;
    }
    csv.finish()
}

async fn put(deps: &Deps, prefix: &str, name: &str, content: Vec<u8>) -> anyhow::Result<String> {
    let key = format!("{prefix}{name}");
    deps.objects
        .put(&key, content)
        .await
        .with_context(|| format!("{key} could not be written"))?;
    Ok(key)
}

/// The list of a part that has all its chunks.
async fn complete(part: &Part) -> anyhow::Result<Listing> {
    let listing = part
        .listing()
        .await?
        .context("a part of the report is not collected yet")?;
    let states = part.states().await?;
    let missing = (0..listing.chunks())
        .filter(|number| !states.contains_key(number))
        .count();
    ensure!(
        missing == 0,
        "a part of the report lacks {missing} of {} chunks",
        listing.chunks()
    );
    Ok(listing)
}

/// Every record of a part, in order, a chunk in memory at a time.
async fn each(
    part: &Part,
    listing: &Listing,
    mut visit: impl FnMut(Record) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let states = part.states().await?;
    for number in 0..listing.chunks() {
        let state = states.get(&number).copied().unwrap_or(State::Done);
        for record in part.records(number, state).await? {
            visit(record)?;
        }
    }
    Ok(())
}
