//! What is logged at which level, and the form of a line.

use std::io::Write;
use std::sync::{Arc, Mutex};

use insights_core::WithCauses;
use serde_json::Value;

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Returns the text that is logged under a filter.
fn logged(format: Format, filter: &str, work: impl FnOnce()) -> String {
    let lines = Lines::default();
    let subscriber = subscriber(format, filter, lines.clone());
    tracing::subscriber::with_default(subscriber, work);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn log_as_libraries_do() {
    tracing::debug!(target: "tokio_postgres::query", "executing statement s7 with parameters: canary");
    tracing::trace!(target: "tungstenite::protocol", "received frame canary");
    tracing::trace!(target: "hyper::proto::h1::io", "authorization: Bearer canary");
    tracing::info!(target: "some_library_of_next_year", "the text was canary");
    tracing::warn!(target: "hyper::proto", "the connection was lost");
}

#[test]
fn libraries_stay_at_warn_whatever_the_filter_says() {
    let filters = [
        "trace",
        "debug",
        "debug,hyper=warn,aws=warn",
        "tokio_postgres=trace,tungstenite=trace,hyper=trace,info",
        DEFAULT_LOG_FILTER,
    ];
    for format in [Format::Json, Format::Human] {
        for filter in filters {
            let text = logged(format, filter, log_as_libraries_do);
            assert!(!text.contains("canary"), "{filter}: {text}");
            assert!(text.contains("the connection was lost"), "{filter}: {text}");
        }
    }
}

#[test]
fn own_modules_are_heard_at_the_level_that_is_set() {
    let work = || {
        tracing::debug!("one's own debug line");
        tracing::trace!("one's own trace line");
    };
    let text = logged(Format::Json, "debug", work);
    assert!(
        text.contains("debug line") && !text.contains("trace line"),
        "{text}"
    );
    assert!(logged(Format::Json, "trace", work).contains("trace line"));
    assert_eq!(logged(Format::Json, "info", work), "");
}

#[test]
fn a_line_is_a_flat_object_with_the_fields_of_its_spans() {
    let text = logged(Format::Json, "info", || {
        let request = tracing::error_span!(
            "request",
            request_id = "r-1",
            caller = tracing::field::Empty
        );
        request.in_scope(|| {
            request.record("caller", "studio");
            let inner = tracing::info_span!("inner", attempt = 1, request_id = "r-1");
            inner.in_scope(|| {
                let cause = std::io::Error::other("disk full");
                tracing::warn!(attempt = 2, share = 0.5, late = true, cause = %WithCauses(&cause), "the write failed once");
            });
        });
    });
    let mut line: Value = serde_json::from_str(&text).unwrap();
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    line["timestamp"] = "now".into();
    assert_eq!(
        line.to_string(),
        r#"{"timestamp":"now","level":"WARN","message":"the write failed once","caller":"studio","request_id":"r-1","attempt":2,"share":0.5,"late":true,"cause":"disk full","target":"runtime::telemetry::tests"}"#
    );
}

#[test]
fn a_request_is_named_in_lines_of_every_level() {
    let text = logged(Format::Json, "warn", || {
        let span = tracing::error_span!("request", request_id = "r-1");
        span.in_scope(|| tracing::error!("the request failed"));
    });
    assert!(text.contains(r#""request_id":"r-1""#), "{text}");
}

#[test]
fn every_crate_of_the_workspace_is_an_own_module() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut found = 0;
    for folder in ["functions", "shared", "infra"] {
        for entry in std::fs::read_dir(format!("{root}/{folder}")).unwrap() {
            let manifest = entry.unwrap().path().join("Cargo.toml");
            let Ok(text) = std::fs::read_to_string(&manifest) else {
                continue;
            };
            let name = text.lines().find_map(|line| line.strip_prefix("name = "));
            let module = name.expect("a name").trim_matches('"').replace('-', "_");
            assert!(
                OWN_MODULES.contains(&module.as_str()),
                "{module} is not among the modules that may log below warn"
            );
            found += 1;
        }
    }
    assert!(found >= 18, "only {found} crates were found");
}

#[test]
fn a_panic_says_what_is_constant_and_nothing_that_was_put_together() {
    let message = |panic: fn()| constant_message(&*std::panic::catch_unwind(panic).unwrap_err());
    assert_eq!(message(|| panic!("no number")), "no number");
    let cut = message(|| {
        let text = "4111 1111 é".to_owned();
        let _cut = &text[..text.len() - 1];
    });
    assert!(!cut.contains("4111"), "{cut}");
}
