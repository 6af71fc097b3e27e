//! Counts read and write units by DynamoDB's published rules, so that tests can state what an operation costs.
//!
//! The units are counted from sizes and not asked from the service, so that emulators, which answer constants, give the
//! same. A write counts the new item; DynamoDB takes the larger of the old and the new item.

use std::sync::atomic::{AtomicU64, Ordering};

/// Size that one strongly consistent read unit reads, in bytes.
const READ_UNIT: usize = 4 * 1024;
/// Size that one write unit writes, in bytes.
const WRITE_UNIT: usize = 1024;

/// The read and write units consumed since the start.
#[derive(Debug, Default)]
pub struct Capacity {
    /// Halves of read units: a read that may be behind costs half a unit for 4 KB.
    read_halves: AtomicU64,
    writes: AtomicU64,
}

impl Capacity {
    /// Returns the number of read units consumed, rounded up.
    #[must_use]
    pub fn read_units(&self) -> u64 {
        self.read_halves.load(Ordering::Relaxed).div_ceil(2)
    }

    /// Returns the number of write units consumed.
    #[must_use]
    pub fn write_units(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Counts one read of that many bytes; a read that finds nothing costs as much as one of 4 KB.
    pub(super) fn count_read(&self, bytes: usize, is_consistent: bool) {
        let blocks = bytes.div_ceil(READ_UNIT).max(1) as u64;
        let halves = if is_consistent { blocks * 2 } else { blocks };
        self.read_halves.fetch_add(halves, Ordering::Relaxed);
    }

    /// Counts one write of that many bytes.
    pub(super) fn count_write(&self, bytes: usize) {
        self.writes
            .fetch_add(bytes.div_ceil(WRITE_UNIT).max(1) as u64, Ordering::Relaxed);
    }
}
