//! A hold: all calls of a run are quiet while transcripts are away, and a little longer than that.
//!
//! Only part of the quiet was heard, and each part is shorter than the silence that ends a call: a call that goes on after it has not
//! ended.

use rand::Rng;
use rand::rngs::StdRng;

use crate::faults::{Fault, FaultWindow, Target};

/// How the transcripts are away: nothing of a transcript is read.
const AWAY: [Fault; 5] = [
    Fault::Refused,
    Fault::Status(503),
    Fault::Hang,
    Fault::NotJson,
    Fault::RateLimited(Some(5)),
];

/// A part of a run in which nobody speaks.
#[derive(Debug, Clone, Copy)]
pub struct Hold {
    /// When it begins, in milliseconds of the run.
    pub from_ms: u64,
    /// When somebody speaks again, in milliseconds of the run.
    pub until_ms: u64,
    /// The time in which transcripts are away.
    pub away: FaultWindow,
}

impl Hold {
    /// Draws a hold of the first half of a run.
    #[must_use]
    pub fn draw(random: &mut StdRng) -> Self {
        let from_ms = random.random_range(25_000..50_000);
        let away_ms = from_ms + random.random_range(0..8000);
        let back_ms = away_ms + random.random_range(20_000..40_000);
        Self {
            from_ms,
            until_ms: back_ms + random.random_range(3000..12_000),
            away: FaultWindow {
                target: Target::Transcript,
                fault: AWAY[random.random_range(0..AWAY.len())],
                from_ms: away_ms,
                until_ms: back_ms,
                share: 1.0,
            },
        }
    }

    /// Returns when an utterance begins that would begin at `at_ms`, in milliseconds of the run.
    #[must_use]
    pub fn postpone(self, at_ms: u64) -> u64 {
        if (self.from_ms..self.until_ms).contains(&at_ms) {
            self.until_ms
        } else {
            at_ms
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_quiet_that_was_heard_is_shorter_than_a_silence_on_either_side() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..1000 {
            let hold = Hold::draw(&mut random);
            let (before, after) = (
                hold.away.from_ms - hold.from_ms,
                hold.until_ms - hold.away.until_ms,
            );
            assert!(before < 10_000 && after < 15_000, "{hold:?}");
            assert_eq!(hold.postpone(hold.away.from_ms), hold.until_ms);
            assert_eq!(hold.postpone(hold.until_ms), hold.until_ms);
        }
    }
}
