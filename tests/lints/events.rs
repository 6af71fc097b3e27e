//! The trigger events of `events/`, as far as they can be read without a server.

use testkit::events::{event, event_names, workspace_root};
use testkit::{FUNCTIONS, Trigger};

/// Fewest events that the folder may hold: a check of none would prove nothing.
const MIN_EVENTS: usize = 12;

#[test]
fn every_event_is_an_object_and_names_its_function() {
    let names = event_names();
    let folder = std::fs::read_dir(workspace_root().join("functions")).expect("a folder");
    let functions: Vec<String> = folder
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    for name in &names {
        assert!(event(name).is_object(), "{name} is no JSON object");
        assert!(
            functions.iter().any(|function| name.starts_with(function)),
            "{name} names no function"
        );
    }
    assert!(names.len() >= MIN_EVENTS, "only {} events", names.len());
}

#[test]
fn every_function_has_an_event_of_its_trigger() {
    for function in FUNCTIONS {
        let events: Vec<_> = event_names()
            .into_iter()
            .filter(|name| name.starts_with(function.name))
            .map(|name| event(&name))
            .collect();
        let fits = |event: &serde_json::Value| match function.trigger {
            Trigger::Http => event.get("requestContext").is_some(),
            Trigger::Queue => event.get("Records").is_some(),
            Trigger::Schedule => event["source"] == "aws.events",
            Trigger::Operator => event["task"].is_string(),
        };
        assert!(
            events.iter().any(fits),
            "{} has no event of its trigger, {:?}",
            function.name,
            function.trigger
        );
    }
}
