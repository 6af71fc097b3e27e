//! The reduce step: reads the parts and writes the files of the report.
//!
//! 1. Read every part once and add its records to the reducer, which finds topics and computes the figures. The texts are kept
//!    for the CSV file, whose rows need the topics; memory must hold the texts of all conversations once.
//! 2. Write `conversations.csv` in parts, and `conversation_details.csv`.
//! 3. Draw the plots and render `report.html`.
//! 4. Write `summary.json` last: where it exists, all other files of the report exist as well.

use anyhow::Context;
use backends::erasure::ErasedConversations;
use insights_core::analytics::{ReportData, ReportReducer, Transcript};
use jiff::Timestamp;
use serde::Serialize;

use crate::csv_files::{format_conversations_csv, write_details_csv};
use crate::deps::Deps;
use crate::part::Part;
use crate::progress::Progress;
use crate::range::Period;
use crate::{html, plots};

/// The name of the file that is written last.
pub(crate) const SUMMARY_FILE: &str = "summary.json";

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
    let mut reducer = ReportReducer::new(deps.config.outcome_map.clone());
    if deps.config.redaction.is_some() {
        reducer = reducer.ignoring_placeholders();
    }
    // A conversation may have been erased since its part was collected.
    let erased = ErasedConversations::read(&deps.state, Timestamp::now())
        .await
        .context("the records of erasures were not read")?;
    let mut texts = Vec::new();
    for part in parts {
        let listing = part
            .read_listing()
            .await?
            .with_context(|| format!("the part {} is not collected yet", part.folder()))?;
        reducer.count_unusable_rows(listing.unusable);
        part.for_each_record(&listing, |record| {
            if !erased.contains(&record.conversation.conversation_id) && reducer.add(&record) {
                texts.push(match record.transcript {
                    Transcript::Present { text, .. } => text,
                    Transcript::Missing | Transcript::Failed { .. } => String::new(),
                });
            }
        })
        .await?;
    }
    let (vocabulary, topics) = (deps.config.vocabulary, deps.config.topics);
    let report_data =
        tokio::task::spawn_blocking(move || reducer.finish(period.range(), vocabulary, topics))
            .await?;

    let mut files = vec![write_conversations_csv(deps, prefix, &report_data, texts).await?];
    let details = write_details_csv(&report_data)?;
    files.push(put(deps, prefix, "conversation_details.csv", details).await?);
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
    files.push(put(deps, prefix, SUMMARY_FILE, summary).await?);
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

/// Writes the CSV of all conversations and returns its key.
async fn write_conversations_csv(
    deps: &Deps,
    prefix: &str,
    report_data: &ReportData,
    texts: Vec<String>,
) -> anyhow::Result<String> {
    let key = format!("{prefix}conversations.csv");
    let not_written = || format!("{key} was not written");
    let mut upload = deps.objects.upload(&key)?;
    for piece in format_conversations_csv(&report_data.rows, texts) {
        upload.write(piece?).await.with_context(not_written)?;
    }
    upload.finish().await.with_context(not_written)?;
    Ok(key)
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
