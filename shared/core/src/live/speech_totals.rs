//! How long each side of a call has spoken, and how much of it has no score.

use serde::{Deserialize, Serialize};

use super::segment::{Segment, Speaker};

/// How long both sides have spoken in the whole call, by the times of the final segments, and what of it was not scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpeechTotals {
    /// Milliseconds of the customer's segments that have a score.
    #[serde(rename = "customer")]
    pub customer_ms: u64,
    /// Milliseconds of the agent's segments that have a score.
    #[serde(rename = "agent")]
    pub agent_ms: u64,
    /// Milliseconds of both sides' segments that have no score.
    #[serde(default, rename = "unscored")]
    pub unscored_ms: u64,
    /// Number of gaps: runs of segments without a score between segments that have one.
    #[serde(default)]
    pub gaps: u32,
    /// Whether the newest segment has no score, so that the next one without a score belongs to the same gap.
    #[serde(default, rename = "open", skip_serializing_if = "is_false")]
    pub(crate) is_in_gap: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl SpeechTotals {
    /// Returns whether nothing was said yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Counts a segment that has a score.
    pub fn count_scored(&mut self, segment: &Segment) {
        let total = match segment.speaker {
            Speaker::Customer => &mut self.customer_ms,
            Speaker::Agent => &mut self.agent_ms,
        };
        *total = total.saturating_add(length_ms(segment));
        self.is_in_gap = false;
    }

    /// Counts a segment that will never have a score.
    pub fn count_unscored(&mut self, segment: &Segment) {
        self.unscored_ms = self.unscored_ms.saturating_add(length_ms(segment));
        self.gaps = self.gaps.saturating_add(u32::from(!self.is_in_gap));
        self.is_in_gap = true;
    }

    /// Returns the share of the spoken time that has a score, 0 to 1, or `None` if nothing was said.
    ///
    /// `coverage = scored / (scored + unscored)`, in milliseconds of the final segments of both sides since the call was
    /// registered.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        let scored = self.customer_ms.saturating_add(self.agent_ms);
        share(scored, scored.saturating_add(self.unscored_ms))
    }

    /// Returns the agent's share of the time that both sides spoke, 0 to 1, or `None` if nothing was said.
    ///
    /// `talk share = agent / (agent + customer)`, in milliseconds of the final segments since the call was registered.
    #[must_use]
    pub fn agent_share(&self) -> Option<f64> {
        share(
            self.agent_ms,
            self.customer_ms.saturating_add(self.agent_ms),
        )
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Returns the length of a segment. One that ends before it starts has none, and an hour is the most that a segment counts.
fn length_ms(segment: &Segment) -> u64 {
    const MAX_LENGTH_MS: i64 = 3_600_000;
    let length = segment.end.saturating_sub(segment.start);
    u64::try_from(length.clamp(0, MAX_LENGTH_MS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(speaker: Speaker, start: i64, end: i64) -> Segment {
        Segment {
            text: "words".to_owned(),
            start,
            end,
            speaker,
            is_final: true,
        }
    }

    #[test]
    fn shares_are_of_spoken_time_and_a_run_without_scores_is_one_gap() {
        let mut totals = SpeechTotals::default();
        assert_eq!((totals.coverage(), totals.agent_share()), (None, None));
        totals.count_scored(&segment(Speaker::Customer, 0, 3000));
        totals.count_unscored(&segment(Speaker::Customer, 3000, 3500));
        totals.count_unscored(&segment(Speaker::Agent, 3500, 4000));
        totals.count_scored(&segment(Speaker::Agent, 4000, 5000));
        totals.count_unscored(&segment(Speaker::Agent, 5000, 5000));
        assert_eq!(totals.coverage(), Some(0.8));
        assert_eq!(totals.agent_share(), Some(0.25));
        assert_eq!(totals.gaps, 2);
    }

    #[test]
    fn impossible_times_count_as_nothing() {
        let mut totals = SpeechTotals::default();
        totals.count_scored(&segment(Speaker::Agent, 9000, 1000));
        totals.count_scored(&segment(Speaker::Agent, i64::MIN, i64::MAX));
        assert_eq!(totals.agent_ms, 3_600_000);
    }
}
