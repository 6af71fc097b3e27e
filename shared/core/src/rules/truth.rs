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
    /// Returns the answer of the opposite condition.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown | Self::Open => self,
        }
    }

    /// Returns the answer of "both hold".
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            // What waits may still become false, and what is unknown never becomes known.
            (Self::Open, _) | (_, Self::Open) => Self::Open,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::True, Self::True) => Self::True,
        }
    }

    /// Returns the answer of "at least one holds".
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        self.negated().and(other.negated()).negated()
    }

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

#[cfg(test)]
mod tests {
    use super::Truth::{False, Open, True, Unknown};

    #[test]
    fn a_known_answer_decides_and_a_missing_one_does_not() {
        assert_eq!(False.and(Unknown), False);
        assert_eq!(True.and(Unknown), Unknown);
        assert_eq!(Open.and(Unknown), Open);
        assert_eq!(True.or(Open), True);
        assert_eq!(False.or(Unknown), Unknown);
        assert_eq!(Unknown.negated(), Unknown);
        assert_eq!(True.and(True), True);
        assert_eq!(False.or(False), False);
    }
}
