//! The trigger events of `events/`.

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::programs::FUNCTIONS;
use runtime::Request;
use serde_json::Value;

/// An event by its file's name.
pub(crate) fn event(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../events")
        .join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The HTTP request of an event, due in 30 seconds.
pub(crate) fn request(name: &str) -> Request {
    Request::from_event(&event(name), Instant::now() + Duration::from_secs(30))
        .expect("an HTTP event")
}

#[test]
fn every_event_is_json_and_names_its_function() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the events") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name");
        if name.ends_with(".json") {
            assert!(event(&name).is_object(), "{name}");
            assert!(
                FUNCTIONS.iter().any(|function| name.starts_with(function)),
                "{name} names no function"
            );
            seen += 1;
        }
    }
    assert!(seen >= 12, "{seen} events");
}
