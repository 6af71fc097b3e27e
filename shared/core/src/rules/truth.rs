//! The answers of a condition: true, false, or one of two reasons why neither is known.

use serde::{Deserialize, Serialize};

/// The answer of a rule for a conversation that is over, or for what was said so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// The rule holds for certain.
    True,
    /// The rule does not hold.
    False,
    /// The rule could be answered by what is missing: a gap in the transcript, or a source that does not exist here.
    Unknown,
    /// The rule waits: the window of a condition has not ended yet.
    Open,
}

impl Truth {
    /// Returns the word that reports use for the answer.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Unknown => "unknown",
            Self::Open => "open",
        }
    }
}
