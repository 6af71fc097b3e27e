//! What the report says of all conversations; `summary.json` is this, without any clock time.

use serde::Serialize;

use super::record::{Conversation, Transcript};
use super::reduce::ReportRow;
use crate::outcomes::{Outcome, OutcomeTable, SentimentLabel, Stats};

/// The summary of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The time that was asked for.
    pub range: ReportRange,
    /// Whether every transcript that exists was read.
    pub complete: bool,
    /// How many conversations there are.
    pub conversations: ConversationCounts,
    /// Durations in seconds, of all conversations.
    pub duration_seconds: Stats,
    /// ConversationSentiment, of the conversations with a transcript.
    pub sentiment: SentimentSummary,
    /// Outcome against sentiment.
    pub outcomes: OutcomeTable,
    /// Topics, largest first.
    pub topics: Vec<TopicSummary>,
    /// How the topics were found.
    pub topic_model: TopicModel,
    /// Topic against outcome.
    pub topic_by_outcome: TopicByOutcome,
    /// Turns and pauses, of the conversations with a transcript.
    pub flow: FlowSummary,
    /// Transcripts that could not be fetched.
    pub failed_transcripts: Vec<FailedTranscript>,
}

/// The time a report covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct ReportRange {
    /// Its start, inclusive, ISO 8601.
    pub from: String,
    /// Its end, exclusive, ISO 8601.
    pub to: String,
}

/// How many conversations there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ConversationCounts {
    /// All.
    pub total: usize,
    /// With a transcript in which somebody says something.
    pub with_transcript: usize,
    /// Without one, or with an empty one.
    pub without_transcript: usize,
    /// Whose transcript could not be fetched.
    pub failed_transcripts: usize,
    /// Rows of the list that name no conversation; not counted in the total.
    pub unusable_rows: usize,
}

impl ConversationCounts {
    /// ConversationCounts one more.
    pub(super) fn add(&mut self, transcript: &Transcript) {
        self.total += 1;
        match transcript {
            Transcript::Present { .. } => self.with_transcript += 1,
            Transcript::Missing => self.without_transcript += 1,
            Transcript::Failed { .. } => self.failed_transcripts += 1,
        }
    }
}

/// ConversationSentiment figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SentimentSummary {
    /// Of whole conversations.
    pub overall: Stats,
    /// How many conversations have each label.
    pub labels: LabelCounts,
    /// Of what agents said.
    pub agent: Stats,
    /// Of what customers said.
    pub customer: Stats,
    /// Of each quarter of the conversations.
    pub quarters: [Stats; 4],
    /// The local model beside VADER; none unless it was asked.
    pub model: Option<ModelComparison>,
}

/// How many conversations have each label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LabelCounts {
    /// Compound above 0.05.
    pub positive: usize,
    /// Between.
    pub neutral: usize,
    /// Compound below -0.05.
    pub negative: usize,
}

impl LabelCounts {
    pub(super) fn from_compounds(scores: &[f64]) -> Self {
        let count = |label| {
            scores
                .iter()
                .filter(|&&score| SentimentLabel::from_compound(score) == label)
                .count()
        };
        Self {
            positive: count(SentimentLabel::Positive),
            neutral: count(SentimentLabel::Neutral),
            negative: count(SentimentLabel::Negative),
        }
    }
}

/// The local model's scores of customers' lines beside VADER's of the same lines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ModelComparison {
    /// The model's scores, 0..=1 with 0.5 neutral.
    pub model: Stats,
    /// VADER's compounds, moved to the same scale.
    pub vader: Stats,
    /// Pearson's correlation of the two, 4 decimals; none if either never varies.
    pub correlation: Option<f64>,
    /// The share of conversations on which both are on the same side of neutral, 0..=1, 4 decimals.
    pub agreement: f64,
}

/// How the topics were found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TopicModel {
    /// How many terms the vocabulary has.
    pub vocabulary: usize,
    /// The sum of squared distances to the topics' centers, 6 decimals.
    pub inertia: f64,
    /// Whether the limits on document counts were lifted, since they left no term.
    pub relaxed: bool,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopicSummary {
    /// Its number, as in the CSV.
    pub id: usize,
    /// Its first terms.
    pub name: String,
    /// Its top terms.
    pub terms: Vec<String>,
    /// How many conversations it has.
    pub conversations: usize,
    /// Their sentiment.
    pub sentiment: Stats,
    /// The conversations nearest to its center.
    pub examples: Vec<String>,
}

/// ConversationCounts of conversations by topic and outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicByOutcome {
    /// The outcomes of the columns: those that occur.
    pub outcomes: Vec<Outcome>,
    /// A row a topic, a count a column.
    pub counts: Vec<Vec<usize>>,
}

/// Turns and pauses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FlowSummary {
    /// Turns a conversation.
    pub turns: Stats,
    /// The agent's share of the words, 0..=1.
    pub agent_word_share: Stats,
    /// The longest time between two lines, in seconds; of conversations with times.
    pub longest_gap_seconds: Stats,
    /// The agent's median time to respond, in seconds.
    pub agent_response_seconds: Stats,
    /// The share of the time in which nobody talks, estimated; 0..=1.
    pub non_talk_share: Stats,
}

impl FlowSummary {
    pub(super) fn from_rows(rows: &[ReportRow]) -> Self {
        let stats = |value: &dyn Fn(&ReportRow) -> Option<f64>| {
            Stats::from_values(&rows.iter().filter_map(value).collect::<Vec<_>>())
        };
        let pace = |row: &ReportRow| row.flow.and_then(|flow| flow.pace);
        Self {
            turns: stats(&|row| row.flow.map(|flow| flow.turns as f64)),
            agent_word_share: stats(&|row| row.flow.and_then(|flow| flow.agent_share())),
            longest_gap_seconds: stats(&|row| pace(row).map(|pace| pace.longest_gap_seconds)),
            agent_response_seconds: stats(&|row| {
                pace(row).and_then(|pace| pace.agent_response_seconds)
            }),
            non_talk_share: stats(&|row| pace(row).and_then(|pace| pace.non_talk_share)),
        }
    }
}

/// A transcript that could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedTranscript {
    /// The conversation.
    pub conversation_id: String,
    /// Why.
    pub reason: String,
}

impl FailedTranscript {
    pub(super) fn new(conversation: &Conversation, reason: &str) -> Self {
        Self {
            conversation_id: conversation.conversation_id.clone(),
            reason: reason.to_owned(),
        }
    }
}
