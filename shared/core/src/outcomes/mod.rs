//! Outcomes of conversations and how sentiment differs between them.

mod effect;
mod stats;

use serde::{Deserialize, Serialize};

pub use effect::{EffectSize, KruskalWallis, cliffs_delta, kruskal_wallis};
pub use stats::Stats;

/// What became of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// Resolved.
    Success,
    /// Escalated.
    Escalation,
    /// A callback was agreed on.
    Callback,
    /// The customer left.
    Abandoned,
    /// Nobody noted the disposition.
    Unknown,
    /// Any other disposition.
    Other,
}

impl Outcome {
    /// Every outcome, in the order of tables and plots.
    pub const ALL: [Self; 6] = [
        Self::Success,
        Self::Escalation,
        Self::Callback,
        Self::Abandoned,
        Self::Unknown,
        Self::Other,
    ];

    /// The outcome of a disposition, in any case.
    #[must_use]
    pub fn from_disposition(disposition: &str) -> Self {
        match disposition.trim().to_lowercase().as_str() {
            "resolved" => Self::Success,
            "escalated" => Self::Escalation,
            "callback" => Self::Callback,
            "abandoned" => Self::Abandoned,
            "unknown" => Self::Unknown,
            _ => Self::Other,
        }
    }

    /// Its name in the CSV, tables and plots.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::Escalation => "Escalation",
            Self::Callback => "Callback",
            Self::Abandoned => "Abandoned",
            Self::Unknown => "Unknown",
            Self::Other => "Other",
        }
    }
}

/// The sentiment label of a VADER compound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SentimentLabel {
    /// Above 0.05.
    Positive,
    /// Between.
    Neutral,
    /// Below -0.05.
    Negative,
}

/// Compounds farther from 0 than this are positive or negative; the threshold of VADER's authors.
const NEUTRAL_WITHIN: f64 = 0.05;

impl SentimentLabel {
    /// Every label, from positive to negative.
    pub const ALL: [Self; 3] = [Self::Positive, Self::Neutral, Self::Negative];

    /// The label of a compound, -1..=1.
    #[must_use]
    pub fn from_compound(compound: f64) -> Self {
        if compound > NEUTRAL_WITHIN {
            Self::Positive
        } else if compound < -NEUTRAL_WITHIN {
            Self::Negative
        } else {
            Self::Neutral
        }
    }

    /// Its name in the CSV, tables and plots.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Neutral => "neutral",
            Self::Negative => "negative",
        }
    }
}

/// Sentiment of the conversations of one outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutcomeSentiment {
    /// The outcome.
    pub outcome: Outcome,
    /// All conversations of it, with a transcript or not.
    pub conversations: usize,
    /// The figures of those with a transcript.
    #[serde(flatten)]
    pub sentiment: Stats,
    /// Cliff's delta against all other outcomes, -1 (always lower) to 1 (always higher); none without both sides.
    pub cliffs_delta: Option<f64>,
    /// What that delta is called.
    pub effect: Option<EffectSize>,
}

/// The table of outcome against sentiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutcomeTable {
    /// A row an outcome that occurs, in the order of [`Outcome::ALL`].
    pub rows: Vec<OutcomeSentiment>,
    /// Whether the outcomes differ at all; none with fewer than two outcomes.
    pub overall: Option<KruskalWallis>,
}

/// Tabulates conversations, each an outcome and its compound if it has a transcript.
#[must_use]
pub fn tabulate(conversations: &[(Outcome, Option<f64>)]) -> OutcomeTable {
    let scores = |wanted: &dyn Fn(Outcome) -> bool| -> Vec<f64> {
        conversations
            .iter()
            .filter(|(outcome, _)| wanted(*outcome))
            .filter_map(|(_, score)| *score)
            .collect()
    };
    let mut groups = Vec::new();
    let mut rows = Vec::new();
    for outcome in Outcome::ALL {
        let count = conversations
            .iter()
            .filter(|(other, _)| *other == outcome)
            .count();
        if count == 0 {
            continue;
        }
        let own = scores(&|other| other == outcome);
        let rest = scores(&|other| other != outcome);
        let delta = cliffs_delta(&own, &rest);
        rows.push(OutcomeSentiment {
            outcome,
            conversations: count,
            sentiment: Stats::from_values(&own),
            cliffs_delta: delta,
            effect: delta.map(EffectSize::from_cliffs_delta),
        });
        groups.push(own);
    }
    OutcomeTable {
        rows,
        overall: kruskal_wallis(&groups),
    }
}

#[cfg(test)]
mod tests;
