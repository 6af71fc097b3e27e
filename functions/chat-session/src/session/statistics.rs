//! The statistics of a session.

use std::time::Duration;

use insights_core::chat::frame::{Malformed, MalformedCounts};
use insights_core::chat::histogram::Histogram;
use insights_core::chat::message::Message;
use insights_core::chat::sla::{Latency, SlaSummary, SlaTracker};
use insights_core::chat::stored_message::Via;
use runtime::metrics;
use tokio::time::Instant;

/// Shortest time between two log lines about breaches of the service level. All breaches are counted.
const BREACH_LOG_INTERVAL: Duration = Duration::from_secs(1);

/// Counts and latencies of the messages of a session.
#[derive(Debug)]
pub(super) struct SessionStatistics {
    pub(super) messages: u64,
    pub(super) recovered: u64,
    pub(super) duplicates: u64,
    pub(super) malformed: MalformedCounts,
    sla: SlaTracker,
    processing_time: Histogram,
    last_breach_log: Option<Instant>,
}

impl SessionStatistics {
    /// Creates empty statistics with a service level for message latency.
    pub(super) fn new(service_level: Duration) -> Self {
        Self {
            messages: 0,
            recovered: 0,
            duplicates: 0,
            malformed: MalformedCounts::default(),
            sla: SlaTracker::new(service_level),
            processing_time: Histogram::default(),
            last_breach_log: None,
        }
    }

    /// Counts a new message.
    pub(super) fn count_message(&mut self, via: Via) {
        match via {
            Via::Recovered => self.recovered += 1,
            Via::Stream | Via::Outbound => self.messages += 1,
        }
        metrics::count("chat_messages", 1);
    }

    /// Counts and logs a malformed frame.
    pub(super) fn count_malformed(&mut self, agent: &str, reason: &Malformed) {
        self.malformed.count(reason);
        metrics::count("chat_malformed", 1);
        tracing::warn!(agent_id = agent, %reason, "a malformed frame was skipped");
    }

    /// Records the latency of a message that was received at `received_ms`, and logs a breach of the service level.
    pub(super) fn record_latency(
        &mut self,
        agent: &str,
        message: &Message,
        received_ms: i64,
    ) -> Latency {
        let latency = self.sla.record(message.timestamp_ms, received_ms);
        if latency.breached {
            metrics::count("sla_breaches", 1);
            if self
                .last_breach_log
                .is_none_or(|logged| logged.elapsed() >= BREACH_LOG_INTERVAL)
            {
                self.last_breach_log = Some(Instant::now());
                tracing::warn!(
                    agent_id = agent,
                    conversation_id = message.conversation_id,
                    latency_ms = latency.duration.as_millis(),
                    breaches = self.sla.summary().breaches,
                    "a message exceeded the service level"
                );
            }
        }
        latency
    }

    /// Records how long ago a message that has now been processed was received.
    pub(super) fn record_processing(&mut self, received_at: Instant) {
        let micros = u64::try_from(received_at.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.processing_time.record(micros);
    }

    /// Returns counts and percentiles of message latency.
    pub(super) fn sla(&self) -> SlaSummary {
        self.sla.summary()
    }

    /// Returns the 50th, 95th and 99th percentile and the maximum of the processing time in milliseconds.
    pub(super) fn processing_ms(&self) -> [Option<f64>; 4] {
        [50.0, 95.0, 99.0, 100.0].map(|percent| {
            self.processing_time
                .percentile(percent)
                .map(|micros| micros as f64 / 1000.0)
        })
    }
}
