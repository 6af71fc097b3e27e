//! The figures of all conversations, as `summary.json` has them; none depends on the time at which the report is made.

use std::collections::BTreeMap;

use serde::Serialize;

use super::insight_summary::{RuleSummary, TalkByOutcome, WorstCall};
use super::record::{Conversation, Record, Transcript};
use super::row::ReportRow;
use super::spreadsheet::fits_a_cell;
use crate::outcomes::{Outcome, OutcomeTable, SentimentLabel, Stats};
use crate::signals::Signal;

/// The figures of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The time that the report covers.
    pub range: ReportRange,
    /// Whether every transcript that exists was fetched.
    pub complete: bool,
    /// The numbers of conversations.
    pub conversations: ConversationCounts,
    /// The durations in seconds of the conversations of which the list has a duration.
    pub duration_seconds: Stats,
    /// The sentiment of the conversations with a transcript.
    pub sentiment: SentimentSummary,
    /// The sentiment by outcome.
    pub outcomes: OutcomeTable,
    /// The dispositions for which the table of outcomes has no outcome, the most frequent first.
    pub other_dispositions: Vec<DispositionCount>,
    /// The topics, the largest first.
    pub topics: Vec<TopicSummary>,
    /// Figures about the search for topics.
    pub topic_model: TopicModel,
    /// The numbers of conversations by topic and outcome.
    pub topic_by_outcome: TopicByOutcome,
    /// The turns and pauses of the conversations with a transcript.
    pub flow: FlowSummary,
    /// The languages of the transcripts that are not in English and left out of all figures of sentiment, the most frequent
    /// first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<LanguageCount>,
    /// The signals that the local model found in the customers' lines, if the model was asked and found any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<SignalCount>,
    /// How often each rule held, by outcome.
    pub rules: Vec<RuleSummary>,
    /// The talk metrics by outcome, of the conversations whose lines have times.
    pub talk_by_outcome: Vec<TalkByOutcome>,
    /// The cards of the ten conversations with the worst mood of the customer.
    pub worst_calls: Vec<WorstCall>,
    /// The transcripts that could not be fetched.
    pub failed_transcripts: Vec<FailedTranscript>,
}

/// The time that a report covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct ReportRange {
    /// The start of the time, inclusive, ISO 8601.
    pub from: String,
    /// The end of the time, exclusive, ISO 8601.
    pub to: String,
}

/// The numbers of conversations, by what became of their transcripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ConversationCounts {
    /// The number of all conversations.
    pub total: usize,
    /// The number of conversations with a transcript in which somebody says something.
    pub with_transcript: usize,
    /// The number of conversations without a transcript, or with an empty one.
    pub without_transcript: usize,
    /// The number of conversations whose transcript could not be fetched.
    pub failed_transcripts: usize,
    /// The number of rows of the list that name no conversation; the total does not include them.
    pub unusable_rows: usize,
    /// The number of entries of transcripts that could not be read and are left out of the texts.
    pub unreadable_lines: usize,
    /// The number of transcripts that are not in English and left out of all figures of sentiment.
    pub other_languages: usize,
    /// The number of transcripts that are longer than a cell of Excel; other programs read them whole.
    pub transcripts_beyond_a_cell: usize,
}

impl ConversationCounts {
    /// Counts one more conversation.
    pub(super) fn add(&mut self, record: &Record) {
        self.total += 1;
        self.unreadable_lines += record.unreadable_lines;
        match &record.transcript {
            Transcript::Present { text, .. } => {
                self.with_transcript += 1;
                self.other_languages += usize::from(record.language.is_some());
                self.transcripts_beyond_a_cell += usize::from(!fits_a_cell(text));
            }
            Transcript::Missing => self.without_transcript += 1,
            Transcript::Failed { .. } => self.failed_transcripts += 1,
        }
    }
}

/// A disposition and how many conversations have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DispositionCount {
    /// The disposition as the list of conversations has it.
    pub disposition: String,
    /// The number of conversations.
    pub conversations: usize,
}

impl DispositionCount {
    /// Counts dispositions, the most frequent first and otherwise in the order of their texts.
    pub(super) fn from_dispositions<'a>(dispositions: impl Iterator<Item = &'a str>) -> Vec<Self> {
        let mut counts = BTreeMap::<&str, usize>::new();
        for disposition in dispositions {
            *counts.entry(disposition.trim()).or_default() += 1;
        }
        let mut counts: Vec<Self> = counts
            .into_iter()
            .map(|(disposition, conversations)| Self {
                disposition: disposition.to_owned(),
                conversations,
            })
            .collect();
        counts.sort_by_key(|count| std::cmp::Reverse(count.conversations));
        counts
    }
}

/// A language and how many transcripts are in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LanguageCount {
    /// The code of the language, as ISO 639 has it.
    pub language: String,
    /// The number of conversations.
    pub conversations: usize,
}

