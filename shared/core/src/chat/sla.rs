//! How long messages took from being sent to being received, against the service level.

use std::time::Duration;

use super::histogram::Histogram;

/// The contract's service level: a message arrives within this time of being sent.
pub const SLA: Duration = Duration::from_millis(2000);

/// One message's latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// From send to receive; zero where the sender's clock runs ahead of ours.
    pub took: Duration,
    /// Whether it exceeded the service level.
    pub breach: bool,
    /// Whether the message claims to be sent after it was received: the clocks differ, the latency is unknown.
    pub skewed: bool,
}

/// Latencies of a session in bounded memory.
#[derive(Debug, Clone)]
pub struct SlaTracker {
    level: Duration,
    histogram: Histogram,
    breaches: u64,
    skewed: u64,
}

/// What the latencies of a session amount to. Times are in milliseconds; `None` without a measurement.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct SlaSummary {
    /// Messages measured.
    pub messages: u64,
    /// Of these, later than the service level.
    pub breaches: u64,
    /// Messages not measured, as they were received before they were sent.
    pub skewed: u64,
    /// Half of the messages took no longer.
    pub p50_ms: Option<f64>,
    /// 95 % of the messages took no longer.
    pub p95_ms: Option<f64>,
    /// 99 % of the messages took no longer.
    pub p99_ms: Option<f64>,
    /// The slowest.
    pub max_ms: Option<f64>,
}

impl SlaTracker {
    /// A tracker of this service level; normally [`SLA`].
    #[must_use]
    pub fn new(level: Duration) -> Self {
        Self {
            level,
            histogram: Histogram::default(),
            breaches: 0,
            skewed: 0,
        }
    }

    /// Measures a message by its two wall-clock times in milliseconds since the epoch.
    ///
    /// A message from the future is counted as skewed and kept out of the percentiles: taking it as 0 would flatter them.
    pub fn record(&mut self, sent_ms: i64, received_ms: i64) -> Latency {
        let Ok(millis) = u64::try_from(received_ms.saturating_sub(sent_ms)) else {
            self.skewed += 1;
            return Latency {
                took: Duration::ZERO,
                breach: false,
                skewed: true,
            };
        };
        let took = Duration::from_millis(millis);
        let breach = took > self.level;
        self.histogram.record(millis.saturating_mul(1000));
        self.breaches += u64::from(breach);
        Latency {
            took,
            breach,
            skewed: false,
        }
    }

    /// The counts and percentiles so far.
    #[must_use]
    pub fn summary(&self) -> SlaSummary {
        let ms = |percent| {
            self.histogram
                .percentile(percent)
                .map(|micros| micros as f64 / 1000.0)
        };
        SlaSummary {
            messages: self.histogram.count(),
            breaches: self.breaches,
            skewed: self.skewed,
            p50_ms: ms(50.0),
            p95_ms: ms(95.0),
            p99_ms: ms(99.0),
            max_ms: (self.histogram.count() > 0).then(|| self.histogram.max() as f64 / 1000.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_just_in_time_is_no_breach_and_one_later_is() {
        let mut sla = SlaTracker::new(SLA);
        assert_eq!(
            sla.record(0, 2000),
            Latency {
                took: SLA,
                breach: false,
                skewed: false
            }
        );
        assert!(sla.record(0, 2001).breach);
        let summary = sla.summary();
        assert_eq!((summary.messages, summary.breaches), (2, 1));
    }

    #[test]
    fn a_sender_whose_clock_runs_ahead_does_not_flatter_the_percentiles() {
        let mut sla = SlaTracker::new(SLA);
        assert!(sla.record(10_000, 9_000).skewed);
        sla.record(0, 100);
        let summary = sla.summary();
        assert_eq!(
            (summary.messages, summary.skewed, summary.max_ms),
            (1, 1, Some(100.0))
        );
        assert!(summary.p50_ms.unwrap() >= 100.0);
    }

    #[test]
    fn absurd_times_neither_panic_nor_disappear() {
        let mut sla = SlaTracker::new(SLA);
        assert!(sla.record(i64::MIN, i64::MAX).breach);
        assert!(sla.record(i64::MAX, i64::MIN).skewed);
        assert_eq!(sla.summary().breaches, 1);
    }

    #[test]
    fn percentiles_of_an_empty_session_are_unknown() {
        let summary = SlaTracker::new(SLA).summary();
        assert_eq!(
            (summary.p50_ms, summary.max_ms, summary.messages),
            (None, None, 0)
        );
    }
}
