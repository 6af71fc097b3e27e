//! The score scale: `[0, 1]`, 0 = negative, 0.5 = neutral, 1 = positive.

use serde::{Deserialize, Serialize};

/// A sentiment score in `[0, 1]`; 0 is negative, 0.5 neutral, 1 positive.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Score(f64);

/// A number that is no score.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a score is a number from 0 to 1, not {0}")]
pub struct NotAScore(pub f64);

impl Score {
    /// Neither negative nor positive; the average of nothing.
    pub const NEUTRAL: Self = Self(0.5);

    /// The score of three class probabilities: `p(positive) + 0.5 * p(neutral)`, clamped to the scale.
    #[must_use]
    pub fn from_probabilities(neutral: f64, positive: f64) -> Self {
        Self((positive + 0.5 * neutral).clamp(0.0, 1.0))
    }

    /// The number, in `[0, 1]`.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The number rounded to 4 decimals, as the Data Action answers it.
    #[must_use]
    pub fn rounded(self) -> f64 {
        (self.0 * 1e4).round() / 1e4
    }
}

impl TryFrom<f64> for Score {
    type Error = NotAScore;

    fn try_from(value: f64) -> Result<Self, NotAScore> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(NotAScore(value))
        }
    }
}

impl From<Score> for f64 {
    fn from(score: Score) -> Self {
        score.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neutral_text_scores_in_the_middle() {
        assert_eq!(Score::from_probabilities(1.0, 0.0), Score::NEUTRAL);
        assert_eq!(Score::from_probabilities(0.0, 1.0).get(), 1.0);
        assert_eq!(Score::from_probabilities(0.0, 0.0).get(), 0.0);
    }

    #[test]
    fn rounding_errors_of_a_softmax_stay_on_the_scale() {
        assert_eq!(Score::from_probabilities(1e-9, 1.0 + 1e-9).get(), 1.0);
    }

    #[test]
    fn what_is_off_the_scale_is_refused() {
        for value in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
            assert!(Score::try_from(value).is_err(), "{value}");
        }
    }
}
