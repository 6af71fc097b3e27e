//! A histogram of durations: percentiles of any number of measurements in bounded memory.

/// Number of buckets per power of two: a percentile is at most 1/32 (3.1 %) above the true value.
const BUCKETS_PER_OCTAVE: u64 = 32;
/// Exponent of the largest value that has a bucket of its own range: 2^36 microseconds are 19 hours. Larger values share the last bucket.
const MAX_EXPONENT: u64 = 36;
/// Number of all buckets.
const BUCKET_COUNT: usize = ((MAX_EXPONENT - 5 + 1) * BUCKETS_PER_OCTAVE) as usize + 1;

/// Counts of measurements in microseconds, in log-linear buckets as in HdrHistogram.
///
/// Values below 32 have a bucket each; above, each power of two is divided into 32 buckets of equal width.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    sum: u128,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKET_COUNT].into_boxed_slice(),
            total: 0,
            sum: 0,
            max: 0,
        }
    }
}

impl Histogram {
    /// Adds one measurement in microseconds.
    pub fn record(&mut self, micros: u64) {
        self.counts[bucket_index(micros)] += 1;
        self.total += 1;
        self.sum += u128::from(micros);
        self.max = self.max.max(micros);
    }

    /// Returns the number of measurements.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.total
    }

    /// Returns the exact largest measurement in microseconds; 0 without measurements.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// Returns the exact mean in microseconds; `None` without measurements.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.total > 0).then(|| self.sum as f64 / self.total as f64)
    }

    /// Returns the value in microseconds that `percent` (0 to 100) of the measurements do not exceed, by nearest rank.
    ///
    /// The result is never too low, at most 3.1 % too high, and never above the largest measurement. It is `None` without
    /// measurements.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        let rank = ((percent.clamp(0.0, 100.0) / 100.0 * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(highest_value(found).min(self.max))
    }
}

/// Returns the index of the bucket that a value falls into.
fn bucket_index(micros: u64) -> usize {
    if micros < BUCKETS_PER_OCTAVE {
        return micros as usize;
    }
    let octave = u64::from(micros.ilog2());
    let step = (micros >> (octave - 5)) - BUCKETS_PER_OCTAVE;
    ((((octave - 5) + 1) * BUCKETS_PER_OCTAVE + step) as usize).min(BUCKET_COUNT - 1)
}

/// Returns the highest value that falls into a bucket.
fn highest_value(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < BUCKETS_PER_OCTAVE {
        return bucket;
    }
    if bucket as usize == BUCKET_COUNT - 1 {
        return u64::MAX;
    }
    let (octave, step) = (bucket / BUCKETS_PER_OCTAVE - 1, bucket % BUCKETS_PER_OCTAVE);
    ((BUCKETS_PER_OCTAVE + step + 1) << octave) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_measured_has_no_percentile() {
        let empty = Histogram::default();
        assert_eq!(
            (
                empty.percentile(50.0),
                empty.mean(),
                empty.max(),
                empty.count()
            ),
            (None, None, 0, 0)
        );
    }

    #[test]
    fn small_values_are_exact() {
        let mut histogram = Histogram::default();
        (1..=30).for_each(|value| histogram.record(value));
        assert_eq!(histogram.percentile(50.0), Some(15));
        assert_eq!(histogram.percentile(100.0), Some(30));
        assert_eq!(histogram.mean(), Some(15.5));
    }

    #[test]
    fn values_past_the_range_are_counted_at_its_end() {
        let mut histogram = Histogram::default();
        histogram.record(u64::MAX);
        histogram.record(1 << 37);
        assert_eq!(
            (histogram.count(), histogram.percentile(99.0)),
            (2, Some(u64::MAX))
        );
    }

    proptest! {
        #[test]
        fn a_percentile_is_within_a_thirtysecond_of_the_truth(
            mut values in prop::collection::vec(0u64..100_000_000, 1..400),
            percent in 0.0..=100.0f64,
        ) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|value| histogram.record(*value));
            values.sort_unstable();
            let rank = ((percent / 100.0 * values.len() as f64).ceil() as usize).max(1);
            let exact = values[rank - 1];
            let found = histogram.percentile(percent).unwrap();
            prop_assert!(found >= exact && found <= exact + exact / 32 + 1, "{found} for {exact}");
        }

        #[test]
        fn every_value_lies_in_its_bucket(value in 0u64..(1 << 36)) {
            let index = bucket_index(value);
            prop_assert!(highest_value(index) >= value);
            prop_assert!(index == 0 || highest_value(index - 1) < value);
        }
    }
}