impl LanguageCount {
    /// Counts the languages of the transcripts that are not in English, the most frequent first and otherwise by their codes.
    pub(super) fn from_rows(rows: &[ReportRow]) -> Vec<Self> {
        let mut counts = BTreeMap::<&str, usize>::new();
        for language in rows.iter().filter_map(|row| row.language.as_deref()) {
            *counts.entry(language).or_default() += 1;
        }
        let mut counts: Vec<Self> = counts
            .into_iter()
            .map(|(language, conversations)| Self {
                language: language.to_owned(),
                conversations,
            })
            .collect();
        counts.sort_by_key(|count| std::cmp::Reverse(count.conversations));
        counts
    }
}

/// A signal and in how many conversations the customer gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignalCount {
    /// The signal that the customers gave.
    pub signal: Signal,
    /// The number of conversations.
    pub conversations: usize,
}

impl SignalCount {
    /// Counts the conversations with each signal; a signal that nobody gave is left out.
    pub(super) fn from_rows(rows: &[ReportRow]) -> Vec<Self> {
        let gave = |row: &&ReportRow, signal| {
            row.sentiment
                .is_some_and(|sentiment| sentiment.signals.contains(signal))
        };
        let counts = Signal::ALL.into_iter().map(|signal| Self {
            signal,
            conversations: rows.iter().filter(|row| gave(row, signal)).count(),
        });
        counts.filter(|count| count.conversations > 0).collect()
    }
}

/// The sentiment of all conversations with a transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SentimentSummary {
    /// The sentiment of whole conversations.
    pub overall: Stats,
    /// The numbers of conversations by label.
    pub labels: LabelCounts,
    /// The sentiment of the agents' lines.
    pub agent: Stats,
    /// The sentiment of the customers' lines.
    pub customer: Stats,
    /// The sentiment of each quarter of the conversations.
    pub quarters: [Stats; 4],
    /// The local model compared with VADER, if the model was asked.
    pub model: Option<ModelComparison>,
}

/// The numbers of conversations by sentiment label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LabelCounts {
    /// The number of conversations with a compound above 0.05.
    pub positive: usize,
    /// The number of conversations between the other labels.
    pub neutral: usize,
    /// The number of conversations with a compound below -0.05.
    pub negative: usize,
}

impl LabelCounts {
    /// Counts the labels of compounds.
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

/// The local model's scores of the customers' lines compared with VADER's of the same lines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ModelComparison {
    /// The model's scores, 0 to 1 with 0.5 neutral.
    pub model: Stats,
    /// VADER's compounds, mapped to the same scale.
    pub vader: Stats,
    /// Pearson's correlation of the two, 4 decimals, unless either of them never varies.
    pub correlation: Option<f64>,
    /// The share of conversations for which both scores are on the same side of neutral, 0 to 1, 4 decimals.
    pub agreement: f64,
}

/// Figures about the search for topics.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TopicModel {
    /// The number of terms in the vocabulary.
    pub vocabulary: usize,
    /// The sum of squared distances to the topics' centers, 6 decimals.
    pub inertia: f64,
    /// Whether the limits on document counts were lifted because they left no term.
    pub relaxed: bool,
}

/// A topic with its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopicSummary {
    /// The number of the topic, as in the CSV.
    pub id: usize,
    /// The first terms of the topic.
    pub name: String,
    /// The terms with the highest weights.
    pub terms: Vec<String>,
    /// The number of conversations of the topic.
    pub conversations: usize,
    /// The sentiment of those conversations.
    pub sentiment: Stats,
    /// The ids of the conversations nearest to the topic's center.
    pub examples: Vec<String>,
}

/// The numbers of conversations by topic and outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicByOutcome {
    /// The outcomes of the columns: every outcome that occurs.
    pub outcomes: Vec<Outcome>,
    /// One row of counts per topic, one count per column.
    pub counts: Vec<Vec<usize>>,
}

/// The turns and pauses of the conversations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FlowSummary {
    /// The number of turns per conversation.
    pub turns: Stats,
    /// The agent's share of the words, 0 to 1.
    pub agent_word_share: Stats,
    /// The longest time between two lines in seconds, of the conversations with times.
    pub longest_gap_seconds: Stats,
    /// The agent's median response time in seconds.
    pub agent_response_seconds: Stats,
    /// The estimated share of the time in which nobody talks, 0 to 1.
    pub non_talk_share: Stats,
}

impl FlowSummary {
    /// Computes the figures from the rows of the report.
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
    /// The id of the conversation.
    pub conversation_id: String,
    /// The reason why the transcript could not be fetched.
    pub reason: String,
}

impl FailedTranscript {
    /// Names a conversation whose transcript could not be fetched, and the reason.
    pub(super) fn new(conversation: &Conversation, reason: &str) -> Self {
        Self {
            conversation_id: conversation.conversation_id.clone(),
            reason: reason.to_owned(),
        }
    }
}
