//! The reduce step: reads the parts and writes the files of the report.
//!
//! 1. Read every part and add its records to the reducer, which finds topics and computes the figures.
//! 2. Read every part again and write `conversations.csv`. Reading twice keeps no more than one chunk of transcripts in memory
//!    besides the CSV itself.
//! 3. Draw the plots and render `report.html`.
//! 4. Write `summary.json` last: where it exists, all other files of the report exist as well.

use std::collections::HashSet;

use anyhow::{Context, ensure};
use insights_core::analytics::{Record, ReportData, ReportReducer};
use serde::Serialize;

use crate::csv_files::{ConversationsCsv, write_details_csv};
use crate::deps::Deps;
use crate::part::{ChunkState, Listing, Part};
use crate::progress::Progress;
use crate::range::Period;
use crate::{html, plots};

/// The figures and the files of a written report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrittenReport {
    /// The number of conversations.
    pub conversations: usize,
    /// The number of conversations with a transcript.
    pub with_transcript: usize,
    /// The conversations whose transcript could not be fetched, each with the reason.
    pub failed_transcripts: Vec<String>,
    /// The object keys of the written files.
    pub files: Vec<String>,
}

/// Writes the report of the given parts below `prefix`.
///
/// The order of the parts is the order of the report. A conversation that is in two parts counts in the first of them.
///
/// # Errors
/// If a part is not completely collected, the store fails, or a plot cannot be drawn.
pub async fn write_report(
    deps: &Deps,
    parts: &[Part],
    period: Period,
    prefix: &str,
) -> anyhow::Result<WrittenReport> {
    deps.report_progress(Progress::Reporting);
    let mut reducer = ReportReducer::default();
    for part in parts {
        let listing = read_complete_listing(part).await?;
        reducer.count_unusable_rows(listing.unusable);
        for_each_record(part, &listing, |record| {
            reducer.add(&record);
            Ok(())
        })
        .await?;
    }
    let (vocabulary, topics) = (deps.config.vocabulary, deps.config.topics);
    let report_data =
        tokio::task::spawn_blocking(move || reducer.finish(period.range(), vocabulary, topics))
            .await?;

    let mut files = Vec::new();
    let csv = write_conversations_csv(deps, parts, &report_data).await?;
    for (name, content) in [
        ("conversations.csv", csv),
        ("conversation_details.csv", write_details_csv(&report_data)?),
    ] {
        files.push(put(deps, prefix, name, content).await?);
    }
    let (report_data, figures) = tokio::task::spawn_blocking(move || {
        let figures = plots::draw_all(&report_data);
        (report_data, figures)
    })
    .await?;
    let figures = figures?;
    let mut page = html::render_page(&report_data, &figures)?;
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
    let mut summary = serde_json::to_vec_pretty(&report_data.summary)?;
    summary.push(b'\n');
    // The summary is written last: where it exists, all other files exist as well.
    files.push(put(deps, prefix, "summary.json", summary).await?);
    let failures = &report_data.summary.failed_transcripts;
    Ok(WrittenReport {
        conversations: report_data.summary.conversations.total,
        with_transcript: report_data.summary.conversations.with_transcript,
        failed_transcripts: failures
            .iter()
            .map(|it| format!("{}: {}", it.conversation_id, it.reason))
            .collect(),
        files,
    })
}

/// Writes the CSV of all conversations in the order of the rows and returns its bytes.
async fn write_conversations_csv(
    deps: &Deps,
    parts: &[Part],
    report_data: &ReportData,
) -> anyhow::Result<Vec<u8>> {
    let mut csv = ConversationsCsv::new(deps.config.redact)?;
    let mut rows = report_data.rows.iter();
    let mut seen = HashSet::new();
    for part in parts {
        let listing = read_complete_listing(part).await?;
        for_each_record(part, &listing, |record| {
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

/// Writes a file of the report and returns its key.
async fn put(deps: &Deps, prefix: &str, name: &str, content: Vec<u8>) -> anyhow::Result<String> {
    let key = format!("{prefix}{name}");
    deps.objects
        .put(&key, content)
        .await
        .with_context(|| format!("{key} was not written"))?;
    Ok(key)
}

/// Reads the list of a part, and checks that every chunk of the part is stored.
async fn read_complete_listing(part: &Part) -> anyhow::Result<Listing> {
    let listing = part
        .read_listing()
        .await?
        .context("a part of the report is not collected yet")?;
    let states = part.chunk_states().await?;
    let missing = (0..listing.chunk_count())
        .filter(|number| !states.contains_key(number))
        .count();
    ensure!(
        missing == 0,
        "a part of the report lacks {missing} of {} chunks",
        listing.chunk_count()
    );
    Ok(listing)
}

/// Visits every record of a part in order, with one chunk in memory at a time.
async fn for_each_record(
    part: &Part,
    listing: &Listing,
    mut visit: impl FnMut(Record) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let states = part.chunk_states().await?;
    for number in 0..listing.chunk_count() {
        let state = states.get(&number).copied().unwrap_or(ChunkState::Complete);
        for record in part.read_chunk(number, state).await? {
            visit(record)?;
        }
    }
    Ok(())
}
