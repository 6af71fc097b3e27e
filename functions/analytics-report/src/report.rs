//! The reduce step: reads the parts and writes the files of the report.
//!
//! 1. Read every part once and add its records to the reducer, which finds topics and computes the figures. The texts are kept
//!    for the CSV file, whose rows need the topics; memory must hold the texts of all conversations once.
//! 2. Draw the plots and render `report.html`.
//! 3. Write `conversations.csv` in parts, `conversation_details.csv`, the plots and the page.
//! 4. Write `summary.json` last: where it exists, all other files of the report exist as well.
//!
//! A conversation may be erased meanwhile. The records of erasures are read before, between and after computing and writing, and what names
//! an erased conversation is made again without it.

use anyhow::Context;
use backends::erasure::ErasedConversations;
use insights_core::analytics::{ReportData, ReportReducer, Transcript};
use jiff::Timestamp;
use serde::Serialize;

use crate::csv_files::{format_conversations_csv, write_details_csv};
use crate::deps::Deps;
use crate::part::Part;
use crate::plots::Figure;
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
    let mut erased = read_erased(deps).await?;
    loop {
        deps.report_progress(Progress::Reporting);
        let report = ComputedReport::compute(deps, parts, period, &erased).await?;
        erased = read_erased(deps).await?;
        if report.names_any_of(&erased) {
            continue;
        }
        deps.report_progress(Progress::Writing);
        let report = report.write(deps, prefix).await?;
        // An erasure that began before this reading may have looked through a file before that was written. One that begins
        // after it finds every file.
        erased = read_erased(deps).await?;
        if !report.names_any_of(&erased) {
            return Ok(report.written);
        }
        tracing::warn!(
            prefix,
            "a conversation was erased while the report was written, which is written again without it"
        );
    }
}

/// Reads which conversations were erased until now.
async fn read_erased(deps: &Deps) -> anyhow::Result<ErasedConversations> {
    ErasedConversations::read(&deps.state, Timestamp::now())
        .await
        .context("the records of erasures were not read")
}

/// The contents of a report before they are written.
struct ComputedReport {
    report_data: ReportData,
    /// The text of each row.
    texts: Vec<String>,
    details: Vec<u8>,
    figures: Vec<Figure>,
    page: String,
    conversations: ReportedConversations,
}

/// The ids of the conversations that a report is about.
struct ReportedConversations(Vec<String>);

/// A report with its files.
struct ReportWithFiles {
    written: WrittenReport,
    conversations: ReportedConversations,
}

impl ReportedConversations {
    fn has_any_of(&self, erased: &ErasedConversations) -> bool {
        self.0.iter().any(|id| erased.contains(id))
    }
}

impl ReportWithFiles {
    /// Returns whether the files name a conversation that was erased.
    fn names_any_of(&self, erased: &ErasedConversations) -> bool {
        self.conversations.has_any_of(erased)
    }
}

impl ComputedReport {
    /// Computes the report of the given parts without the conversations that were erased.
    async fn compute(
        deps: &Deps,
        parts: &[Part],
        period: Period,
        erased: &ErasedConversations,
    ) -> anyhow::Result<Self> {
        let mut reducer = ReportReducer::new(deps.config.outcome_map.clone());
        if deps.config.redaction.is_some() {
            reducer = reducer.ignoring_placeholders();
        }
        let mut texts = Vec::new();
        let mut conversations = Vec::new();
        for part in parts {
            let listing = part
                .read_listing()
                .await?
                .with_context(|| format!("the part {} is not collected yet", part.folder()))?;
            reducer.count_unusable_rows(listing.unusable);
            part.for_each_record(&listing, |record| {
                if !erased.contains(&record.conversation.conversation_id) && reducer.add(&record) {
                    conversations.push(record.conversation.conversation_id);
                    texts.push(match record.transcript {
                        Transcript::Present { text, .. } => text,
                        Transcript::Missing | Transcript::Failed { .. } => String::new(),
                    });
                }
            })
            .await?;
        }
        let (vocabulary, topics) = (deps.config.vocabulary, deps.config.topics);
        let computing = tokio::task::spawn_blocking(move || {
            let report_data = reducer.finish(period.range(), vocabulary, topics);
            let figures = plots::draw_all(&report_data)?;
            let mut page = html::render_page(&report_data, &figures)?;
            page.shrink_to_fit();
            let details = write_details_csv(&report_data)?;
            anyhow::Ok((report_data, figures, page, details))
        });
        let (report_data, figures, page, details) = computing.await??;
        Ok(Self {
            report_data,
            texts,
            details,
            figures,
            page,
            conversations: ReportedConversations(conversations),
        })
    }

    /// Returns whether the report names a conversation that was erased.
    fn names_any_of(&self, erased: &ErasedConversations) -> bool {
        self.conversations.has_any_of(erased)
    }

    /// Writes the files of the report below `prefix`.
    async fn write(self, deps: &Deps, prefix: &str) -> anyhow::Result<ReportWithFiles> {
        let Self {
            report_data,
            texts,
            details,
            figures,
            page,
            conversations,
        } = self;
        let mut files = vec![write_conversations_csv(deps, prefix, &report_data, texts).await?];
        files.push(put(deps, prefix, "conversation_details.csv", details).await?);
        for Figure { name, png, svg, .. } in figures {
            files.push(put(deps, prefix, &format!("plots/{name}.png"), png).await?);
            files.push(put(deps, prefix, &format!("plots/{name}.svg"), svg.into_bytes()).await?);
        }
        files.push(put(deps, prefix, "report.html", page.into_bytes()).await?);
        let mut summary = serde_json::to_vec_pretty(&report_data.summary)?;
        summary.push(b'\n');
        // The summary is written last: where it exists, all other files exist as well.
        files.push(put(deps, prefix, SUMMARY_FILE, summary).await?);
        let failures = &report_data.summary.failed_transcripts;
        let written = WrittenReport {
            conversations: report_data.summary.conversations.total,
            with_transcript: report_data.summary.conversations.with_transcript,
            failed_transcripts: failures
                .iter()
                .map(|it| format!("{}: {}", it.conversation_id, it.reason))
                .collect(),
            files,
        };
        Ok(ReportWithFiles {
            written,
            conversations,
        })
    }
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
