//! The map step: what is worked out of one conversation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::flow::Flow;
use super::transcript::{Line, Speaker, join_lines};
use crate::outcomes::{Outcome, SentimentLabel};
use crate::vader::Analyzer;

/// What the analytics list says of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The conversation.
    pub conversation_id: String,
    /// When it began, ISO 8601 in UTC; as the list has it where that is no time, empty where it is missing.
    pub start_time: String,
    /// How long it took, in seconds.
    pub duration_seconds: f64,
    /// Its disposition; `unknown` where it is missing.
    pub disposition: String,
}

impl Conversation {
    /// The outcome of its disposition.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::from_disposition(&self.disposition)
    }

    /// Sorts as the report does: by time, then by id. What has no time comes last.
    #[must_use]
    pub fn compare_in_report_order(&self, other: &Self) -> std::cmp::Ordering {
        let key = |conversation: &Self| {
            let time = conversation.start_time.parse::<Timestamp>().ok();
            (time.is_none(), time)
        };
        key(self)
            .cmp(&key(other))
            .then_with(|| self.start_time.cmp(&other.start_time))
            .then_with(|| self.conversation_id.cmp(&other.conversation_id))
    }
}

/// What became of a conversation's transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Transcript {
    /// There is one, and somebody says something in it.
    Present {
        /// All that agent and customer said, a space between lines.
        text: String,
        /// How they said it.
        sentiment: Box<ConversationSentiment>,
        /// How the conversation flowed.
        flow: Flow,
    },
    /// There is none, or nobody says anything in it.
    Missing,
    /// It could not be fetched.
    Failed {
        /// Why, without any text of it.
        reason: String,
        /// Whether the reason may pass by itself.
        passing: bool,
    },
}

/// The sentiment of a conversation, VADER's compound in -1..=1 unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConversationSentiment {
    /// Of the whole conversation.
    pub overall: f64,
    /// Of what the agent said; none if nothing.
    pub agent: Option<f64>,
    /// Of what the customer said; none if nothing.
    pub customer: Option<f64>,
    /// Of each quarter of the lines; with fewer than four lines some have none.
    pub quarters: [Option<f64>; 4],
    /// The local model's score of the customer's lines, 0..=1 with 0.5 neutral; none unless it was asked.
    pub model: Option<f64>,
}

/// A conversation and all that is worked out of it alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What the list says.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// What its transcript says.
    pub transcript: Transcript,
}

impl Record {
    /// Works out a conversation. The lines are those of agent and customer, in order.
    #[must_use]
    pub fn from_lines(conversation: Conversation, lines: Vec<Line>, vader: &mut Analyzer) -> Self {
        let lines: Vec<Line> = lines
            .into_iter()
            .filter(|line| !line.text.trim().is_empty())
            .collect();
        let text = join_lines(&lines);
        if text.is_empty() {
            return Self {
                conversation,
                transcript: Transcript::Missing,
            };
        }
        let mut part = |text: &str| (!text.is_empty()).then(|| vader.polarity(text).compound);
        let mut by = |speaker| {
            part(&join_lines(
                lines.iter().filter(|line| line.speaker == speaker),
            ))
        };
        let (agent, customer) = (by(Speaker::Agent), by(Speaker::Customer));
        let quarters = [0, 1, 2, 3].map(|quarter| {
            let own = lines
                .iter()
                .enumerate()
                .filter(|(at, _)| at * 4 / lines.len() == quarter);
            part(&join_lines(own.map(|(_, line)| line)))
        });
        let overall = part(&text).unwrap_or_default();
        let sentiment = Box::new(ConversationSentiment {
            overall,
            agent,
            customer,
            quarters,
            model: None,
        });
        Self {
            conversation,
            transcript: Transcript::Present {
                text,
                sentiment,
                flow: Flow::from_lines(&lines),
            },
        }
    }

    /// A conversation whose transcript could not be fetched.
    #[must_use]
    pub fn with_failed_transcript(
        conversation: Conversation,
        reason: String,
        passing: bool,
    ) -> Self {
        Self {
            conversation,
            transcript: Transcript::Failed { reason, passing },
        }
    }

    /// The sentiment, where there is a transcript.
    #[must_use]
    pub fn sentiment(&self) -> Option<&ConversationSentiment> {
        match &self.transcript {
            Transcript::Present { sentiment, .. } => Some(sentiment),
            Transcript::Missing | Transcript::Failed { .. } => None,
        }
    }

    /// What was said; empty without a transcript.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.transcript {
            Transcript::Present { text, .. } => text,
            Transcript::Missing | Transcript::Failed { .. } => "",
        }
    }

    /// The score in the CSV: the compound, 0 without a transcript.
    #[must_use]
    pub fn score(&self) -> f64 {
        self.sentiment().map_or(0.0, |sentiment| sentiment.overall)
    }

    /// The label of that score.
    #[must_use]
    pub fn label(&self) -> SentimentLabel {
        SentimentLabel::from_compound(self.score())
    }
}
