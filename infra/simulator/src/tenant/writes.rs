//! What clients wrote to the contact lists of a simulated tenant, kept for assertions.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

/// One call that changes something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Write {
    /// What was done: `signal`, `agent-message`, `tags`, `work-item` or `disposition`.
    pub kind: String,
    /// Number of the contact; 0 for what concerns no contact.
    pub contact: i64,
    /// Body of the call, or its query as an object.
    pub content: Value,
}

/// The calls that changed something, in order.
#[derive(Debug, Default)]
pub struct Writes(Mutex<Vec<Write>>);

impl Writes {
    /// Returns the calls so far.
    #[must_use]
    pub fn all(&self) -> Vec<Write> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn add(&self, kind: &str, contact: i64, content: Value) {
        let write = Write {
            kind: kind.to_owned(),
            contact,
            content,
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(write);
    }
}
