//! A state store that fails on demand, in front of a SQLite file.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use store::Error;
use store::state::{Expect, Item, Key, Put, SqliteState, State, StateStore};

/// A call of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Get,
    Put,
    PutMany,
    Delete,
    List,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreFault {
    /// The call is not carried out, and another attempt may succeed.
    Fail,
    /// The call is refused for good.
    Refuse,
    /// The item is too large.
    TooLarge,
    /// The call is carried out, and its answer is lost.
    LoseAnswer,
    /// The call never answers, and is not carried out.
    Hang,
    /// The call is carried out after this time.
    Delay(Duration),
    /// The process has a bug here.
    Panic,
}

#[derive(Debug, Clone)]
struct Rule {
    call: Call,
    /// The keys that the rule concerns contain this.
    key_part: String,
    fault: StoreFault,
    times: usize,
}

#[derive(Debug, Default)]
struct Inner {
    rules: Vec<Rule>,
    writes: Vec<String>,
}

/// The store. Clones share the file and the rules.
#[derive(Debug, Clone)]
pub(crate) struct FaultyState {
    inner: Arc<Mutex<Inner>>,
    store: SqliteState,
    _folder: Arc<tempfile::TempDir>,
}

impl FaultyState {
    /// Opens an empty store without faults.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            inner: Arc::default(),
            store: SqliteState::open(folder.path().join("state.sqlite")).expect("a store"),
            _folder: Arc::new(folder),
        }
    }

    /// Returns the store as sessions take it.
    pub(crate) fn state(&self) -> State {
        State::other(self.clone())
    }

    /// Lets calls fail whose key contains `key_part`, as `partition/sort`, without end.
    pub(crate) fn fail(&self, call: Call, key_part: &str, fault: StoreFault) {
        self.fail_times(call, key_part, fault, usize::MAX);
    }

    /// Lets this number of calls fail.
    pub(crate) fn fail_times(&self, call: Call, key_part: &str, fault: StoreFault, times: usize) {
        self.inner.lock().unwrap().rules.push(Rule {
            call,
            key_part: key_part.to_owned(),
            fault,
            times,
        });
    }

    /// Lets all calls succeed from now on.
    pub(crate) fn heal(&self) {
        self.inner.lock().unwrap().rules.clear();
    }

    /// Returns the number of writes that were carried out of keys that contain `key_part`.
    pub(crate) fn writes(&self, key_part: &str) -> usize {
        let inner = self.inner.lock().unwrap();
        let concerned = inner.writes.iter().filter(|key| key.contains(key_part));
        concerned.count()
    }

    /// Returns the items of a partition whose sort keys begin with `prefix`, whatever faults there are.
    pub(crate) async fn items(&self, partition: &str, prefix: &str) -> Vec<Item> {
        let listed = self
            .store
            .list(partition, prefix, None, 1000, Timestamp::now());
        listed.await.expect("a list")
    }

    /// Returns the fault of a call, if one of its keys has a rule.
    fn fault(&self, call: Call, keys: &[String]) -> Option<StoreFault> {
        let mut inner = self.inner.lock().unwrap();
        let rule = inner.rules.iter_mut().find(|rule| {
            let is_concerned = keys.iter().any(|key| key.contains(&rule.key_part));
            rule.call == call && rule.times > 0 && is_concerned
        })?;
        rule.times -= 1;
        Some(rule.fault)
    }

    async fn call<T>(
        &self,
        call: Call,
        keys: Vec<String>,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let unavailable = || Error::Unavailable {
            store: "test",
            operation: "call",
            source: "a fault of the test".into(),
        };
        match self.fault(call, &keys) {
            None => {}
            Some(StoreFault::Fail) => return Err(unavailable()),
            Some(StoreFault::Refuse) => {
                return Err(Error::Missing {
                    what: "the table".to_owned(),
                    source: None,
                });
            }
            Some(StoreFault::TooLarge) => {
                return Err(Error::Limit {
                    what: "an item".to_owned(),
                    limit: "it is too large".to_owned(),
                    source: None,
                });
            }
            Some(StoreFault::LoseAnswer) => {
                work.await?;
                return Err(unavailable());
            }
            Some(StoreFault::Hang) => return std::future::pending().await,
            Some(StoreFault::Delay(time)) => tokio::time::sleep(time).await,
            Some(StoreFault::Panic) => panic!("a fault of the test"),
        }
        let answer = work.await;
        if answer.is_ok() && matches!(call, Call::Put | Call::PutMany) {
            self.inner.lock().unwrap().writes.extend(keys);
        }
        answer
    }
}

impl StateStore for FaultyState {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Item>, Error> {
        self.call(Call::Get, vec![key.to_string()], self.store.get(key, now))
            .await
    }

    async fn put(&self, put: Put, expect: Expect, now: Timestamp) -> Result<u64, Error> {
        let keys = vec![put.key.to_string()];
        self.call(Call::Put, keys, self.store.put(put, expect, now))
            .await
    }

    async fn put_many(&self, puts: Vec<Put>, now: Timestamp) -> Result<(), Error> {
        let keys = puts.iter().map(|put| put.key.to_string()).collect();
        self.call(Call::PutMany, keys, self.store.put_many(puts, now))
            .await
    }

    async fn delete(&self, key: &Key, expect: Expect, now: Timestamp) -> Result<(), Error> {
        let keys = vec![key.to_string()];
        self.call(Call::Delete, keys, self.store.delete(key, expect, now))
            .await
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        let keys = vec![format!("{partition}/{prefix}")];
        let listed = self.store.list(partition, prefix, after, limit, now);
        self.call(Call::List, keys, listed).await
    }
}
