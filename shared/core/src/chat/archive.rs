//! The archive of a conversation: JSON Lines, a message a line, in order.

use serde::{Deserialize, Serialize};

use super::escalation::{EscalationDetector, Severity};
use super::message::Message;
use crate::lexicon;

/// Where a message of the archive came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Only the stream had it.
    Stream,
    /// Only the transcript had it: the stream missed it.
    Transcript,
    /// Stream and transcript had it.
    Both,
    /// This session sent it, and neither stream nor transcript has shown it.
    Outbound,
}

/// A time in which messages may be missing, in milliseconds since the epoch: the stream was down and no transcript fills it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When the stream was last heard.
    #[serde(rename = "from")]
    pub from_ms: i64,
    /// When it was heard again.
    #[serde(rename = "to")]
    pub to_ms: i64,
}

/// A line of the archive: the message, in the wire's names, and what is known about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// Where it came from.
    pub source: Source,
    /// The lexicon's score in `[0, 1]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<f64>,
    /// The model's score in `[0, 1]`, where it was scored in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_sentiment: Option<f64>,
    /// The trigger's severity, where a customer's message has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Severity>,
    /// From send to receive in milliseconds, where it came by stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<i64>,
    /// Messages may be missing right before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_before: Option<Gap>,
    /// Messages may be missing behind this one, the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_after: Option<Gap>,
}

/// An archive that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the archive is not a message: {reason}")]
pub struct Unreadable {
    /// Which line, from 1.
    pub line: usize,
    /// The parser's complaint: a place and a field, without content.
    pub reason: String,
}

impl Line {
    /// A line of a message of which only the source is known.
    #[must_use]
    pub const fn new(message: Message, source: Source) -> Self {
        Self {
            message,
            source,
            sentiment: None,
            model_sentiment: None,
            escalation: None,
            latency_ms: None,
            gap_before: None,
            gap_after: None,
        }
    }

    /// Adds the lexicon's score and, for a customer's message, its trigger.
    pub fn annotate(&mut self, escalation: &EscalationDetector) {
        let rounded = lexicon::score(&self.message.text).score.to_four_decimals();
        self.sentiment = Some(rounded);
        let trigger = if self.message.from.is_customer() {
            escalation.find(&self.message.text)
        } else {
            None
        };
        self.escalation = trigger.map(|trigger| trigger.severity);
    }
}

/// The archive's text: one JSON object a line, each line ended. An empty conversation is an empty text.
///
/// # Errors
/// If a line cannot be written as JSON, which no line of finite scores does.
pub fn write(lines: &[Line]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&serde_json::to_string(line)?);
        text.push('\n');
    }
    Ok(text)
}

/// The lines of an archive's text; blank lines are passed over.
///
/// # Errors
/// [`Unreadable`] names the line.
pub fn read(text: &str) -> Result<Vec<Line>, Unreadable> {
    let lines = text
        .split('\n')
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| Unreadable {
                line: index + 1,
                reason: error.to_string(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::message::Sender;

    fn line(text: &str) -> Line {
        let from = Sender {
            kind: "customer".into(),
            id: "u-1".into(),
        };
        Line::new(
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
        let text = write(&lines).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert_eq!(read(&text).unwrap(), lines);
        assert_eq!(write(&[]).unwrap(), "");
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn a_line_has_the_names_of_the_wire_first() {
        let text = write(&[line("hi")]).unwrap();
        let expected = r#"{"conversationId":"c-1","from":{"type":"customer","id":"u-1"},"text":"hi","timestamp":1000,"source":"both"}"#;
        assert_eq!(text.trim_end(), expected);
    }

    #[test]
    fn a_customers_message_is_annotated_with_score_and_trigger() {
        let mut customer = line("this is terrible, I will call my lawyer");
        customer.annotate(&EscalationDetector::default());
        assert_eq!(customer.escalation, Some(Severity::Legal));
        assert!(customer.sentiment.unwrap() < 0.3);
        let mut agent = line("I will ask my manager");
        agent.message.from.kind = "agent".into();
        agent.annotate(&EscalationDetector::default());
        assert_eq!(agent.escalation, None);
    }

    #[test]
    fn a_broken_line_is_named_without_its_content() {
        let text = write(&[line("fine")]).unwrap() + "{\"text\": \"secret words\"}\n";
        let error = read(&text).unwrap_err().to_string();
        assert!(
            error.contains("line 2") && !error.contains("secret"),
            "{error}"
        );
    }
}
