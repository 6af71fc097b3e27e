//! Read and write units, counted by DynamoDB's published rules, so that tests can state what an operation costs.
//!
//! Counted from the sizes rather than asked from the service, so that emulators, which answer constants, give the same.
//! A write counts the new item; DynamoDB takes the larger of old and new.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that one strongly consistent read unit reads.
const READ_UNIT: usize = 4 * 1024;
/// Bytes that one write unit writes.
const WRITE_UNIT: usize = 1024;

/// Consumed units since the start.
#[derive(Debug, Default)]
pub struct Capacity {
    reads: AtomicU64,
    writes: AtomicU64,
}

impl Capacity {
    /// Read units.
    #[must_use]
    pub fn read_units(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Write units.
    #[must_use]
    pub fn write_units(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Counts one read of so many bytes; one that finds nothing costs a unit as well.
    pub(super) fn read(&self, bytes: usize) {
        self.reads
            .fetch_add(bytes.div_ceil(READ_UNIT).max(1) as u64, Ordering::Relaxed);
    }

    /// Counts one write of so many bytes.
    pub(super) fn write(&self, bytes: usize) {
        self.writes
            .fetch_add(bytes.div_ceil(WRITE_UNIT).max(1) as u64, Ordering::Relaxed);
    }
}
