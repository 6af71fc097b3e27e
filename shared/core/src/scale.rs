//! The score scale, and the one place that rounds and formats figures.
//!
//! A sentiment score lies in `[0, 1]`: 0 is negative, 0.5 neutral, 1 positive. VADER keeps the scale of its authors,
//! -1 to 1, called the compound.
//!
//! Every figure that leaves a function passes through this module, so that one kind of figure has the same number of
//! decimals in replies, files, tables and on the command line:
//!
//! | figure | as a number | as text |
//! |---|---|---|
//! | score, compound, statistic | [`round_score`], 4 decimals | [`format_score`], [`format_compound`] |
//! | average of a call, similarity, share of VADER | | [`format_average`], 3 decimals |
//! | score beside a text, in a table or a caption | | [`format_short_score`], [`format_table_score`], 2 decimals |
//! | tick or caption with a sign | [`round_to`] | [`format_signed`] |
//! | share of words or of time, threshold | [`round_share`], 3 decimals | [`format_percent`] |
//! | similarity of a search result | [`round_similarity`], 6 decimals | [`format_average`] |
//! | seconds of a conversation | [`round_seconds`], 1 decimal | |
//! | milliseconds of a reply | [`round_milliseconds`], 2 decimals | |

use serde::{Deserialize, Serialize};

/// A sentiment score in `[0, 1]`; 0 is negative, 0.5 neutral, 1 positive.
///
/// ```
/// use insights_core::scale::Score;
///
/// let score = Score::from_probabilities(0.4, 0.5);
/// assert_eq!(score.get(), 0.7);
/// assert!(Score::try_from(1.2).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Score(f64);

/// A number that lies outside the score scale.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a score is a number from 0 to 1, not {0}")]
pub struct InvalidScore(pub f64);

impl Score {
    /// The score that is neither negative nor positive; the average of no score at all.
    pub const NEUTRAL: Self = Self(0.5);

    /// Builds the score of three class probabilities: `p(positive) + 0.5 * p(neutral)`, clamped to the scale.
    #[must_use]
    pub fn from_probabilities(neutral: f64, positive: f64) -> Self {
        Self((positive + 0.5 * neutral).clamp(0.0, 1.0))
    }

    /// Builds a score from whole ten-thousandths, 0 to 10,000; larger numbers count as 10,000.
    #[must_use]
    pub fn from_ten_thousandths(units: u16) -> Self {
        Self((f64::from(units) / 1e4).min(1.0))
    }

    /// Returns the score as a number in `[0, 1]`.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Returns the score as a number of 4 decimals, as replies and files carry it.
    ///
    /// ```
    /// use insights_core::scale::Score;
    ///
    /// assert_eq!(Score::try_from(0.123_456).unwrap().to_four_decimals(), 0.1235);
    /// ```
    #[must_use]
    pub fn to_four_decimals(self) -> f64 {
        round_score(self.0)
    }

    /// Returns the score in whole ten-thousandths, 0 to 10,000. Whole numbers add up to the same sum in any order.
    #[must_use]
    pub fn to_ten_thousandths(self) -> u16 {
        (self.0 * 1e4).round() as u16
    }
}

impl TryFrom<f64> for Score {
    type Error = InvalidScore;

    fn try_from(value: f64) -> Result<Self, InvalidScore> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(InvalidScore(value))
        }
    }
}

impl From<Score> for f64 {
    fn from(score: Score) -> Self {
        score.0
    }
}

/// Rounds a figure to a number of decimals, halves away from zero; the result is never a negative zero.
///
/// ```
/// use insights_core::scale::round_to;
///
/// assert_eq!(round_to(0.125, 2), 0.13);
/// assert!(round_to(-0.001, 2).is_sign_positive());
/// ```
#[must_use]
pub fn round_to(value: f64, decimals: u8) -> f64 {
    let unit = 10_f64.powi(i32::from(decimals));
    // Adding zero turns -0.0 into 0.0 and changes nothing else.
    (value * unit).round() / unit + 0.0
}

/// Rounds a score, a compound or a statistic to 4 decimals.
///
/// ```
/// assert_eq!(insights_core::scale::round_score(0.281_25), 0.2813);
/// ```
#[must_use]
pub fn round_score(value: f64) -> f64 {
    round_to(value, 4)
}

/// Rounds a share or a threshold to 3 decimals.
///
/// ```
/// assert_eq!(insights_core::scale::round_share(0.35 + 0.05), 0.4);
/// ```
#[must_use]
pub fn round_share(value: f64) -> f64 {
    round_to(value, 3)
}

/// Rounds the similarity of a search result to 6 decimals.
///
/// ```
/// assert_eq!(insights_core::scale::round_similarity(0.123_456_78), 0.123_457);
/// ```
#[must_use]
pub fn round_similarity(value: f64) -> f64 {
    round_to(value, 6)
}

/// Rounds seconds of a conversation to 1 decimal.
///
/// ```
/// assert_eq!(insights_core::scale::round_seconds(12.34), 12.3);
/// ```
#[must_use]
pub fn round_seconds(value: f64) -> f64 {
    round_to(value, 1)
}

/// Rounds the milliseconds that a reply took to 2 decimals.
///
/// ```
/// assert_eq!(insights_core::scale::round_milliseconds(4.5678), 4.57);
/// ```
#[must_use]
pub fn round_milliseconds(value: f64) -> f64 {
    round_to(value, 2)
}

