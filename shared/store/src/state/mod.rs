//! State: small JSON items under a partition and a sort key, with versions, conditional writes and expiry.
//!
//! One table holds tokens, leases, interactions, idempotency marks and waiting messages. An item whose expiry has
//! passed does not exist, whether or not the store has deleted it yet (DynamoDB deletes late).

#[cfg(feature = "aws")]
mod dynamo;
pub mod lease;
#[cfg(feature = "embedded")]
mod sqlite;

#[cfg(feature = "aws")]
pub use dynamo::{Capacity, DynamoState, TABLE_ATTRIBUTES};
#[cfg(feature = "embedded")]
pub use sqlite::SqliteState;

use std::future::Future;

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

/// Bytes that a partition or a sort key may have.
pub const KEY_MAX_BYTES: usize = 512;
/// Bytes that a body may have; DynamoDB's items have 400 KB with their names and keys.
pub const BODY_MAX_BYTES: usize = 350 * 1024;

/// Where an item lives: items of one partition are listed together, ordered by the sort key's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The partition, e.g. `token#…` or `interaction#42`; at most 512 bytes.
    pub partition: String,
    /// The sort key, e.g. `state`; at most 512 bytes.
    pub sort: String,
}

impl Key {
    /// A key of a partition and a sort key.
    pub fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self {
            partition: partition.into(),
            sort: sort.into(),
        }
    }

    /// Whether both parts have an allowed length.
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

/// A stored item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it lives.
    pub key: Key,
    /// Its JSON text, at most 350 KB.
    pub body: String,
    /// Opaque: drawn anew at random for each write, so that an item that was deleted and written again never looks
    /// unchanged, and a writer whose answer was lost can recognise its own write.
    pub version: u64,
    /// When it ceases to exist, if ever; whole seconds.
    pub expires_at: Option<Timestamp>,
}

impl Item {
    /// The body as a `T`.
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

/// What must be true of the item for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: the last writer wins.
    Any,
    /// No such item, or one that has expired.
    Absent,
    /// The item is there and has this version.
    Version(u64),
}

/// A write: the item's new body and expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Where.
    pub key: Key,
    /// The JSON text.
    pub body: String,
    /// When it ceases to exist; rounded up to a whole second.
    pub expires_at: Option<Timestamp>,
}

impl Put {
    /// A write of a value as JSON.
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

    /// Whether key and body have an allowed length.
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

/// Whole seconds of an expiry, rounded up: an item never goes before its time.
#[cfg(any(feature = "aws", feature = "embedded"))]
fn epoch_seconds(at: Timestamp) -> i64 {
    at.as_second() + i64::from(at.subsec_nanosecond() > 0)
}

/// Whether an item with this expiry exists at `now`.
#[cfg(feature = "aws")]
fn live_at(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_none_or(|at| at > now)
}

/// A version that no other write has: 64 bits of a random UUID.
#[cfg(any(feature = "aws", feature = "embedded"))]
fn new_version() -> u64 {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    // Each half has a few fixed bits at different places.
    high ^ low
}

/// The state store.
pub trait StateStore: Send + Sync {
    /// The item, if it exists at `now`. Strongly consistent.
    fn get(
        &self,
        key: &Key,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Item>, Error>> + Send;

    /// Writes one item if the expectation holds; returns its new version.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the expectation does not hold. After [`Error::Unavailable`] the write may have happened:
    /// the caller reads again. A retry inside the store never mistakes its own first try for another writer.
    fn put(
        &self,
        put: Put,
        expect: Expect,
        now: Timestamp,
    ) -> impl Future<Output = Result<u64, Error>> + Send;

    /// Writes many items without conditions, in as few round trips as the store allows (25 items each on DynamoDB).
    /// Not atomic: after an error some may be written, so write the same again.
    fn put_many(
        &self,
        puts: Vec<Put>,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Deletes the item if the expectation holds; an item already gone is success unless a version was expected.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the expectation does not hold. With a version, it is also the answer if the first try of
    /// a retry inside the store did delete the item and its answer was lost: the item is gone in either case.
    fn delete(
        &self,
        key: &Key,
        expect: Expect,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Items of a partition whose sort key starts with `prefix` and is greater than `after`, in order, at most `limit`
    /// (fewer only at the end). A query, never a scan.
    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Item>, Error>> + Send;
}

/// The state store of a running function, chosen at start.
#[derive(Debug, Clone)]
pub enum State {
    /// DynamoDB.
    #[cfg(feature = "aws")]
    Dynamo(DynamoState),
    /// A SQLite file.
    #[cfg(feature = "embedded")]
    Sqlite(SqliteState),
}

macro_rules! each {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            #[cfg(feature = "aws")]
            State::Dynamo($store) => $call,
            #[cfg(feature = "embedded")]
            State::Sqlite($store) => $call,
            #[cfg(not(any(feature = "aws", feature = "embedded")))]
            _ => unreachable!("no store is compiled in"),
        }
    };
}

impl StateStore for State {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Item>, Error> {
        each!(self, store => store.get(key, now).await)
    }

    async fn put(&self, put: Put, expect: Expect, now: Timestamp) -> Result<u64, Error> {
        each!(self, store => store.put(put, expect, now).await)
    }

    async fn put_many(&self, puts: Vec<Put>, now: Timestamp) -> Result<(), Error> {
        each!(self, store => store.put_many(puts, now).await)
    }

    async fn delete(&self, key: &Key, expect: Expect, now: Timestamp) -> Result<(), Error> {
        each!(self, store => store.delete(key, expect, now).await)
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        each!(self, store => store.list(partition, prefix, after, limit, now).await)
    }
}
