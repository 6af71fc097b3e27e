//! What a call of a store can fail with; each variant is a different decision for the caller.

/// The error underneath, as the client, the parser or the operating system reported it.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error of any store. Messages name keys and resources, never values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The expectation of a conditional write did not hold, because another writer was first: the caller reads again and
    /// decides anew.
    #[error("write conflict at {key}: another writer was first")]
    Conflict {
        /// The item or object, as `partition/sort` or a path.
        key: String,
    },
    /// A table, bucket, queue, file or secret does not exist or may not be used. An operator must correct the
    /// configuration; a retry does not help.
    #[error("{what} does not exist or cannot be used")]
    Missing {
        /// The resource that is missing.
        what: String,
        /// What the service or the operating system said, if it was asked.
        #[source]
        source: Option<Cause>,
    },
    /// The stored content cannot be read as the type that was asked for.
    #[error("{what} holds unreadable content")]
    Corrupt {
        /// The item, object or secret that cannot be read.
        what: String,
        /// The error of the parser.
        #[source]
        source: Cause,
    },
    /// The content that the caller asked to store breaks a limit of the store.
    #[error("{what}: {limit}")]
    Limit {
        /// The item, object or message that was refused.
        what: String,
        /// What the store allows.
        limit: String,
        /// What the service said, if the store did not refuse the content by itself.
        #[source]
        source: Option<Cause>,
    },
    /// The store was out of reach, throttled or broken: the same call may succeed later.
    #[error("{store} did not answer {operation}")]
    Unavailable {
        /// The store that was called.
        store: &'static str,
        /// The operation that failed.
        operation: &'static str,
        /// The error of the client.
        #[source]
        source: Cause,
    },
}

impl Error {
    /// Returns whether the same call may succeed later without a change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Builds [`Error::Missing`] for a resource that was not asked for anything.
    pub(crate) fn missing(what: impl Into<String>) -> Self {
        Self::Missing {
            what: what.into(),
            source: None,
        }
    }

    /// Builds [`Error::Missing`] with the error that says so.
    #[cfg(any(
        feature = "aws",
        feature = "queue",
        feature = "objects",
        feature = "embedded",
        feature = "vectors"
    ))]
    pub(crate) fn missing_with(what: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Missing {
            what: what.into(),
            source: Some(cause.into()),
        }
    }

    /// Builds [`Error::Limit`] for content that the store itself refused.
    pub(crate) fn limit(what: impl Into<String>, limit: impl Into<String>) -> Self {
        Self::Limit {
            what: what.into(),
            limit: limit.into(),
            source: None,
        }
    }
}