/// Rounds a figure as Python's `round` does: an exact half of the binary value goes to the even neighbor.
///
/// VADER's reference program rounds this way, so its figures are compared digit by digit with this function.
///
/// ```
/// use insights_core::scale::round_half_even;
///
/// assert_eq!(round_half_even(0.0625, 3), 0.062);
/// assert_eq!(round_half_even(0.1875, 3), 0.188);
/// assert!(round_half_even(-0.0001, 3).is_sign_positive());
/// ```
#[must_use]
pub fn round_half_even(value: f64, decimals: u8) -> f64 {
    let unit = 10_f64.powi(i32::from(decimals));
    let scaled = value * unit;
    // Away from a half the product's rounding error cannot matter; near one the exact decimal expansion decides.
    if (scaled - scaled.floor() - 0.5).abs() > 1e-6 {
        // Adding zero turns -0.0 into 0.0 and changes nothing else.
        return scaled.round() / unit + 0.0;
    }
    let decimals = usize::from(decimals);
    format!("{value:.decimals$}").parse().unwrap_or(value) + 0.0
}

/// Formats a score with 4 decimals.
///
/// ```
/// assert_eq!(insights_core::scale::format_score(0.7), "0.7000");
/// ```
#[must_use]
pub fn format_score(score: f64) -> String {
    without_negative_zero(format!("{score:.4}"), "")
}

/// Formats a compound with its sign and 4 decimals.
///
/// ```
/// assert_eq!(insights_core::scale::format_compound(0.7), "+0.7000");
/// ```
#[must_use]
pub fn format_compound(compound: f64) -> String {
    without_negative_zero(format!("{compound:+.4}"), "+")
}

/// Formats the average of a call, a similarity or a share of VADER with 3 decimals.
///
/// ```
/// assert_eq!(insights_core::scale::format_average(0.281_25), "0.281");
/// ```
#[must_use]
pub fn format_average(average: f64) -> String {
    without_negative_zero(format!("{average:.3}"), "")
}

/// Formats a score that stands beside a text, or a word's weight, with 2 decimals.
///
/// ```
/// assert_eq!(insights_core::scale::format_short_score(0.7), "0.70");
/// ```
#[must_use]
pub fn format_short_score(score: f64) -> String {
    without_negative_zero(format!("{score:.2}"), "")
}

/// Returns a formatted figure with `sign` in place of its minus if all of its digits are zeros.
fn without_negative_zero(figure: String, sign: &str) -> String {
    match figure.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|byte| matches!(byte, b'0' | b'.')) => {
            format!("{sign}{digits}")
        }
        _ => figure,
    }
}

/// Formats a figure of a table with 2 decimals and a typographic minus; an en dash where there is none.
///
/// ```
/// use insights_core::scale::format_table_score;
///
/// assert_eq!(format_table_score(Some(-0.5)), "\u{2212}0.50");
/// assert_eq!(format_table_score(None), "\u{2013}");
/// ```
#[must_use]
pub fn format_table_score(figure: Option<f64>) -> String {
    figure.map_or_else(
        || "\u{2013}".to_owned(),
        |figure| format_short_score(figure).replace('-', "\u{2212}"),
    )
}

/// Formats a compound as the ticks and captions of a plot show it: with its sign, a typographic minus and a number of
/// decimals; zero is "0".
///
/// ```
/// use insights_core::scale::format_signed;
///
/// assert_eq!(format_signed(0.5, 1), "+0.5");
/// assert_eq!(format_signed(-1.0, 0), "\u{2212}1");
/// assert_eq!(format_signed(0.0, 2), "0");
/// ```
#[must_use]
pub fn format_signed(compound: f64, decimals: usize) -> String {
    if compound == 0.0 {
        "0".to_owned()
    } else {
        without_negative_zero(format!("{compound:+.decimals$}"), "+").replace('-', "\u{2212}")
    }
}

/// Formats a part of a whole as whole per cent.
///
/// ```
/// assert_eq!(insights_core::scale::format_percent(23.0, 40.0), "58 %");
/// ```
#[must_use]
pub fn format_percent(part: f64, whole: f64) -> String {
    // Not the share times 100: 100 * 23 / 40 is 57.5, while 100 * (23 / 40) is a little less and rounds down.
    format!("{:.0} %", 100.0 * part / whole)
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
    fn numbers_off_the_scale_are_refused() {
        for value in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
            assert!(Score::try_from(value).is_err(), "{value}");
        }
    }

    #[test]
    fn ten_thousandths_survive_the_way_there_and_back() {
        for units in [0, 1, 2813, 9999, 10_000] {
            let score = Score::from_ten_thousandths(units);
            assert_eq!(score.to_ten_thousandths(), units);
            assert_eq!(score.get(), f64::from(units) / 1e4);
        }
        assert_eq!(Score::from_ten_thousandths(u16::MAX).get(), 1.0);
    }

    #[test]
    fn what_rounds_to_zero_has_no_minus() {
        assert_eq!(format_score(-0.0), "0.0000");
        assert_eq!(format_average(-0.0001), "0.000");
        assert_eq!(format_short_score(-0.0), "0.00");
        assert_eq!(format_compound(-0.000_01), "+0.0000");
        assert_eq!(format_table_score(Some(-0.001)), "0.00");
        assert_eq!(format_signed(-0.001, 2), "+0.00");
        assert_eq!(format_compound(-0.5), "-0.5000");
        assert_eq!(format_table_score(Some(-0.01)), "\u{2212}0.01");
        for value in [-0.0, -0.000_04, 0.0] {
            assert!(round_half_even(value, 4).is_sign_positive(), "{value}");
        }
    }

    #[test]
    fn exact_halves_round_to_the_even_neighbor_as_in_python() {
        for (value, decimals, expected) in [
            (0.0625, 3, 0.062),
            (0.1875, 3, 0.188),
            (0.03125, 4, 0.0312),
            (-0.03125, 4, -0.0312),
            (0.43755, 4, 0.4375),
            (2.675, 2, 2.67),
        ] {
            assert_eq!(round_half_even(value, decimals), expected, "{value}");
        }
    }
}
