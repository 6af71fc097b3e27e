//! The gauges of all sessions of a process. Each session knows its own figures only, and a gauge has one value for the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtime::metrics;

/// The figures of one session.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SessionFigures {
    /// Number of conversations that have not ended.
    pub active: usize,
    /// Number of messages that wait in memory.
    pub waiting: usize,
    /// The 99th percentile of the time from sending to receiving a message, in milliseconds.
    pub latency_p99_ms: f64,
}

/// The figures of all sessions of the process, by agent.
#[derive(Debug, Clone, Default)]
pub struct SessionGauges(Arc<Mutex<HashMap<String, SessionFigures>>>);

impl SessionGauges {
    /// Sets the figures of an agent's session, and reports those of all sessions together: sums, and the worst latency.
    pub fn report(&self, agent: &str, figures: SessionFigures) {
        let total = {
            let mut sessions = self.lock();
            sessions.insert(agent.to_owned(), figures);
            total(&sessions)
        };
        metrics::gauge("chat_active", total.active as f64);
        metrics::gauge("chat_waiting", total.waiting as f64);
        metrics::gauge("message_latency_p99_ms", total.latency_p99_ms);
        metrics::flush();
    }

    /// Removes the figures of a session that has ended.
    pub fn remove(&self, agent: &str) {
        self.lock().remove(agent);
    }

    /// Returns the figures of all sessions together.
    #[must_use]
    pub fn total(&self) -> SessionFigures {
        total(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, SessionFigures>> {
        // The map is whole whatever a panicking thread did.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn total(sessions: &HashMap<String, SessionFigures>) -> SessionFigures {
    sessions
        .values()
        .fold(SessionFigures::default(), |sum, session| SessionFigures {
            active: sum.active + session.active,
            waiting: sum.waiting + session.waiting,
            latency_p99_ms: sum.latency_p99_ms.max(session.latency_p99_ms),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_summed_and_the_worst_latency_counts() {
        let gauges = SessionGauges::default();
        let figures = |active, latency_p99_ms| SessionFigures {
            active,
            waiting: 1,
            latency_p99_ms,
        };
        gauges.report("agent-1", figures(2, 90.0));
        gauges.report("agent-2", figures(3, 40.0));
        gauges.report("agent-2", figures(4, 50.0));
        assert_eq!(
            gauges.total(),
            SessionFigures {
                active: 6,
                waiting: 2,
                latency_p99_ms: 90.0
            }
        );
        gauges.remove("agent-1");
        assert_eq!(gauges.total(), figures(4, 50.0));
    }
}
