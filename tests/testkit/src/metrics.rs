//! The metrics that the code under test records.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, LocalRecorderGuard,
    Metadata, Recorder, SharedString, Unit,
};

/// The values that were recorded, by the name of the metric.
type Values = Arc<Mutex<BTreeMap<String, Vec<f64>>>>;

/// The metrics of one thread, and so of one test with a runtime of one thread. Clones share the values.
#[derive(Debug, Clone, Default)]
pub struct CapturedMetrics {
    values: Values,
}

impl CapturedMetrics {
    /// Captures what the current thread records until the guard is dropped.
    #[must_use]
    pub fn capture_here(&self) -> LocalRecorderGuard<'_> {
        metrics::set_default_local_recorder(self)
    }

    /// Returns the values of a metric in the order in which they were recorded; those of a counter are its increments.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<f64> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.get(name).cloned().unwrap_or_default()
    }

    /// Returns the sum of a metric's values, which is what a counter stands at.
    #[must_use]
    pub fn total(&self, name: &str) -> f64 {
        self.values(name).iter().sum()
    }

    fn metric(&self, key: &Key) -> Arc<Metric> {
        Arc::new(Metric {
            name: key.name().to_owned(),
            values: Arc::clone(&self.values),
        })
    }
}

impl Recorder for CapturedMetrics {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.metric(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.metric(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.metric(key))
    }
}

/// A metric, which keeps each of its values.
struct Metric {
    name: String,
    values: Values,
}

impl Metric {
    fn push(&self, value: f64) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.entry(self.name.clone()).or_default().push(value);
    }
}

impl CounterFn for Metric {
    fn increment(&self, by: u64) {
        self.push(by as f64);
    }

    fn absolute(&self, value: u64) {
        self.push(value as f64);
    }
}

impl GaugeFn for Metric {
    fn increment(&self, by: f64) {
        self.push(by);
    }

    fn decrement(&self, by: f64) {
        self.push(-by);
    }

    fn set(&self, value: f64) {
        self.push(value);
    }
}

impl HistogramFn for Metric {
    fn record(&self, value: f64) {
        self.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_records_is_captured_until_the_guard_is_dropped() {
        let captured = CapturedMetrics::default();
        let guard = captured.capture_here();
        metrics::counter!("parcels").increment(2);
        metrics::counter!("parcels").increment(3);
        metrics::histogram!("weight").record(1.5);
        metrics::gauge!("waiting").set(4.0);
        drop(guard);
        metrics::counter!("parcels").increment(100);
        assert_eq!(captured.values("parcels"), [2.0, 3.0]);
        assert_eq!(captured.total("parcels"), 5.0);
        assert_eq!(captured.values("weight"), [1.5]);
        assert_eq!(captured.values("waiting"), [4.0]);
        assert_eq!(captured.total("letters"), 0.0);
    }
}
