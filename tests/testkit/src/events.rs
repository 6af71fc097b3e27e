//! The trigger events of the folder `events/`.

use std::path::PathBuf;

use serde_json::Value;

/// Returns the root folder of the workspace.
#[must_use]
pub fn workspace_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the path of a file of `events/`.
#[must_use]
pub fn event_path(file: &str) -> PathBuf {
    workspace_root().join("events").join(file)
}

/// Returns the trigger event of a file of `events/`.
///
/// # Panics
/// If the file does not exist or holds no JSON.
#[must_use]
pub fn event(file: &str) -> Value {
    let path = event_path(file);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the names of all trigger events, sorted.
///
/// # Panics
/// If the folder cannot be read.
#[must_use]
pub fn event_names() -> Vec<String> {
    let folder = workspace_root().join("events");
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    names
}
