//! The figures of rules, talk metrics and cards over all conversations, by outcome.

use serde::Serialize;

use super::row::ReportRow;
use crate::card::CallCard;
use crate::outcomes::{Outcome, Stats};
use crate::rules::Truth;
use crate::scale::round_share;
use crate::talk_metrics::TalkMetrics;

/// Number of conversations whose cards the report shows.
const WORST_CALLS: usize = 10;

/// How often one rule held, for all conversations and by outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleSummary {
    /// The id of the rule.
    pub rule: String,
    /// The version of the rule.
    pub version: String,
    /// The number of conversations in which the rule held.
    pub hits: usize,
    /// The number of conversations for which the answer is unknown.
    pub unknown: usize,
    /// The share of the known answers that are true, 0 to 1 with three decimals, if any answer is known.
    pub share: Option<f64>,
    /// The same figures by outcome, for the outcomes that occur.
    pub by_outcome: Vec<RuleByOutcome>,
}

/// How often one rule held in the conversations of one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RuleByOutcome {
    /// The outcome of the conversations.
    pub outcome: Outcome,
    /// The number of conversations of the outcome whose answer is known.
    pub conversations: usize,
    /// The number of those in which the rule held.
    pub hits: usize,
    /// The share of those in which the rule held, if there are any.
    pub share: Option<f64>,
}

/// The talk metrics of the conversations of one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TalkByOutcome {
    /// The outcome of the conversations.
    pub outcome: Outcome,
    /// The agent's talk time as a share of the duration.
    pub agent_talk_share: Stats,
    /// The customer's talk time as a share of the duration.
    pub customer_talk_share: Stats,
    /// The time in which nobody talked as a share of the duration.
    pub non_talk_share: Stats,
    /// The longest pause of a conversation in seconds.
    pub longest_pause_seconds: Stats,
    /// The number of times that the agent interrupted the customer.
    pub agent_interruptions: Stats,
    /// The agent's words per minute of own talk time.
    pub agent_words_per_minute: Stats,
    /// The median time that the agent took to reply, in seconds.
    pub agent_reply_gap_seconds: Stats,
}

/// The card of a conversation with a bad mood.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorstCall {
    /// The id of the conversation.
    pub conversation_id: String,
    /// The outcome of the conversation.
    pub outcome: Outcome,
    /// The sentiment of the customer's lines, or of all lines where the customer said nothing.
    pub sentiment: f64,
    /// The card of the conversation.
    pub card: CallCard,
}

/// Counts the answers of each rule, in the order in which the rules first occur.
pub(super) fn summarize_rules(rows: &[ReportRow]) -> Vec<RuleSummary> {
    let mut versions: Vec<(&str, &str)> = Vec::new();
    for answer in rows
        .iter()
        .filter_map(|row| row.insights.as_ref())
        .flat_map(|it| &it.answers)
    {
        let key = (answer.rule.as_str(), answer.version.as_str());
        if !versions.contains(&key) {
            versions.push(key);
        }
    }
    let count = |rule: (&str, &str), outcome: Option<Outcome>, wanted: Truth| {
        rows.iter()
            .filter(|row| outcome.is_none_or(|outcome| row.outcome == outcome))
            .filter_map(|row| row.insights.as_ref())
            .filter(|insights| {
                insights.answers.iter().any(|answer| {
                    (answer.rule.as_str(), answer.version.as_str()) == rule
                        && answer.answer == wanted
                })
            })
            .count()
    };
    versions
        .into_iter()
        .map(|rule| {
            let figures = |outcome| {
                let hits = count(rule, outcome, Truth::True);
                let known = hits + count(rule, outcome, Truth::False);
                let share = (known > 0).then(|| round_share(hits as f64 / known as f64));
                (hits, known, share)
            };
            let (hits, _, share) = figures(None);
            RuleSummary {
                rule: rule.0.to_owned(),
                version: rule.1.to_owned(),
                hits,
                unknown: count(rule, None, Truth::Unknown),
                share,
                by_outcome: Outcome::ALL
                    .into_iter()
                    .filter_map(|outcome| {
                        let (hits, conversations, share) = figures(Some(outcome));
                        (conversations > 0).then_some(RuleByOutcome {
                            outcome,
                            conversations,
                            hits,
                            share,
                        })
                    })
                    .collect(),
            }
        })
        .collect()
}

/// Computes the talk metrics by outcome, for the outcomes of conversations that have any.
pub(super) fn summarize_talk(rows: &[ReportRow]) -> Vec<TalkByOutcome> {
    Outcome::ALL
        .into_iter()
        .filter_map(|outcome| {
            let talks: Vec<&TalkMetrics> = rows
                .iter()
                .filter(|row| row.outcome == outcome)
                .filter_map(|row| row.insights.as_ref()?.talk.as_ref())
                .collect();
            let stats = |figure: &dyn Fn(&TalkMetrics) -> Option<f64>| {
                let figures: Vec<f64> = talks.iter().filter_map(|talk| figure(talk)).collect();
                Stats::from_values(&figures)
            };
            (!talks.is_empty()).then(|| TalkByOutcome {
                outcome,
                agent_talk_share: stats(&|talk| Some(talk.agent.talk_share)),
                customer_talk_share: stats(&|talk| Some(talk.customer.talk_share)),
                non_talk_share: stats(&|talk| Some(talk.non_talk.share)),
                longest_pause_seconds: stats(&|talk| Some(talk.non_talk.longest_seconds)),
                agent_interruptions: stats(&|talk| Some(talk.agent.interruptions as f64)),
                agent_words_per_minute: stats(&|talk| talk.agent.words_per_minute),
                agent_reply_gap_seconds: stats(&|talk| {
                    talk.agent.reply_gap.map(|gap| gap.median_seconds)
                }),
            })
        })
        .collect()
}

/// Returns the cards of the conversations with the worst mood of the customer, the worst first.
pub(super) fn find_worst_calls(rows: &[ReportRow]) -> Vec<WorstCall> {
    let mut calls: Vec<WorstCall> = rows
        .iter()
        .filter_map(|row| {
            let sentiment = row.sentiment?;
            Some(WorstCall {
                conversation_id: row.conversation.conversation_id.clone(),
                outcome: row.outcome,
                sentiment: sentiment.customer.unwrap_or(sentiment.overall),
                card: row.insights.as_ref()?.card.clone(),
            })
        })
        .collect();
    // The sort keeps the order of the report among equals.
    calls.sort_by(|one, other| one.sentiment.total_cmp(&other.sentiment));
    calls.truncate(WORST_CALLS);
    calls
}
