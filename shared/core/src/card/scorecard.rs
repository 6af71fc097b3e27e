//! The scorecard: the answers of the rules that have a weight, and the share of the points that they give.

use serde::{Deserialize, Serialize};

use crate::board::{AlertMark, MarkKind};
use crate::rules::{Evaluation, QuotePlace, RuleFile, Truth};
use crate::scale::round_share;

/// The answer of one rule in a scorecard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScorecardAnswer {
    /// The id of the rule.
    pub rule: String,
    /// The version of the rule.
    pub version: String,
    /// What a reader is shown of the rule: its title, or its id.
    pub title: String,
    /// The answer of the rule.
    pub answer: Truth,
    /// Whether the answer is the one that is wanted; `None` if the answer is unknown, which counts neither way.
    pub passed: Option<bool>,
    /// The points of the rule.
    pub weight: f64,
    /// Whether a wrong answer fails the whole scorecard.
    pub fails_scorecard: bool,
    /// The words that made the rule hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotes: Vec<QuotePlace>,
    /// What agents and managers object to this answer, oldest first. Whoever decides about an objection changes the rule or lets the
    /// answer stand; the score stays what the rules say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contests: Vec<AlertMark>,
}

/// The scorecard of one conversation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Scorecard {
    /// The answers in the order of the rule file.
    pub answers: Vec<ScorecardAnswer>,
    /// The share of the points of the known answers, 0 to 1 with three decimals; `None` if no answer is known or has points.
    pub score: Option<f64>,
    /// Whether a rule that fails the scorecard was answered wrongly.
    pub is_failed: bool,
}

impl Scorecard {
    /// Builds the scorecard of an evaluation by the same file; `None` if no rule has a weight.
    #[must_use]
    pub fn new(file: &RuleFile, evaluation: &Evaluation) -> Option<Self> {
        let answers: Vec<ScorecardAnswer> = file
            .rules()
            .iter()
            .filter_map(|rule| {
                let weight = rule.weight?;
                let answer = evaluation.answer(&rule.id)?;
                let hit = evaluation.hits.iter().find(|hit| hit.rule == rule.id);
                Some(ScorecardAnswer {
                    rule: rule.id.clone(),
                    version: rule.version.clone(),
                    title: rule.title.clone().unwrap_or_else(|| rule.id.clone()),
                    answer,
                    passed: match answer {
                        Truth::True => Some(rule.is_wanted),
                        Truth::False => Some(!rule.is_wanted),
                        Truth::Unknown | Truth::Open => None,
                    },
                    weight,
                    fails_scorecard: rule.fails_scorecard,
                    quotes: hit.map(|hit| hit.quotes.clone()).unwrap_or_default(),
                    contests: Vec::new(),
                })
            })
            .collect();
        if answers.is_empty() {
            return None;
        }
        let points = |passed: Option<bool>| -> f64 {
            answers
                .iter()
                .filter(|answer| {
                    answer.passed.is_some() && (passed.is_none() || answer.passed == passed)
                })
                .map(|answer| answer.weight)
                .sum()
        };
        let possible = points(None);
        let score = (possible > 0.0).then(|| round_share(points(Some(true)) / possible));
        let is_failed = answers
            .iter()
            .any(|answer| answer.fails_scorecard && answer.passed == Some(false));
        Some(Self {
            answers,
            score,
            is_failed,
        })
    }

    /// Adds what was objected to the answers; other marks, and objections to rules that have no answer here, are left out.
    pub fn add_contests(&mut self, marks: &[AlertMark]) {
        for answer in &mut self.answers {
            let objections = marks
                .iter()
                .filter(|mark| mark.kind == MarkKind::Contested && mark.alert.rule == answer.rule);
            answer.contests.extend(objections.cloned());
        }
    }
}
