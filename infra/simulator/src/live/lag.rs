//! Measures how long segments take from becoming final to the next attributes of their call.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The segments of one call: first those that were shown to the poller, later those that attributes covered.
#[derive(Debug, Default)]
pub(super) struct LagMeter {
    /// Indexes of the segments that were shown, with the time at which they became final, in epoch milliseconds.
    shown: BTreeMap<usize, i64>,
    covered: BTreeSet<usize>,
    /// When attributes covered a segment, in epoch milliseconds, and the lag of that segment in milliseconds.
    done: Vec<(i64, i64)>,
}

impl LagMeter {
    /// Notes that an answer contained these final segments.
    pub(super) fn shown(&mut self, finals: Vec<(usize, i64)>) {
        for (place, since) in finals {
            if !self.covered.contains(&place) {
                self.shown.entry(place).or_insert(since);
            }
        }
    }

    /// Notes that attributes came, which cover the segments that were shown before.
    pub(super) fn patched(&mut self, now: i64) {
        for (place, since) in std::mem::take(&mut self.shown) {
            self.covered.insert(place);
            self.done.push((now, now - since));
        }
    }

    /// Returns the lags of the segments that were covered from this moment on, in milliseconds.
    pub(super) fn done_since(&self, from_ms: i64) -> impl Iterator<Item = i64> {
        let covered = self.done.iter().filter(move |(at_ms, _)| *at_ms >= from_ms);
        covered.map(|(_, lag_ms)| *lag_ms)
    }
}

/// Percentiles of the lag between a final segment and the attributes that cover it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lag {
    /// Number of measured segments.
    pub segments: usize,
    /// Median of the lag in milliseconds.
    pub p50_ms: i64,
    /// 95th percentile of the lag in milliseconds.
    pub p95_ms: i64,
    /// 99th percentile of the lag in milliseconds.
    pub p99_ms: i64,
    /// Largest lag in milliseconds.
    pub max_ms: i64,
}

impl Lag {
    pub(super) fn of(lags: impl Iterator<Item = i64>) -> Self {
        let mut lags: Vec<i64> = lags.collect();
        lags.sort_unstable();
        let at = |percent: usize| {
            lags.get((lags.len() * percent).div_ceil(100).saturating_sub(1))
                .copied()
        };
        let at = |percent| at(percent).unwrap_or_default();
        Self {
            segments: lags.len(),
            p50_ms: at(50),
            p95_ms: at(95),
            p99_ms: at(99),
            max_ms: at(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_counts_from_becoming_final_to_the_first_attributes_after_it_was_shown() {
        let mut watch = LagMeter::default();
        watch.patched(50);
        watch.shown(vec![(0, 100), (1, 200)]);
        watch.patched(1000);
        watch.shown(vec![(0, 100), (1, 200), (2, 1500)]);
        watch.patched(2000);
        assert_eq!(watch.done_since(0).collect::<Vec<_>>(), [900, 800, 500]);
        assert_eq!(watch.done_since(1500).collect::<Vec<_>>(), [500]);
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let lag = Lag::of(1..=100);
        assert_eq!(
            (lag.p50_ms, lag.p95_ms, lag.p99_ms, lag.max_ms),
            (50, 95, 99, 100)
        );
        assert_eq!(Lag::of(std::iter::empty()), Lag::default());
    }
}
