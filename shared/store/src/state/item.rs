//! Items and their keys, and what a write expects of the item that it replaces.

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

/// Largest size of a partition key or a sort key, in bytes.
pub const KEY_MAX_BYTES: usize = 512;
/// Largest size of a body, in bytes; DynamoDB's items have 400 KB with their names and keys.
pub const BODY_MAX_BYTES: usize = 350 * 1024;

/// Where an item lives: the items of one partition are listed together, ordered by the bytes of their sort keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The partition key, e.g. `token#…` or `interaction#42`; at most 512 bytes.
    pub partition: String,
    /// The sort key, e.g. `state`; at most 512 bytes.
    pub sort: String,
}

impl Key {
    /// Builds a key of a partition key and a sort key.
    pub fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self {
            partition: partition.into(),
            sort: sort.into(),
        }
    }

    /// Checks that both parts have an allowed length.
    #[cfg(any(feature = "aws", feature = "embedded"))]
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (part, value) in [("partition", &self.partition), ("sort", &self.sort)] {
            if value.is_empty() || value.len() > KEY_MAX_BYTES {
                // The start of an overlong key identifies it well enough.
                let key: String = self.to_string().chars().take(80).collect();
                let limit = format!(
                    "the {part} key has {} bytes, allowed are 1 to {KEY_MAX_BYTES}",
                    value.len()
                );
                return Err(Error::limit(key, limit));
            }
        }
        Ok(())
    }

    /// Builds the error of a conditional write at this key that another writer preceded.
    #[cfg(any(feature = "aws", feature = "embedded"))]
    pub(crate) fn conflict(&self) -> Error {
        Error::Conflict {
            key: self.to_string(),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.partition, self.sort)
    }
}

/// One item as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where the item lives.
    pub key: Key,
    /// The JSON text of the item, at most 350 KB.
    pub body: String,
    /// An opaque number that is drawn at random for each write, so that an item that was deleted and written again never
    /// looks unchanged, and a writer whose answer was lost can recognize its own write.
    pub version: u64,
    /// The moment at which the item ceases to exist, if ever; whole seconds.
    pub expires_at: Option<Timestamp>,
}

impl Item {
    /// Decodes the body as a `T`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the body is not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.body).map_err(|source| Error::Corrupt {
            what: self.key.to_string(),
            source: Box::new(source),
        })
    }
}

/// What must be true of the stored item for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing is expected: the last writer wins.
    Any,
    /// There is no such item, or one that has expired.
    Absent,
    /// The item exists and has this version.
    Version(u64),
}

/// A write: the new body of an item and its expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Where the item is written.
    pub key: Key,
    /// The JSON text of the item.
    pub body: String,
    /// The moment at which the item ceases to exist; rounded up to a whole second.
    pub expires_at: Option<Timestamp>,
}

impl Put {
    /// Builds a write of a value as JSON.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the value cannot be written as JSON.
    pub fn encode(
        key: Key,
        value: &impl Serialize,
        expires_at: Option<Timestamp>,
    ) -> Result<Self, Error> {
        let body = serde_json::to_string(value).map_err(|source| Error::Corrupt {
            what: key.to_string(),
            source: Box::new(source),
        })?;
        Ok(Self {
            key,
            body,
            expires_at,
        })
    }

    /// Checks that key and body have an allowed length.
    #[cfg(any(feature = "aws", feature = "embedded"))]
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.key.check()?;
        if self.body.len() <= BODY_MAX_BYTES {
            return Ok(());
        }
        let limit = format!(
            "the body has {} bytes, allowed are {BODY_MAX_BYTES}",
            self.body.len()
        );
        Err(Error::limit(self.key.to_string(), limit))
    }
}

/// Returns an expiry in whole seconds, rounded up: an item never ceases to exist before its time.
#[cfg(any(feature = "aws", feature = "embedded"))]
pub(super) fn epoch_seconds(at: Timestamp) -> i64 {
    at.as_second() + i64::from(at.subsec_nanosecond() > 0)
}

/// Returns whether an item with this expiry exists at `now`.
#[cfg(feature = "aws")]
pub(super) fn is_live_at(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_none_or(|at| at > now)
}

/// Draws a version that no other write has: 64 bits of a random UUID.
#[cfg(any(feature = "aws", feature = "embedded"))]
pub(super) fn new_version() -> u64 {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    // Each half of a UUID has a few fixed bits, at different places.
    high ^ low
}
