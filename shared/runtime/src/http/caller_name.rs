//! The name of a request's caller, which is learned while the request is handled and written where it ends.

use std::sync::{Arc, OnceLock};

/// The name of a request's caller, such as `studio`; never a key. Clones share the name.
#[derive(Debug, Clone, Default)]
pub struct CallerName(Arc<OnceLock<String>>);

impl CallerName {
    /// Sets the name of the caller. A name that is set already stays.
    pub fn set(&self, name: &str) {
        let _already_set = self.0.set(name.to_owned());
    }

    /// Returns the name, if the caller has proven itself.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}
