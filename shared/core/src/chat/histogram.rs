//! A histogram of durations in bounded memory, for percentiles of any number of measurements.

/// Buckets an octave: a percentile is at most 1/32 (3.1 %) above the true value.
const STEPS: u64 = 32;
/// Values from here on share the last bucket: 2^36 microseconds are 19 hours.
const OCTAVES: u64 = 36;
const BUCKETS: usize = ((OCTAVES - 5 + 1) * STEPS) as usize + 1;

/// Counts of microseconds in log-linear buckets (the layout of HdrHistogram): exact below 32, then 32 buckets an octave.
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
            counts: vec![0; BUCKETS].into_boxed_slice(),
            total: 0,
            sum: 0,
            max: 0,
        }
    }
}

impl Histogram {
    /// Adds a measurement in microseconds.
    pub fn record(&mut self, micros: u64) {
        self.counts[bucket(micros)] += 1;
        self.total += 1;
        self.sum += u128::from(micros);
        self.max = self.max.max(micros);
    }

    /// How many measurements there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.total
    }

    /// The largest measurement in microseconds, exactly; 0 without any.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// The mean in microseconds, `None` without measurements.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.total > 0).then(|| self.sum as f64 / self.total as f64)
    }

    /// The value in microseconds that `percent` (0 to 100) of the measurements do not exceed (nearest rank), at most 3.1 %
    /// too high and never above the largest; `None` without measurements.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        let rank = ((percent.clamp(0.0, 100.0) / 100.0 * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(highest(found).min(self.max))
    }
}

/// The bucket of a value.
fn bucket(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let octave = u64::from(micros.ilog2());
    let step = (micros >> (octave - 5)) - STEPS;
    ((((octave - 5) + 1) * STEPS + step) as usize).min(BUCKETS - 1)
}

/// The highest value of a bucket.
fn highest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    if bucket as usize == BUCKETS - 1 {
        return u64::MAX;
    }
    let (octave, step) = (bucket / STEPS - 1, bucket % STEPS);
    ((STEPS + step + 1) << octave) - 1
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
            let index = bucket(value);
            prop_assert!(highest(index) >= value);
            prop_assert!(index == 0 || highest(index - 1) < value);
        }
    }
}
