//! The reduce step: what is computed from all conversations together.

use std::collections::HashSet;

use super::insight_summary::{find_worst_calls, summarize_rules, summarize_talk};
use super::record::{ConversationSentiment, Record, Transcript};
use super::row::ReportRow;
use super::summary::{
    ConversationCounts, DispositionCount, FailedTranscript, FlowSummary, LabelCounts,
    LanguageCount, ModelComparison, ReportRange, SentimentSummary, SignalCount, Summary,
    TopicByOutcome, TopicModel, TopicSummary,
};
use crate::outcomes::{Outcome, OutcomeMap, Stats, tabulate};
use crate::scale::{round_score, round_to};
use crate::topics::{ClusterSettings, Corpus, Topics, VocabularyLimits, find_topics};

/// Collects records and computes the report.
///
/// Records must be added in the order of the report, because the rows keep that order and the clusters depend on it.
#[derive(Debug, Default)]
pub struct ReportReducer {
    outcome_map: OutcomeMap,
    /// Whether the texts have placeholders in the place of personal data, which are no words of a topic.
    has_placeholders: bool,
    rows: Vec<ReportRow>,
    seen: HashSet<String>,
    counts: ConversationCounts,
    failures: Vec<FailedTranscript>,
    corpus: Corpus,
    /// The index of the row of each document of the corpus.
    documents: Vec<usize>,
}

/// The data of a report: the result of the reduce step.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportData {
    /// One row per conversation, in the order of the report.
    pub rows: Vec<ReportRow>,
    /// The figures of the report.
    pub summary: Summary,
}

impl ReportReducer {
    /// Builds a reducer that maps dispositions to outcomes by this table.
    #[must_use]
    pub fn new(outcome_map: OutcomeMap) -> Self {
        Self {
            outcome_map,
            ..Self::default()
        }
    }

    /// Lets the search for topics ignore placeholders such as `[CARD]`, which stand in redacted texts.
    #[must_use]
    pub fn ignoring_placeholders(mut self) -> Self {
        self.has_placeholders = true;
        self
    }

    /// Adds a record; returns `false` and ignores the record if its conversation was added before.
    pub fn add(&mut self, record: &Record) -> bool {
        if !self
            .seen
            .insert(record.conversation.conversation_id.clone())
        {
            return false;
        }
        self.counts.add(record);
        let mut row = ReportRow {
            conversation: record.conversation.clone(),
            outcome: self.outcome_map.outcome(&record.conversation.disposition),
            sentiment: record.sentiment().copied(),
            language: record.language.clone(),
            flow: None,
            insights: record.insights.clone(),
            topic: None,
        };
        match &record.transcript {
            Transcript::Present { text, flow, .. } => {
                row.flow = Some(*flow);
                if self.has_placeholders {
                    self.corpus.add(&without_placeholders(text));
                } else {
                    self.corpus.add(text);
                }
                self.documents.push(self.rows.len());
            }
            Transcript::Missing => {}
            Transcript::Failed { reason, .. } => self
                .failures
                .push(FailedTranscript::new(&record.conversation, reason)),
        }
        self.rows.push(row);
        true
    }

    /// Counts rows of the list that name no conversation.
    pub fn count_unusable_rows(&mut self, rows: usize) {
        self.counts.unusable_rows += rows;
    }

    /// Finds the topics and computes all figures.
    #[must_use]
    pub fn finish(
        self,
        range: ReportRange,
        selection: VocabularyLimits,
        settings: ClusterSettings,
    ) -> ReportData {
        let Self {
            outcome_map,
            mut rows,
            counts,
            failures,
            corpus,
            documents,
            ..
        } = self;
        let topics = find_topics(&corpus, selection, settings);
        for (&row, &topic) in documents.iter().zip(&topics.labels) {
            rows[row].topic = topic;
        }
        let pairs: Vec<_> = rows
            .iter()
            .map(|row| (row.outcome, row.sentiment.map(|s| s.overall)))
            .collect();
        let durations: Vec<_> = rows
            .iter()
            .filter_map(|row| row.conversation.duration_seconds)
            .collect();
        let undecided = rows
            .iter()
            .map(|row| row.conversation.disposition.as_str())
            .filter(|disposition| outcome_map.find(disposition).is_none());
        let other_dispositions = DispositionCount::from_dispositions(undecided);
        let summary = Summary {
            range,
            complete: failures.is_empty(),
            conversations: counts,
            duration_seconds: Stats::from_values(&durations),
            sentiment: summarize_sentiment(&rows),
            outcomes: tabulate(&pairs),
            other_dispositions,
            topics: summarize_topics(&topics, &rows, &documents),
            topic_model: TopicModel {
                vocabulary: topics.vocabulary,
                inertia: round_to(topics.inertia, 6),
                relaxed: topics.relaxed,
            },
            topic_by_outcome: count_topics_by_outcome(topics.topics.len(), &rows),
            flow: FlowSummary::from_rows(&rows),
            languages: LanguageCount::from_rows(&rows),
            signals: SignalCount::from_rows(&rows),
            rules: summarize_rules(&rows),
            talk_by_outcome: summarize_talk(&rows),
            worst_calls: find_worst_calls(&rows),
            failed_transcripts: failures,
        };
        ReportData { rows, summary }
    }
}

