//! The report's CSV files: UTF-8 with a byte order mark, so that a spreadsheet reads them right, and no cell that it would
//! run as a formula.

use anyhow::Context;
use insights_core::analytics::cell::escape_formula;
use insights_core::analytics::{Record, ReportData};
use insights_core::pii;

/// What a spreadsheet needs to see that the file is UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// `conversations.csv`, a row a conversation.
pub(crate) struct Conversations {
    csv: csv::Writer<Vec<u8>>,
    redact: bool,
}

impl Conversations {
    /// The file with its header; `redact` blacks out personal data in the transcripts.
    pub(crate) fn new(redact: bool) -> anyhow::Result<Self> {
        let mut csv = csv::Writer::from_writer(BYTE_ORDER_MARK.to_vec());
        csv.write_record([
            "conversation_id",
            "start_time",
            "duration_seconds",
            "disposition",
            "outcome",
            "has_transcript",
            "sentiment_score",
            "sentiment_label",
            "topic_cluster",
            "transcript_text",
        ])?;
        Ok(Self { csv, redact })
    }

    /// Adds a conversation with its topic.
    pub(crate) fn add(&mut self, record: &Record, topic: Option<usize>) -> anyhow::Result<()> {
        let conversation = &record.conversation;
        let text = if self.redact {
            redacted(record.text())
        } else {
            record.text().to_owned()
        };
        self.csv.write_record([
            &*escape_formula(&conversation.conversation_id),
            &*escape_formula(&conversation.start_time),
            &conversation.duration_seconds.to_string(),
            &*escape_formula(&conversation.disposition),
            conversation.outcome().name(),
            if record.sentiment().is_some() {
                "true"
            } else {
                "false"
            },
            &record.score().to_string(),
            record.label().name(),
            &topic.map_or_else(|| "-1".to_owned(), |topic| topic.to_string()),
            &*escape_formula(&text),
        ])?;
        Ok(())
    }

    /// The file's bytes.
    pub(crate) fn finish(self) -> anyhow::Result<Vec<u8>> {
        self.csv
            .into_inner()
            .ok()
            .context("the CSV could not be finished")
    }
}

/// `conversation_details.csv`: sentiment by speaker and quarter, turns and pauses of each conversation; an empty cell where
/// there is no figure.
pub(crate) fn details(reduced: &ReportData) -> anyhow::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(BYTE_ORDER_MARK.to_vec());
    csv.write_record([
        "conversation_id",
        "sentiment_agent",
        "sentiment_customer",
        "sentiment_q1",
        "sentiment_q2",
        "sentiment_q3",
        "sentiment_q4",
        "model_score",
        "turns",
        "agent_words",
        "customer_words",
        "span_seconds",
        "longest_gap_seconds",
        "agent_response_seconds",
        "non_talk_share",
    ])?;
    for row in &reduced.rows {
        let sentiment = row.sentiment;
        let pace = row.flow.and_then(|flow| flow.pace);
        let count = |value: Option<usize>| value.map(|value| value as f64);
        let mut cells = vec![escape_formula(&row.conversation.conversation_id).into_owned()];
        let quarters = sentiment.map_or([None; 4], |sentiment| sentiment.quarters);
        let figures = [
            sentiment.and_then(|it| it.agent),
            sentiment.and_then(|it| it.customer),
        ]
        .into_iter()
        .chain(quarters)
        .chain([
            sentiment.and_then(|it| it.model),
            count(row.flow.map(|flow| flow.turns)),
            count(row.flow.map(|flow| flow.agent_words)),
            count(row.flow.map(|flow| flow.customer_words)),
            pace.map(|pace| pace.span_seconds),
            pace.map(|pace| pace.longest_gap_seconds),
            pace.and_then(|pace| pace.agent_response_seconds),
            pace.and_then(|pace| pace.non_talk_share),
        ]);
        cells.extend(
            figures.map(|figure| figure.map_or_else(String::new, |figure| figure.to_string())),
        );
        csv.write_record(cells)?;
    }
    csv.into_inner()
        .ok()
        .context("the CSV could not be finished")
}

/// The text with its personal data replaced by what kind it is of.
fn redacted(text: &str) -> String {
    pii::redact(text, &pii::detect(text)).0
}
