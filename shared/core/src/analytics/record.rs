//! The map step: what is computed from one conversation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::flow::Flow;
use super::insights::ConversationInsights;
use super::part::ConversationPart;
use super::transcript::{Line, Speaker, join_lines, sort_by_time};
use crate::language::find_other_language;
use crate::outcomes::SentimentLabel;
use crate::signals::Signals;
use crate::vader::Analyzer;

/// The details of a conversation in the contact center's list of conversations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The contact center's id of the conversation.
    pub conversation_id: String,
    /// The start of the conversation, ISO 8601 in UTC. A text that is not a time stays as it is in the list; a missing time is
    /// empty.
    pub start_time: String,
    /// The duration of the conversation in seconds, if the list has one.
    pub duration_seconds: Option<f64>,
    /// The disposition; `unknown` where the list has none.
    pub disposition: String,
    /// The parts that have a transcript of their own, in the order of their times; empty where the conversation is one piece.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ConversationPart>,
    /// The moment since which the conversation can be read, if the list says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
}

impl Conversation {
    /// The disposition of a conversation that has none in the list.
    pub const NO_DISPOSITION: &str = "unknown";

    /// Compares two conversations in the order of the report: by start time, then by id; a conversation without a time comes last.
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

/// The result of fetching the transcript of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Transcript {
    /// There is a transcript in which somebody says something.
    Present {
        /// The text of all lines in the order of their times, separated by spaces.
        text: String,
        /// The sentiment of the text.
        sentiment: Box<ConversationSentiment>,
        /// The flow of the conversation.
        flow: Flow,
    },
    /// There is no transcript, or nobody says anything in it.
    Missing,
    /// The transcript could not be fetched.
    Failed {
        /// The reason, without any text of the conversation.
        reason: String,
        /// Whether the reason may go away by itself, so that another try may succeed.
        #[serde(rename = "passing")]
        is_transient: bool,
    },
}

/// The sentiment of a conversation, as VADER's compound from -1 to 1 unless a field says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConversationSentiment {
    /// The sentiment of the whole conversation.
    pub overall: f64,
    /// The sentiment of the agent's lines, if the agent said anything.
    pub agent: Option<f64>,
    /// The sentiment of the customer's lines, if the customer said anything.
    pub customer: Option<f64>,
    /// The sentiment of each quarter of the lines; with fewer than four lines some quarters have no sentiment.
    pub quarters: [Option<f64>; 4],
    /// The local model's score of the customer's lines, 0 to 1 with 0.5 neutral, if the model was asked.
    pub model: Option<f64>,
    /// The signals that the local model found in the customer's lines.
    #[serde(default, skip_serializing_if = "Signals::is_empty")]
    pub signals: Signals,
}

/// A conversation and everything that is computed from that conversation alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The details from the list of conversations.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// The result of fetching and scoring the transcript.
    pub transcript: Transcript,
    /// The number of entries of the transcript that could not be read and are left out.
    #[serde(default)]
    pub unreadable_lines: usize,
    /// The code of the language of a transcript that is not in English: no lexicon and no model here reads it, so that it has no
    /// sentiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What rules, talk metrics and the card say of the conversation, if they were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insights: Option<Box<ConversationInsights>>,
}

impl Record {
    /// Computes the record of a conversation from the lines of agent and customer, in the order in which they arrived.
    ///
    /// The lines are put into the order of their times first: quarters and pauses are about what was said when.
    #[must_use]
    pub fn from_lines(conversation: Conversation, lines: Vec<Line>, vader: &mut Analyzer) -> Self {
        let lines: Vec<Line> = lines
            .into_iter()
            .filter(|line| !line.text.trim().is_empty())
            .collect();
        let lines = sort_by_time(lines);
        let text = join_lines(&lines);
        if text.is_empty() {
            return Self::without_transcript(conversation);
        }
        let mut compound = |text: &str| (!text.is_empty()).then(|| vader.polarity(text).compound);
        let mut by_speaker = |speaker| {
            compound(&join_lines(
                lines.iter().filter(|line| line.speaker == speaker),
            ))
        };
        let (agent, customer) = (by_speaker(Speaker::Agent), by_speaker(Speaker::Customer));
        let quarters = [0, 1, 2, 3].map(|quarter| {
            let own = lines
                .iter()
                .enumerate()
                .filter(|(at, _)| at * 4 / lines.len() == quarter);
            compound(&join_lines(own.map(|(_, line)| line)))
        });
        // An agent may speak English to a customer who does not: what the customer says decides.
        let said_by_customer = join_lines(
            lines
                .iter()
                .filter(|line| line.speaker == Speaker::Customer),
        );
        let decisive = if said_by_customer.is_empty() {
            &text
        } else {
            &said_by_customer
        };
        let language = find_other_language(decisive).map(|language| language.code().to_owned());
        let overall = compound(&text).unwrap_or_default();
        let sentiment = Box::new(ConversationSentiment {
            overall,
            agent,
            customer,
            quarters,
            model: None,
            signals: Signals::NONE,
        });
        Self {
            conversation,
            transcript: Transcript::Present {
                text,
                sentiment,
                flow: Flow::from_lines(&lines),
            },
            unreadable_lines: 0,
            language,
            insights: None,
        }
    }

    /// Returns the record of a conversation that has no transcript.
    #[must_use]
    pub fn without_transcript(conversation: Conversation) -> Self {
        Self {
            conversation,
            transcript: Transcript::Missing,
            unreadable_lines: 0,
            language: None,
            insights: None,
        }
    }

    /// Returns the record of a conversation whose transcript could not be fetched.
    #[must_use]
    pub fn with_failed_transcript(
        conversation: Conversation,
        reason: String,
        is_transient: bool,
    ) -> Self {
        Self {
            conversation,
            transcript: Transcript::Failed {
                reason,
                is_transient,
            },
            unreadable_lines: 0,
            language: None,
            insights: None,
        }
    }

    /// Returns the same record with what rules, talk metrics and the card say.
    #[must_use]
    pub fn with_insights(mut self, insights: ConversationInsights) -> Self {
        self.insights = Some(Box::new(insights));
        self
    }

    /// Returns the same record with the number of entries of the transcript that could not be read.
    #[must_use]
    pub fn with_unreadable_lines(mut self, lines: usize) -> Self {
        self.unreadable_lines = lines;
        self
    }

    /// Replaces the text of the transcript, if there is one, and keeps every figure of the text as it was.
    pub fn replace_text(&mut self, replacement: String) {
        if let Transcript::Present { text, .. } = &mut self.transcript {
            *text = replacement;
        }
    }

    /// Returns the sentiment, if there is a transcript in English.
    #[must_use]
    pub fn sentiment(&self) -> Option<&ConversationSentiment> {
        if self.language.is_some() {
            return None;
        }
        match &self.transcript {
            Transcript::Present { sentiment, .. } => Some(sentiment),
            Transcript::Missing | Transcript::Failed { .. } => None,
        }
    }

    /// Returns the text of the transcript; the text is empty without a transcript.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.transcript {
            Transcript::Present { text, .. } => text,
            Transcript::Missing | Transcript::Failed { .. } => "",
        }
    }

    /// Returns the score as the CSV has it: the compound of the conversation, 0 without a transcript in English.
    #[must_use]
    pub fn score(&self) -> f64 {
        self.sentiment().map_or(0.0, |sentiment| sentiment.overall)
    }

    /// Returns the label of the score.
    #[must_use]
    pub fn label(&self) -> SentimentLabel {
        SentimentLabel::from_compound(self.score())
    }
}
