//! What every state store does, whatever it is built on.

use std::future::Future;

use jiff::Timestamp;

use super::item::{Expect, Item, Key, Put};
use crate::Error;

/// A store of items with conditional writes. Callers pass the time in, so that expiry can be tested without waiting.
pub trait StateStore: Send + Sync {
    /// Returns the item if it exists at `now`. The read is strongly consistent.
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
    ///
    /// # Errors
    /// The writes are not atomic: after an error some items may be written, and the caller writes the same again.
    fn put_many(
        &self,
        puts: Vec<Put>,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Deletes the item if the expectation holds; an item that is gone already is success unless a version was expected.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the expectation does not hold. With a version, [`Error::Conflict`] is also the answer if the
    /// first try of a retry inside the store did delete the item and its answer was lost: the item is gone in either case.
    fn delete(
        &self,
        key: &Key,
        expect: Expect,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Lists the items of a partition whose sort key starts with `prefix` and is greater than `after`, in order, at most
    /// `limit` items (fewer only at the end). This is a query, never a scan.
    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Item>, Error>> + Send;

    /// Lists as [`StateStore::list`] does, at half the price: what was written within the last second may be missing. For what is
    /// shown and read again soon, never for what is decided by.
    ///
    /// # Errors
    /// As [`StateStore::list`].
    fn list_relaxed(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Item>, Error>> + Send {
        self.list(partition, prefix, after, limit, now)
    }
}
