//! The customer's scores over the whole call, in a few parts of equal length, so that a call of any length has its quarters.

use serde::{Deserialize, Serialize};

/// Number of parts of the history; a multiple of four, so that four quarters are made of whole parts.
const PARTS: usize = 16;

/// Length of a part at the start of a call.
const FIRST_PART_MS: i64 = 10_000;

/// The customer's scores over the whole call, in at most sixteen parts of equal length. When the call outgrows them, two parts
/// become one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScoreHistory {
    /// Segment time at which the first part begins, in milliseconds since the epoch.
    #[serde(rename = "from")]
    from_ms: i64,
    /// Length of one part in milliseconds.
    #[serde(rename = "part")]
    part_ms: i64,
    /// Sum of the scores, in ten-thousandths, and their number, for each part.
    parts: Vec<(u32, u32)>,
}

impl ScoreHistory {
    /// Returns whether the customer has said nothing yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Counts a score, in ten-thousandths, of a segment that ended at `end_ms`. What ended before the first segment counts to
    /// the first part.
    pub fn count(&mut self, end_ms: i64, score: u16) {
        if self.is_empty() {
            self.from_ms = end_ms;
            self.part_ms = FIRST_PART_MS;
        }
        let mut index = self.index_of(end_ms);
        while index >= PARTS {
            self.halve();
            index = self.index_of(end_ms);
        }
        if self.parts.len() <= index {
            self.parts.resize(index + 1, (0, 0));
        }
        if let Some((sum, count)) = self.parts.get_mut(index) {
            *sum = sum.saturating_add(u32::from(score));
            *count = count.saturating_add(1);
        }
    }

    /// Returns the customer's average in each quarter of the call so far, 0 to 1; `None` where the customer said nothing. The
    /// borders of the quarters are those of the parts, so that each is exact to a sixteenth of the call.
    ///
    /// `quarter average = sum of the customer's segment scores ÷ their number`.
    #[must_use]
    pub fn quarters(&self) -> [Option<f64>; 4] {
        let mut quarters = [None; 4];
        let count = self.parts.len();
        for (number, quarter) in (0..).zip(&mut quarters) {
            let (start, end) = (count * number / 4, count * (number + 1) / 4);
            let parts = self.parts.get(start..end).unwrap_or_default();
            let (sum, scores) = parts.iter().fold((0_u64, 0_u64), |(sum, scores), part| {
                (sum + u64::from(part.0), scores + u64::from(part.1))
            });
            *quarter = (scores > 0).then(|| sum as f64 / (scores as f64 * 1e4));
        }
        quarters
    }

    fn index_of(&self, end_ms: i64) -> usize {
        let offset = end_ms.saturating_sub(self.from_ms).max(0);
        usize::try_from(offset / self.part_ms.max(1)).unwrap_or(usize::MAX)
    }

    fn halve(&mut self) {
        self.part_ms = self.part_ms.saturating_mul(2);
        self.parts = self
            .parts
            .chunks(2)
            .map(|pair| {
                pair.iter().fold((0_u32, 0_u32), |(sum, count), part| {
                    (sum.saturating_add(part.0), count.saturating_add(part.1))
                })
            })
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_any_length_has_four_quarters_in_few_parts() {
        let mut history = ScoreHistory::default();
        assert_eq!(history.quarters(), [None; 4]);
        // Three hours, a segment every 5 s: good, neutral, nothing, bad.
        for second in (0..10_800).step_by(5) {
            let score = match second / 2700 {
                0 => 9000,
                1 => 5000,
                2 => continue,
                _ => 1000,
            };
            history.count(1_700_000_000_000 + second * 1000, score);
        }
        assert!(history.parts.len() <= PARTS, "{history:?}");
        let quarters = history.quarters();
        assert!(quarters[0].unwrap() > 0.8, "{quarters:?}");
        assert!((quarters[1].unwrap() - 0.5).abs() < 0.25, "{quarters:?}");
        assert!(quarters[3].unwrap() < 0.2, "{quarters:?}");
    }

    #[test]
    fn times_that_jump_neither_overflow_nor_grow_the_history() {
        let mut history = ScoreHistory::default();
        for end in [0, i64::MAX, i64::MIN, 5] {
            history.count(end, 10_000);
        }
        assert!(history.parts.len() <= PARTS);
        let json = serde_json::to_string(&history).unwrap();
        assert_eq!(
            serde_json::from_str::<ScoreHistory>(&json).unwrap(),
            history
        );
    }
}
