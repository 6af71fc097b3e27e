//! What a store can fail with; each variant is a different decision for the caller.

/// An error of any store. Messages name keys and resources, never values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The expectation of a conditional write did not hold: somebody else wrote first. Read again and decide anew.
    #[error("another writer was first at {key}")]
    Conflict {
        /// The item or object, as `partition/sort` or a path.
        key: String,
    },
    /// The thing does not exist where it must (a table, bucket, queue or secret): configuration, not a retry.
    #[error("{what} does not exist or cannot be used")]
    Missing {
        /// Which resource.
        what: String,
    },
    /// What is stored cannot be read as what was asked for.
    #[error("{what} holds something unreadable")]
    Corrupt {
        /// Which item, object or secret.
        what: String,
        /// The parser's complaint.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What the caller asked to store breaks a limit of the store.
    #[error("{what}: {limit}")]
    Limit {
        /// Which item, object or message.
        what: String,
        /// What is allowed.
        limit: String,
    },
    /// The store was out of reach, throttled or broken: the same call may go through later.
    #[error("{store} did not answer {operation}")]
    Unavailable {
        /// Which store.
        store: &'static str,
        /// The operation that failed.
        operation: &'static str,
        /// The client's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// Whether the same call may succeed later without a change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
