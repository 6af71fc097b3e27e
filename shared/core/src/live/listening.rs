//! How long a call has been listened to: silence is time in which polls succeeded and brought nothing.
//!
//! A call that nobody reads is not silent. While the contact center is out of reach, or no poller runs, words may be said that
//! are read later, so that time must not count as silence. An outage shorter than [`MAX_GAP`] does count, because otherwise a
//! contact center that fails now and then would keep calls alive for ever.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest time without a successful poll that still counts as listening, and at most a tenth of the silence that ends a call.
/// A hand-over to the next process takes seconds.
const MAX_GAP: Duration = Duration::from_secs(60);

/// Since when a call has been listened to without an interruption.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listening {
    /// Time of the first successful poll without an interruption since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// Time of the last successful poll. The stored value may be behind by half a lease.
    #[serde(default, rename = "until", skip_serializing_if = "Option::is_none")]
    answered_at: Option<Timestamp>,
    /// Whether a poll failed, or another process took over, since the last successful poll.
    #[serde(skip)]
    is_interrupted: bool,
}

impl Listening {
    /// Returns whether no poll has succeeded yet.
    pub(super) fn has_not_begun(&self) -> bool {
        self.since.is_none()
    }

    /// Notes that a poll failed, or that another process goes on with the polls.
    pub(super) fn interrupt(&mut self) {
        self.is_interrupted = true;
    }

    /// Notes a successful poll at `now`, and returns since when the call has been listened to.
    pub(super) fn note_answer(&mut self, now: Timestamp, silence: Duration) -> Timestamp {
        let max_gap = MAX_GAP.min(silence / 10);
        let is_continued = !self.is_interrupted
            || self
                .answered_at
                .is_some_and(|answered_at| now <= answered_at + max_gap);
        let since = self.since.filter(|_| is_continued).unwrap_or(now);
        *self = Self {
            since: Some(since),
            answered_at: Some(now),
            is_interrupted: false,
        };
        since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(600);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn a_short_outage_and_a_hand_over_count_as_listening_and_a_long_one_does_not() {
        let mut listening = Listening::default();
        assert!(listening.has_not_begun());
        assert_eq!(listening.note_answer(at(0), SILENCE), at(0));
        assert_eq!(listening.note_answer(at(300), SILENCE), at(0));
        listening.interrupt();
        assert_eq!(listening.note_answer(at(359), SILENCE), at(0));
        // Another process reads what the one before stored.
        let json = serde_json::to_string(&listening).unwrap();
        let mut listening: Listening = serde_json::from_str(&json).unwrap();
        listening.interrupt();
        assert_eq!(listening.note_answer(at(419), SILENCE), at(0));
        listening.interrupt();
        assert_eq!(listening.note_answer(at(480), SILENCE), at(480));
    }

    #[test]
    fn the_outage_that_counts_is_a_small_part_of_the_silence() {
        let mut listening = Listening::default();
        listening.note_answer(at(0), Duration::from_secs(10));
        listening.interrupt();
        assert_eq!(listening.note_answer(at(2), Duration::from_secs(10)), at(2));
    }
}
