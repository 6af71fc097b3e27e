//! Metrics in CloudWatch's embedded metric format: a JSON line on standard output that CloudWatch turns into metrics.
//!
//! Functions record with the `metrics` facade (`metrics::counter!`, `metrics::histogram!`); names say what is counted
//! and carry a unit where there is one (`latency_ms`). Histograms keep their values, so CloudWatch computes p50, p95 and
//! p99 over all instances: nothing is averaged inside a process, and nothing is lost when instances come and go.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use insights_core::WithCauses;
use metrics_cloudwatch_embedded::{Builder, Collector};

/// The CloudWatch namespace of all the product's metrics.
pub const NAMESPACE: &str = "cxone-insights";

/// A document of the format holds at most 100 values of a metric; flushing earlier keeps every value.
const VALUES_BEFORE_FLUSH: u64 = 90;

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();
static RECORDED: AtomicU64 = AtomicU64::new(0);

/// Starts collecting, with the function's name as the dimension `function`. Later calls do nothing.
pub fn init(function: &'static str) {
    COLLECTOR.get_or_init(|| {
        match Builder::new()
            .cloudwatch_namespace(NAMESPACE)
            .with_dimension("function", function)
            .init()
        {
            Ok(collector) => collector,
            Err(error) => panic!("metrics are started once a process: {error}"),
        }
    });
}

/// Adds to a counter.
pub fn count(name: &'static str, by: u64) {
    metrics::counter!(name).increment(by);
}

/// Adds a value to a histogram, e.g. a latency in milliseconds.
pub fn observe(name: &'static str, value: f64) {
    if RECORDED.fetch_add(1, Ordering::Relaxed) >= VALUES_BEFORE_FLUSH {
        flush();
    }
    metrics::histogram!(name).record(value);
}

/// Sets a gauge to a value.
pub fn gauge(name: &'static str, value: f64) {
    metrics::gauge!(name).set(value);
}

/// Writes what was recorded since the last flush to standard output, if anything. Lambda calls it after each invocation.
pub fn flush() {
    RECORDED.store(0, Ordering::Relaxed);
    if let Some(collector) = COLLECTOR.get()
        && let Err(error) = collector.flush(std::io::stdout().lock())
    {
        tracing::warn!(cause = %WithCauses(&error), "metrics were not written");
    }
}
