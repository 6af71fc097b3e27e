//! The report's CSV files: UTF-8 with a byte order mark, so that a spreadsheet decodes them correctly, and without any cell
//! that a spreadsheet would run as a formula.

use anyhow::Context;
use insights_core::analytics::spreadsheet::escape_formula;
use insights_core::analytics::{ReportData, ReportRow};
use insights_core::outcomes::SentimentLabel;

/// The mark at the beginning of a file by which a spreadsheet recognizes UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The columns of `conversations.csv`.
const COLUMNS: [&str; 10] = [
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
];
/// Number of rows that are formatted at a time.
const ROWS_PER_PIECE: usize = 200;

/// Returns the file `conversations.csv` in pieces, one row per conversation. `texts` are the transcripts of the rows, in order; a
/// text is dropped with its piece.
pub(crate) fn format_conversations_csv(
    rows: &[ReportRow],
    texts: Vec<String>,
) -> impl Iterator<Item = anyhow::Result<Vec<u8>>> + '_ {
    let head = std::iter::once_with(|| {
        let mut csv = csv::Writer::from_writer(BYTE_ORDER_MARK.to_vec());
        csv.write_record(COLUMNS)?;
        finish(csv, "conversations.csv")
    });
    let mut texts = texts.into_iter();
    let pieces = rows.chunks(ROWS_PER_PIECE).map(move |rows| {
        let mut csv = csv::Writer::from_writer(Vec::new());
        for row in rows {
            write_conversation(&mut csv, row, &texts.next().unwrap_or_default())?;
        }
        finish(csv, "conversations.csv")
    });
    head.chain(pieces)
}

/// Writes the row of a conversation.
fn write_conversation(
    csv: &mut csv::Writer<Vec<u8>>,
    row: &ReportRow,
    text: &str,
) -> anyhow::Result<()> {
    let conversation = &row.conversation;
    let score = row.sentiment.map_or(0.0, |sentiment| sentiment.overall);
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    csv.write_record([
        &*escape_formula(&conversation.conversation_id),
        &*escape_formula(&conversation.start_time),
        &number(conversation.duration_seconds),
        &*escape_formula(&conversation.disposition),
        row.outcome.name(),
        if row.flow.is_some() { "true" } else { "false" },
        &score.to_string(),
        SentimentLabel::from_compound(score).name(),
        &row.topic
            .map_or_else(|| "-1".to_owned(), |topic| topic.to_string()),
        &*escape_formula(text),
    ])?;
    Ok(())
}

/// Returns the bytes of a finished file or piece.
fn finish(csv: csv::Writer<Vec<u8>>, file: &'static str) -> anyhow::Result<Vec<u8>> {
    csv.into_inner()
        .map_err(csv::IntoInnerError::into_error)
        .with_context(|| format!("{file} was not finished"))
}

/// Writes the file `conversation_details.csv`: the sentiment by speaker and quarter, the turns and the pauses of each
/// conversation, the language of a transcript that is not in English, and signals; a cell is empty where there is none.
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
        "language",
        "signals",
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
        cells.push(row.language.clone().unwrap_or_default());
        cells.push(sentiment.map_or_else(String::new, |sentiment| sentiment.signals.names()));
        csv.write_record(cells)?;
    }
    finish(csv, "conversation_details.csv")
}
