//! Outcomes of conversations, and how sentiment differs between them.
//!
//! ```
//! use insights_core::outcomes::{EffectSize, Outcome, OutcomeMap, tabulate};
//!
//! let map = OutcomeMap::default();
//! let table = tabulate(&[
//!     (map.outcome("resolved"), Some(0.9)),
//!     (map.outcome("Escalated"), Some(-0.7)),
//!     (map.outcome("escalated"), None),
//! ]);
//! assert_eq!(table.rows[1].outcome, Outcome::Escalation);
//! assert_eq!(table.rows[1].conversations, 2);
//! assert_eq!(table.rows[1].effect, Some(EffectSize::Large));
//! ```

mod effect;
mod map;
mod stats;

use serde::{Deserialize, Serialize};

pub use effect::{EffectSize, KruskalWallis, cliffs_delta, kruskal_wallis};
pub use map::OutcomeMap;
pub use stats::Stats;

/// The outcome of a conversation, as its disposition tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The agent resolved the matter.
    Success,
    /// The conversation was escalated.
    Escalation,
    /// Agent and customer agreed on a callback.
    Callback,
    /// The customer left before the end.
    Abandoned,
    /// Nobody noted a disposition.
    Unknown,
    /// The disposition is any other one.
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

    /// Returns the outcome of a [name](Self::name) in upper or lower case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim();
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.name().eq_ignore_ascii_case(name))
    }

    /// Returns the name in the CSV, tables and plots.
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
    /// The compound is above 0.05.
    Positive,
    /// The compound is between the other labels.
    Neutral,
    /// The compound is below -0.05.
    Negative,
}

/// Largest distance of a neutral compound from 0; the threshold of VADER's authors (Hutto & Gilbert 2014).
const NEUTRAL_LIMIT: f64 = 0.05;

impl SentimentLabel {
    /// Every label, from positive to negative.
    pub const ALL: [Self; 3] = [Self::Positive, Self::Neutral, Self::Negative];

    /// Returns the label of a compound, -1 to 1.
    #[must_use]
    pub fn from_compound(compound: f64) -> Self {
        if compound > NEUTRAL_LIMIT {
            Self::Positive
        } else if compound < -NEUTRAL_LIMIT {
            Self::Negative
        } else {
            Self::Neutral
        }
    }

    /// Returns the name in the CSV, tables and plots.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Neutral => "neutral",
            Self::Negative => "negative",
        }
    }
}

/// The sentiment of the conversations of one outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutcomeSentiment {
    /// The outcome of the conversations.
    pub outcome: Outcome,
    /// The number of all conversations of the outcome, with a transcript or not.
    pub conversations: usize,
    /// The sentiment of the conversations with a transcript.
    #[serde(flatten)]
    pub sentiment: Stats,
    /// Cliff's delta against all other outcomes, -1 (always lower) to 1 (always higher), if both sides have values.
    pub cliffs_delta: Option<f64>,
    /// The size of the effect that the delta stands for.
    pub effect: Option<EffectSize>,
}

/// The sentiment by outcome, with the effect of each outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutcomeTable {
    /// One row per outcome that occurs, in the order of [`Outcome::ALL`].
    pub rows: Vec<OutcomeSentiment>,
    /// The test whether the outcomes differ at all, if there are at least two outcomes.
    pub overall: Option<KruskalWallis>,
}

/// Tabulates conversations by outcome; each conversation is its outcome and, if it has a transcript, its compound.
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
