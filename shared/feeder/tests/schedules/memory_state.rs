//! A state store in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::Timestamp;
use store::Error;
use store::state::{Expect, Item, Key, Put, StateStore};

#[derive(Debug, Default)]
struct Items {
    items: BTreeMap<Key, Item>,
    last_version: u64,
}

impl Items {
    fn live(&self, key: &Key, now: Timestamp) -> Option<&Item> {
        let item = self.items.get(key);
        item.filter(|item| item.expires_at.is_none_or(|at| at > now))
    }

    fn check(&self, key: &Key, expect: Expect, now: Timestamp) -> Result<(), Error> {
        let version = self.live(key, now).map(|item| item.version);
        let is_met = match expect {
            Expect::Any => true,
            Expect::Absent => version.is_none(),
            Expect::Version(wanted) => version == Some(wanted),
        };
        let key = key.to_string();
        if is_met {
            Ok(())
        } else {
            Err(Error::Conflict { key })
        }
    }

    fn put(&mut self, put: Put, expect: Expect, now: Timestamp) -> Result<u64, Error> {
        self.check(&put.key, expect, now)?;
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
}

/// Counts a step of the process, and returns whether the process is dead.
type Death = Box<dyn Fn() -> bool + Send + Sync>;

/// The items of one schedule, which outlive every run of the feeder. A run may die before or after each write.
pub(crate) struct MemoryState {
    items: Mutex<Items>,
    dies_at_step: Death,
}

impl std::fmt::Debug for MemoryState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryState")
    }
}

impl MemoryState {
    /// Builds an empty store, whose writes are steps of a process that may die at each of them.
    pub(crate) fn new(dies_at_step: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self {
            items: Mutex::default(),
            dies_at_step: Box::new(dies_at_step),
        }
    }

    async fn step(&self) {
        if (self.dies_at_step)() {
            std::future::pending::<()>().await;
        }
    }
}

impl StateStore for MemoryState {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Item>, Error> {
        Ok(self.items.lock().unwrap().live(key, now).cloned())
    }

    async fn put(&self, put: Put, expect: Expect, now: Timestamp) -> Result<u64, Error> {
        self.step().await;
        let result = self.items.lock().unwrap().put(put, expect, now);
        self.step().await;
        result
    }

    async fn put_many(&self, puts: Vec<Put>, now: Timestamp) -> Result<(), Error> {
        let mut items = self.items.lock().unwrap();
        puts.into_iter()
            .try_for_each(|put| items.put(put, Expect::Any, now).map(drop))
    }

    async fn delete(&self, key: &Key, expect: Expect, now: Timestamp) -> Result<(), Error> {
        self.step().await;
        {
            let mut items = self.items.lock().unwrap();
            items.check(key, expect, now)?;
            items.items.remove(key);
        }
        self.step().await;
        Ok(())
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        let items = self.items.lock().unwrap();
        let found = items.items.values().filter(|item| {
            item.key.partition == partition
                && item.key.sort.starts_with(prefix)
                && after.is_none_or(|after| item.key.sort.as_str() > after)
                && item.expires_at.is_none_or(|at| at > now)
        });
        Ok(found.take(limit).cloned().collect())
    }
}
