//! A hit: that a rule holds, since when, and by which words.

use serde::{Deserialize, Serialize};

use super::utterance::TimeSource;
use crate::live::Speaker;

/// How urgent the hit of a rule is; the last is the most urgent.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum RuleSeverity {
    /// The hit is noted and shown.
    #[default]
    Info,
    /// Somebody should look at it.
    Warn,
    /// Somebody should act at once.
    Severe,
}

impl RuleSeverity {
    /// Returns the word that rule files, pages and notifications use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Severe => "severe",
        }
    }
}

impl std::fmt::Display for RuleSeverity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The place of words that made a rule hold; the words themselves are read from the segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotePlace {
    /// The identity of the segment or message, 16 hexadecimal digits.
    pub segment: String,
    /// The speaker of the segment.
    pub speaker: Speaker,
    /// The number of characters before the quote.
    pub from: u32,
    /// The number of characters before the end of the quote.
    pub to: u32,
    /// The time at which the last word of the quote was said, in milliseconds since the epoch.
    pub at: i64,
}

/// The hit of a rule in a conversation. A hit holds no words of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHit {
    /// The id of the rule.
    pub rule: String,
    /// The version of the rule, 12 hexadecimal digits: a digest of what the rule says, and of the model it asks.
    pub version: String,
    /// The severity of the rule.
    pub severity: RuleSeverity,
    /// The number of the hit among those of the same rule in the conversation, from 1.
    pub number: u32,
    /// The time since which the rule holds, in milliseconds since the epoch.
    pub at: i64,
    /// The same time in milliseconds since the start of the conversation.
    pub offset_ms: i64,
    /// The source of the times of words.
    pub time_source: TimeSource,
    /// The words that made the rule hold, in the order of the conditions; empty where something was not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotes: Vec<QuotePlace>,
}

impl RuleHit {
    /// Returns the key of the hit in its conversation, the same for each evaluation of the same rule.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}#{}", self.rule, self.number)
    }
}
