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

/// The name of the property that holds the caller's name.
const CALLER: &str = "caller";

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();
static RECORDED: AtomicU64 = AtomicU64::new(0);

/// Starts collecting, with the dimensions `stack` and `function`, so that two stacks of one account do not share metrics. Later
/// calls do nothing.
pub fn init(stack: &str, function: &'static str) {
    COLLECTOR.get_or_init(|| match builder(stack, function).init() {
        Ok(collector) => collector,
        Err(error) => panic!("metrics are started once a process: {error}"),
    });
}

/// Returns the builder of the collector, with the namespace and the dimensions of all metrics.
fn builder(stack: &str, function: &'static str) -> Builder {
    Builder::new()
        .cloudwatch_namespace(NAMESPACE)
        .with_dimension("stack", stack.to_owned())
        .with_dimension("function", function)
}

/// Counts a failure of a store: the state table, the queue, the database, objects or secrets. Such a failure says nothing about a
/// model, so that it is never counted among `model_errors`.
pub fn count_store_error() {
    count("store_errors", 1);
}

/// Counts a failure of what scores or embeds: the model in the process, or the service that takes its place.
pub fn count_model_error() {
    count("model_errors", 1);
}

/// Writes the name of the caller beside the next metrics that are written, as a property that is no dimension: logs can be
/// searched for it, and it makes no metric of its own. [`flush`] forgets it.
pub fn set_caller(name: &str) {
    if let Some(collector) = COLLECTOR.get() {
        collector.set_property(CALLER, name);
    }
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
    let Some(collector) = COLLECTOR.get() else {
        return;
    };
    if let Err(error) = collector.flush(std::io::stdout().lock()) {
        tracing::warn!(cause = %WithCauses(&error), "metrics were not written");
    }
    collector.remove_property(CALLER);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_carries_the_stack_and_the_function_and_names_the_caller() {
        init("blue-stack", "data-action");
        count_store_error();
        set_caller("studio");
        let collector = COLLECTOR.get().expect("metrics were started");
        let mut written = Vec::new();
        collector.flush(&mut written).expect("memory takes all");
        let document: serde_json::Value = serde_json::from_slice(&written).expect("JSON");
        let directive = &document["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(
            directive["Dimensions"],
            serde_json::json!([["stack", "function"]])
        );
        assert_eq!(document["stack"], "blue-stack");
        assert_eq!(document["function"], "data-action");
        assert_eq!(document["store_errors"], 1);
        assert_eq!(document["caller"], "studio");
        flush();
        count_model_error();
        let mut written = Vec::new();
        collector.flush(&mut written).expect("memory takes all");
        let document: serde_json::Value = serde_json::from_slice(&written).expect("JSON");
        assert_eq!(document["model_errors"], 1);
        assert!(document.get("caller").is_none(), "{document}");
    }
}
