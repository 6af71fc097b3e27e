//! Message latency: the time from sending to receiving a message, compared with the service level.

use std::time::Duration;

use super::histogram::Histogram;

/// The default service level: a message is to be received within this time after it was sent.
pub const DEFAULT_SERVICE_LEVEL: Duration = Duration::from_millis(2000);

/// The latency of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Time from sending to receiving; zero if the message is [`skewed`](Self::skewed).
    pub duration: Duration,
    /// Whether the latency exceeds the service level.
    pub breached: bool,
    /// Whether the message was received before it was sent: the two clocks differ, and the latency is unknown.
    pub skewed: bool,
}

/// The latencies of a session in bounded memory.
#[derive(Debug, Clone)]
pub struct SlaTracker {
    service_level: Duration,
    histogram: Histogram,
    breaches: u64,
    skewed: u64,
}

/// Counts and percentiles of the latencies of a session. Times are in milliseconds, and `None` without a measurement.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct SlaSummary {
    /// Number of messages with a known latency.
    pub messages: u64,
    /// Number of these messages that exceeded the service level.
    pub breaches: u64,
    /// Number of messages with an unknown latency, because they were received before they were sent.
    pub skewed: u64,
    /// Latency that half of the messages do not exceed.
    pub p50_ms: Option<f64>,
    /// Latency that 95 % of the messages do not exceed.
    pub p95_ms: Option<f64>,
    /// Latency that 99 % of the messages do not exceed.
    pub p99_ms: Option<f64>,
    /// Largest latency of all messages.
    pub max_ms: Option<f64>,
}

impl SlaTracker {
    /// Creates a tracker for a service level, normally [`DEFAULT_SERVICE_LEVEL`].
    #[must_use]
    pub fn new(service_level: Duration) -> Self {
        Self {
            service_level,
            histogram: Histogram::default(),
            breaches: 0,
            skewed: 0,
        }
    }

    /// Records the latency of a message from its two wall-clock times in milliseconds since the epoch.
    ///
    /// A message that was received before it was sent is counted as skewed and left out of the percentiles: counting its
    /// latency as 0 would make the percentiles look better than they are.
    pub fn record(&mut self, sent_ms: i64, received_ms: i64) -> Latency {
        let Ok(millis) = u64::try_from(received_ms.saturating_sub(sent_ms)) else {
            self.skewed += 1;
            return Latency {
                duration: Duration::ZERO,
                breached: false,
                skewed: true,
            };
        };
        let duration = Duration::from_millis(millis);
        let breached = duration > self.service_level;
        self.histogram.record(millis.saturating_mul(1000));
        self.breaches += u64::from(breached);
        Latency {
            duration,
            breached,
            skewed: false,
        }
    }

    /// Returns the counts and percentiles of all messages so far.
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
        let mut sla = SlaTracker::new(DEFAULT_SERVICE_LEVEL);
        assert_eq!(
            sla.record(0, 2000),
            Latency {
                duration: DEFAULT_SERVICE_LEVEL,
                breached: false,
                skewed: false
            }
        );
        assert!(sla.record(0, 2001).breached);
        let summary = sla.summary();
        assert_eq!((summary.messages, summary.breaches), (2, 1));
    }

    #[test]
    fn a_sender_whose_clock_runs_ahead_does_not_flatter_the_percentiles() {
        let mut sla = SlaTracker::new(DEFAULT_SERVICE_LEVEL);
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
        let mut sla = SlaTracker::new(DEFAULT_SERVICE_LEVEL);
        assert!(sla.record(i64::MIN, i64::MAX).breached);
        assert!(sla.record(i64::MAX, i64::MIN).skewed);
        assert_eq!(sla.summary().breaches, 1);
    }

    #[test]
    fn percentiles_of_an_empty_session_are_unknown() {
        let summary = SlaTracker::new(DEFAULT_SERVICE_LEVEL).summary();
        assert_eq!(
            (summary.p50_ms, summary.max_ms, summary.messages),
            (None, None, 0)
        );
    }
}
