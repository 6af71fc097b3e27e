//! Ten minutes in which one part of the surroundings is away, instead of faults that are drawn from the seed.

use crate::faults::{Fault, FaultPlan, FaultWindow, Target};

/// When an outage begins, in milliseconds of the run.
const FROM_MS: u64 = 10_000;

/// How long a part is away, in milliseconds.
const LENGTH_MS: u64 = 600_000;

/// When an outage is over, in milliseconds of the run.
pub const UNTIL_MS: u64 = FROM_MS + LENGTH_MS;

/// Longest time from the end of an outage of a store until what waited for the store is done, in milliseconds.
pub const MAX_RECOVERY_MS: u64 = 30_000;

/// The same after an outage of an endpoint: an attempt that is under way, an open breaker, and the longest wait between two attempts.
pub const MAX_ENDPOINT_RECOVERY_MS: u64 = 75_000;

/// When the stream of chats breaks while transcripts are away, in milliseconds of the run: what is said then, only a transcript shows.
const STREAM_BREAKS_MS: std::ops::Range<u64> = UNTIL_MS - 90_000..UNTIL_MS - 70_000;

/// A part of the surroundings that is away for ten minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// The part that is away.
    pub target: Target,
    /// How it fails meanwhile.
    pub fault: Fault,
}

impl Outage {
    /// Returns the faults of a run in which nothing else fails. While transcripts of chats are away, the stream breaks once.
    #[must_use]
    pub fn plan(self) -> FaultPlan {
        let away = FaultWindow {
            target: self.target,
            fault: self.fault,
            from_ms: FROM_MS,
            until_ms: UNTIL_MS,
            share: 1.0,
        };
        let broken_stream = FaultWindow {
            target: Target::Stream,
            fault: Fault::Refused,
            from_ms: STREAM_BREAKS_MS.start,
            until_ms: STREAM_BREAKS_MS.end,
            share: 1.0,
        };
        let is_missed = self.target == Target::ChatTranscript;
        FaultPlan {
            windows: [away]
                .into_iter()
                .chain(is_missed.then_some(broken_stream))
                .collect(),
            ..FaultPlan::default()
        }
    }

    /// Returns how soon after the outage everything that waited must be done, in milliseconds.
    #[must_use]
    pub const fn max_recovery_ms(self) -> u64 {
        match self.target {
            Target::State | Target::Objects | Target::Queue | Target::Vectors => MAX_RECOVERY_MS,
            _ => MAX_ENDPOINT_RECOVERY_MS,
        }
    }
}