/// Summarizes the sentiment of the conversations with a transcript.
fn summarize_sentiment(rows: &[ReportRow]) -> SentimentSummary {
    let sentiments: Vec<&ConversationSentiment> = rows
        .iter()
        .filter_map(|row| row.sentiment.as_ref())
        .collect();
    let stats = |value: &dyn Fn(&ConversationSentiment) -> Option<f64>| {
        Stats::from_values(
            &sentiments
                .iter()
                .filter_map(|sentiment| value(sentiment))
                .collect::<Vec<_>>(),
        )
    };
    let overall: Vec<f64> = sentiments
        .iter()
        .map(|sentiment| sentiment.overall)
        .collect();
    SentimentSummary {
        overall: Stats::from_values(&overall),
        labels: LabelCounts::from_compounds(&overall),
        agent: stats(&|sentiment| sentiment.agent),
        customer: stats(&|sentiment| sentiment.customer),
        quarters: [0, 1, 2, 3]
            .map(|quarter: usize| stats(&|sentiment| sentiment.quarters[quarter])),
        model: compare_models(&sentiments),
    }
}

/// Compares the local model's scores of the customers' lines with VADER's of the same lines, where both exist.
fn compare_models(sentiments: &[&ConversationSentiment]) -> Option<ModelComparison> {
    let pairs: Vec<(f64, f64)> = sentiments
        .iter()
        .filter_map(|sentiment| Some((sentiment.model?, f64::midpoint(sentiment.customer?, 1.0))))
        .collect();
    if pairs.is_empty() {
        return None;
    }
    let (model, vader): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let same_side = pairs
        .iter()
        .filter(|(model, vader)| (*model >= 0.5) == (*vader >= 0.5))
        .count();
    Some(ModelComparison {
        correlation: correlation(&pairs).map(round_score),
        agreement: round_score(same_side as f64 / pairs.len() as f64),
        model: Stats::from_values(&model),
        vader: Stats::from_values(&vader),
    })
}

/// Returns Pearson's product-moment correlation, or `None` if either side never varies.
fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len() as f64;
    let (x, y) = pairs
        .iter()
        .fold((0.0, 0.0), |(x, y), pair| (x + pair.0 / n, y + pair.1 / n));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        xy += (a - x) * (b - y);
        xx += (a - x).powi(2);
        yy += (b - y).powi(2);
    }
    let scale = (xx * yy).sqrt();
    (scale > 1e-12).then(|| xy / scale)
}

/// Summarizes each topic with its sentiment and examples.
fn summarize_topics(topics: &Topics, rows: &[ReportRow], documents: &[usize]) -> Vec<TopicSummary> {
    let summary = |topic: &crate::topics::Topic| {
        let own = rows.iter().filter(|row| row.topic == Some(topic.id));
        let scores: Vec<f64> = own
            .filter_map(|row| row.sentiment.map(|sentiment| sentiment.overall))
            .collect();
        let examples = topic
            .examples
            .iter()
            .map(|&at| rows[documents[at]].conversation.conversation_id.clone());
        TopicSummary {
            id: topic.id,
            name: topic.name.clone(),
            terms: topic.terms.clone(),
            conversations: topic.size,
            sentiment: Stats::from_values(&scores),
            examples: examples.collect(),
        }
    };
    topics.topics.iter().map(summary).collect()
}

/// Counts the conversations by topic and outcome.
fn count_topics_by_outcome(topics: usize, rows: &[ReportRow]) -> TopicByOutcome {
    let occurs = |outcome: &Outcome| rows.iter().any(|row| row.outcome == *outcome);
    let outcomes: Vec<Outcome> = Outcome::ALL.into_iter().filter(occurs).collect();
    let mut counts = vec![vec![0; outcomes.len()]; topics];
    for row in rows {
        let column = outcomes.iter().position(|outcome| *outcome == row.outcome);
        if let (Some(topic), Some(column)) = (row.topic, column) {
            counts[topic][column] += 1;
        }
    }
    TopicByOutcome { outcomes, counts }
}

/// Returns the text without the placeholders of personal data: capital letters in brackets.
fn without_placeholders(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        kept.push_str(before);
        let is_placeholder = |inside: &&str| {
            !inside.is_empty()
                && inside
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || b"_- ".contains(&byte))
        };
        match after
            .split_once(']')
            .filter(|(inside, _)| is_placeholder(inside))
        {
            Some((_, behind)) => rest = behind,
            None => {
                kept.push('[');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::correlation;

    #[test]
    fn the_correlation_is_that_of_pearson() {
        // The first of Anscombe's four sets (1973), whose correlation is known.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [
            8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68,
        ];
        let pairs: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        let opposite: Vec<(f64, f64)> = pairs.iter().map(|(x, y)| (*x, -y)).collect();
        let known = 0.816_420_516_345;
        assert!((correlation(&pairs).unwrap() - known).abs() < 1e-9);
        assert!((correlation(&opposite).unwrap() + known).abs() < 1e-9);
    }

    #[test]
    fn nothing_correlates_with_what_never_varies() {
        assert_eq!(correlation(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(correlation(&[(1.0, 2.0), (3.0, 2.0)]), None);
        assert_eq!(correlation(&[(1.0, 2.0)]), None);
    }
}
