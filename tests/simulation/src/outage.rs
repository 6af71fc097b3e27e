//! Ten minutes in which one store is away, instead of faults that are drawn from the seed.

use crate::faults::{Fault, FaultPlan, FaultWindow, Target};

/// When an outage begins, in milliseconds of the run.
const FROM_MS: u64 = 10_000;

/// How long a store is away, in milliseconds.
const LENGTH_MS: u64 = 600_000;

/// When an outage is over, in milliseconds of the run.
pub const UNTIL_MS: u64 = FROM_MS + LENGTH_MS;

/// Longest time from the end of an outage until what waited for the store is done, in milliseconds.
pub const MAX_RECOVERY_MS: u64 = 30_000;

/// A store that is away for ten minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// The store that is away.
    pub target: Target,
    /// How it fails meanwhile.
    pub fault: Fault,
}

impl Outage {
    /// Returns the faults of a run in which nothing else fails.
    #[must_use]
    pub fn plan(self) -> FaultPlan {
        let window = FaultWindow {
            target: self.target,
            fault: self.fault,
            from_ms: FROM_MS,
            until_ms: UNTIL_MS,
            share: 1.0,
        };
        FaultPlan {
            windows: vec![window],
            ..FaultPlan::default()
        }
    }
}
