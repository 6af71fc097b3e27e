//! The Data Actions that were registered.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// The registered Data Actions in the order of registration.
#[derive(Debug, Default)]
pub struct State(Mutex<Vec<Value>>);

impl State {
    /// Returns the registered Data Actions, each with its `id`.
    #[must_use]
    pub fn all(&self) -> Vec<Value> {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
