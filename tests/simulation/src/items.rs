//! The items of the simulated state store.

use std::collections::BTreeMap;

use jiff::Timestamp;
use store::Error;
use store::state::{Expect, Item, Key, Put};

/// The items, which outlive every process.
#[derive(Debug, Default)]
pub struct Items {
    items: BTreeMap<Key, Item>,
    last_version: u64,
}

impl Items {
    /// Returns the item if it exists at `now`.
    #[must_use]
    pub fn get(&self, key: &Key, now: Timestamp) -> Option<&Item> {
        self.items
            .get(key)
            .filter(|item| item.expires_at.is_none_or(|at| at > now))
    }

    fn expect(&self, key: &Key, expect: Expect, now: Timestamp) -> Result<(), Error> {
        let found = self.get(key, now).map(|item| item.version);
        let is_met = match expect {
            Expect::Any => true,
            Expect::Absent => found.is_none(),
            Expect::Version(version) => found == Some(version),
        };
        if is_met {
            return Ok(());
        }
        Err(Error::Conflict {
            key: key.to_string(),
        })
    }

    /// Writes an item if the expectation holds, and returns its new version.
    pub(crate) fn put(&mut self, put: Put, expect: Expect, now: Timestamp) -> Result<u64, Error> {
        self.expect(&put.key, expect, now)?;
        self.last_version += 1;
        let item = Item {
            key: put.key.clone(),
            body: put.body,
            version: self.last_version,
            expires_at: put.expires_at,
        };
        self.items.insert(put.key, item);
        Ok(self.last_version)
    }

    /// Deletes an item if the expectation holds.
    pub(crate) fn delete(
        &mut self,
        key: &Key,
        expect: Expect,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.expect(key, expect, now)?;
        self.items.remove(key);
        Ok(())
    }

    /// Lists the items of a partition whose sort keys begin with `prefix` and come after `after`.
    pub(crate) fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Vec<Item> {
        self.items
            .values()
            .filter(|item| {
                item.key.partition == partition
                    && item.key.sort.starts_with(prefix)
                    && after.is_none_or(|after| item.key.sort.as_str() > after)
                    && item.expires_at.is_none_or(|at| at > now)
            })
            .take(limit)
            .cloned()
            .collect()
    }
}
