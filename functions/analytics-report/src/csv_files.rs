//! The report's CSV files: UTF-8 with a byte order mark, so that a spreadsheet decodes them correctly, and without any cell
//! that a spreadsheet would run as a formula.

use anyhow::Context;
use insights_core::analytics::spreadsheet::escape_formula;
use insights_core::analytics::{Record, ReportData};
use insights_core::pii;

/// The mark at the beginning of a file by which a spreadsheet recognizes UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The file `conversations.csv`: one row per conversation.
pub(crate) struct ConversationsCsv {
    csv: csv::Writer<Vec<u8>>,
    redact: bool,
}

impl ConversationsCsv {
    /// Begins the file with its header; `redact` replaces personal data in the transcripts by placeholders.
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

    /// Adds the row of a conversation with its topic.
    pub(crate) fn add(&mut self, record: &Record, topic: Option<usize>) -> anyhow::Result<()> {
        let conversation = &record.conversation;
        let text = if self.redact {
            redact(record.text())
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

    /// Returns the bytes of the finished file.
    pub(crate) fn finish(self) -> anyhow::Result<Vec<u8>> {
        self.csv
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)
            .context("conversations.csv was not finished")
    }
}

/// Writes the file `conversation_details.csv`: the sentiment by speaker and quarter, the turns and the pauses of each
/// conversation; a cell is empty where there is no figure.
pub(crate) fn write_details_csv(report: &ReportData) -> anyhow::Result<Vec<u8>> {
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
    for row in &report.rows {
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
        .map_err(csv::IntoInnerError::into_error)
        .context("conversation_details.csv was not finished")
}

/// Returns the text with its personal data replaced by placeholders.
fn redact(text: &str) -> String {
    pii::redact(text, &pii::detect(text)).0
}
