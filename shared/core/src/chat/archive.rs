//! The archive of a conversation as JSON Lines: each line holds one message, and the lines are in order of time.

use serde::{Deserialize, Serialize};

use super::escalation::{EscalationDetector, EscalationSource, Severity};
use super::message::Message;
use crate::signals::Signals;
use crate::{lenient_json, lexicon};

/// Tells which sources a message of the archive came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Only the stream brought the message.
    Stream,
    /// Only the transcript holds the message: the stream missed it.
    Transcript,
    /// Both the stream and the transcript hold the message.
    Both,
    /// This session sent the message, and neither the stream nor the transcript has shown it since.
    Outbound,
}

/// A period in which messages may be missing, because the stream was down and no transcript covers it.
///
/// Both ends are milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When the last frame arrived before the stream went down.
    #[serde(rename = "from")]
    pub from_ms: i64,
    /// When the stream was up again.
    #[serde(rename = "to")]
    pub to_ms: i64,
}

/// One line of the archive: a message in the field names of the chat API, with what is known about the message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveLine {
    /// The message as participants saw it.
    #[serde(flatten)]
    pub message: Message,
    /// Which sources the message came from.
    pub source: Source,
    /// Sentiment by the lexicon, in `[0, 1]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<f64>,
    /// Sentiment by the model in `[0, 1]`, if the model scored the message in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_sentiment: Option<f64>,
    /// Signals that the model found in the message.
    #[serde(default, skip_serializing_if = "Signals::is_empty")]
    pub signals: Signals,
    /// Code of the language of a message that the model does not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Severity of the escalation that a customer's message triggers, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Severity>,
    /// Time from sending to receiving in milliseconds, if the message came by stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<i64>,
    /// An outage right before this message, in which messages may be missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_before: Option<Gap>,
    /// An outage after this message, in which messages may be missing. Only the last line has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_after: Option<Gap>,
}

/// An archive of which a line is not a message.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the archive is not a message")]
pub struct ArchiveReadError {
    /// The number of the line, counted from 1.
    pub line: usize,
    /// The parser's error: a place and a field.
    #[source]
    pub source: serde_json::Error,
}

impl ArchiveLine {
    /// Creates a line for a message of which only the source is known.
    #[must_use]
    pub fn new(message: Message, source: Source) -> Self {
        Self {
            message,
            source,
            sentiment: None,
            model_sentiment: None,
            signals: Signals::NONE,
            language: None,
            escalation: None,
            latency_ms: None,
            gap_before: None,
            gap_after: None,
        }
    }

    /// Adds the lexicon's score and, for a customer's message, the severity of the escalation that it triggers.
    pub fn annotate(&mut self, escalation: &EscalationDetector, source: EscalationSource) {
        let rounded = lexicon::score(&self.message.text).score.to_four_decimals();
        self.sentiment = Some(rounded);
        let trigger = if self.message.from.is_customer() {
            escalation.find_by(source, &self.message.text, self.signals)
        } else {
            None
        };
        self.escalation = trigger.map(|trigger| trigger.severity);
    }
}

/// Encodes lines as JSON Lines: one JSON object per line, each line terminated. No lines give an empty text.
///
/// # Errors
/// The encoder's error if a score is not a finite number.
pub fn encode_lines(lines: &[ArchiveLine]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&serde_json::to_string(line)?);
        text.push('\n');
    }
    Ok(text)
}

/// Decodes the text of an archive; blank lines are skipped.
///
/// # Errors
/// [`ArchiveReadError`] with the number of the first line that is not a message.
pub fn decode_lines(text: &str) -> Result<Vec<ArchiveLine>, ArchiveReadError> {
    let lines = text
        .split('\n')
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            lenient_json::from_str(line).map_err(|error| ArchiveReadError {
                line: index + 1,
                source: error,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::message::Sender;

    fn line(text: &str) -> ArchiveLine {
        let from = Sender {
            kind: "customer".into(),
            id: "u-1".into(),
        };
        ArchiveLine::new(
            Message {
                conversation_id: "c-1".into(),
                from,
                text: text.into(),
                timestamp_ms: 1000,
            },
            Source::Both,
        )
    }

    #[test]
    fn a_message_is_one_line_whatever_is_in_it() {
        let lines = vec![line("two\nlines \u{2028} and \"quotes\" 😡"), line("")];
        let text = encode_lines(&lines).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert_eq!(decode_lines(&text).unwrap(), lines);
        assert_eq!(encode_lines(&[]).unwrap(), "");
        assert!(decode_lines("").unwrap().is_empty());
    }

    #[test]
    fn a_line_has_the_names_of_the_wire_first() {
        let text = encode_lines(&[line("hi")]).unwrap();
        let expected = r#"{"conversationId":"c-1","from":{"type":"customer","id":"u-1"},"text":"hi","timestamp":1000,"source":"both"}"#;
        assert_eq!(text.trim_end(), expected);
    }

    #[test]
    fn a_customers_message_is_annotated_with_score_and_trigger() {
        let mut customer = line("this is terrible, I will call my lawyer");
        customer.annotate(&EscalationDetector::default(), EscalationSource::Both);
        assert_eq!(customer.escalation, Some(Severity::Legal));
        assert!(customer.sentiment.unwrap() < 0.3);
        let mut agent = line("I will ask my manager");
        agent.message.from.kind = "agent".into();
        agent.annotate(&EscalationDetector::default(), EscalationSource::Both);
        assert_eq!(agent.escalation, None);
    }

    #[test]
    fn a_broken_line_is_named_without_its_content() {
        let text = encode_lines(&[line("fine")]).unwrap() + "{\"text\": \"secret words\"}\n";
        let error = decode_lines(&text).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(
            !error.to_string().contains("secret") && !source.contains("secret"),
            "{error}: {source}"
        );
    }
}
