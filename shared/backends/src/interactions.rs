//! The live calls: one state item each, and an entry in the list of their shard, so that a poller finds its calls by a
//! query.
//!
//! The entry is written after the state and removed after the state says that the call has ended; whoever finds an entry
//! whose call has ended removes it. So a crash in between is repaired by the next poller.

use insights_core::live::{CallAction, CallEvent, CallState, CallView, LiveSettings, apply_event};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use store::Error;
use store::state::{Expect, Key, Put, StateStore};

/// How long a call's state outlives its last write: a call that is registered again within a day is not scored twice.
const RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// Entries read with one query.
const PAGE: usize = 500;

/// Tries of a change that others write into: a poller writes a call's state about once a second.
const TRIES: usize = 8;

/// A call in the list of its shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The call's id.
    pub id: String,
    /// Changes whenever somebody registers or removes the call: what is held of its state must be read again then.
    pub version: u64,
}

/// A state with the version that its next write expects; none before the first.
#[derive(Debug, Clone)]
pub struct Held {
    /// The call.
    pub call: CallState,
    version: Option<u64>,
}

impl Held {
    /// Takes the call through an event; says what is to be done.
    pub fn step(
        &mut self,
        event: CallEvent,
        rules: &LiveSettings,
        now: Timestamp,
    ) -> Vec<CallAction> {
        let (call, effects) = apply_event(self.call.clone(), event, rules, now);
        self.call = call;
        effects
    }
}

#[derive(Serialize, Deserialize)]
struct Body {}

/// The live calls in a state store.
#[derive(Debug, Clone)]
pub struct Interactions<S> {
    store: S,
    shards: u32,
}

impl<S: StateStore> Interactions<S> {
    /// The calls in `store`, listed in so many shards (at least one).
    ///
    /// The number may grow at any time: a call stays where it was listed. When it shrinks, calls listed in the shards
    /// that are gone are no longer polled until they are registered again.
    #[must_use]
    pub fn new(store: S, shards: u32) -> Self {
        Self {
            store,
            shards: shards.max(1),
        }
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> u32 {
        self.shards
    }

    /// Starts to score a call; says whether it was not scored before.
    ///
    /// # Errors
    /// The store's.
    pub async fn register(&self, id: &str, now: Timestamp) -> Result<bool, Error> {
        let started = self
            .change(id, CallEvent::RegistrationRequested, now)
            .await?;
        // Also if it was registered already: the first registration may have ended before its entry was written.
        let entry = self.entry(id);
        let listed = self.store.get(&entry, now).await?.is_some();
        if started || !listed {
            self.store
                .put(Put::encode(entry, &Body {}, None)?, Expect::Any, now)
                .await?;
        }
        Ok(started)
    }

    /// Starts to score a call without listing it: for a process that follows this very call. Says whether it was not
    /// scored before.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(&self, id: &str, now: Timestamp) -> Result<bool, Error> {
        self.change(id, CallEvent::RegistrationRequested, now).await
    }

    /// Stops scoring a call; says whether it was scored. What it still has to send is sent by the poller, which then
    /// takes it off the list.
    ///
    /// # Errors
    /// The store's.
    pub async fn stop(&self, id: &str, now: Timestamp) -> Result<bool, Error> {
        if self.load(id, now).await?.is_none() {
            return Ok(false);
        }
        let stopped = self.change(id, CallEvent::StopRequested, now).await?;
        let entry = self.entry(id);
        if let Some(item) = self.store.get(&entry, now).await? {
            // Written anew for its version: the poller that works on the call sees that something happened.
            let put = Put::encode(entry, &Body {}, Some(now + RETENTION))?;
            match self
                .store
                .put(put, Expect::Version(item.version), now)
                .await
            {
                Ok(_) | Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(stopped)
    }

    /// What the outside sees of a call; `None` if it was never scored, or ended more than a day ago.
    ///
    /// # Errors
    /// The store's.
    pub async fn view(&self, id: &str, now: Timestamp) -> Result<Option<CallView>, Error> {
        Ok(self
            .load(id, now)
            .await?
            .map(|held| CallView::from(&held.call)))
    }

    /// A call's state.
    ///
    /// # Errors
    /// The store's.
    pub async fn load(&self, id: &str, now: Timestamp) -> Result<Option<Held>, Error> {
        let Some(item) = self.store.get(&key(id), now).await? else {
            return Ok(None);
        };
        Ok(Some(Held {
            call: item.decode()?,
            version: Some(item.version),
        }))
    }

    /// A call's state, or that of a new one that is not stored yet.
    ///
    /// # Errors
    /// The store's.
    pub async fn load_or_new(&self, id: &str, now: Timestamp) -> Result<Held, Error> {
        let new = || Held {
            call: CallState::new(id, now),
            version: None,
        };
        Ok(self.load(id, now).await?.unwrap_or_else(new))
    }

    /// Writes a state if nobody else has since it was loaded or saved.
    ///
    /// # Errors
    /// [`Error::Conflict`] if somebody has, and the store's.
    pub async fn save(&self, held: &mut Held, now: Timestamp) -> Result<(), Error> {
        let put = Put::encode(key(held.call.id()), &held.call, Some(now + RETENTION))?;
        let expect = held.version.map_or(Expect::Absent, Expect::Version);
        held.version = Some(self.store.put(put, expect, now).await?);
        Ok(())
    }

    /// The calls listed in a shard.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, shard: u32, now: Timestamp) -> Result<Vec<Entry>, Error> {
        let (partition, mut entries) = (partition(shard), Vec::<Entry>::new());
        loop {
            let after = entries.last().map(|entry| entry.id.clone());
            let page = self
                .store
                .list(&partition, "", after.as_deref(), PAGE, now)
                .await?;
            let last = page.len() < PAGE;
            entries.extend(page.into_iter().map(|item| Entry {
                id: item.key.sort,
                version: item.version,
            }));
            if last {
                return Ok(entries);
            }
        }
    }

    /// Takes a call that has ended off the list of `shard`, unless it was registered again meanwhile.
    ///
    /// # Errors
    /// The store's.
    pub async fn unlist(&self, shard: u32, entry: &Entry, now: Timestamp) -> Result<(), Error> {
        let key = Key::new(partition(shard), &entry.id);
        match self
            .store
            .delete(&key, Expect::Version(entry.version), now)
            .await
        {
            Err(Error::Conflict { .. }) => Ok(()),
            other => other,
        }
    }

    /// Applies an event to a call's stored state, again if somebody else writes in between; says whether it changed it.
    async fn change(&self, id: &str, event: CallEvent, now: Timestamp) -> Result<bool, Error> {
        let mut tries = 0;
        loop {
            let mut held = self.load_or_new(id, now).await?;
            let new = held.version.is_none();
            let effects = held.step(event.clone(), &LiveSettings::default(), now);
            if effects.is_empty() && !new {
                return Ok(false);
            }
            tries += 1;
            match self.save(&mut held, now).await {
                Err(Error::Conflict { .. }) if tries < TRIES => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(true),
            }
        }
    }

    fn entry(&self, id: &str) -> Key {
        Key::new(partition(shard(id, self.shards)), id)
    }
}

fn key(id: &str) -> Key {
    Key::new(format!("interaction#{id}"), "state")
}

fn partition(shard: u32) -> String {
    format!("live#{shard}")
}

/// The shard of a call: the first 32 bits of FNV-1a of its id (draft-eastlake-fnv), which is the same on every machine and in every version.
fn shard(id: &str, shards: u32) -> u32 {
    let hash = id.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % shards
}

#[cfg(test)]
mod tests;
