//! The live interactions: each has one item with its state and an entry in the list of its shard, so that a poller finds its
//! interactions by a query.
//!
//! The entry is written after the state, and removed after the state says that the interaction has ended. A poller that
//! finds an entry whose interaction has ended removes it, so that the next poller repairs what a crash left in between.

use std::collections::BTreeSet;

use insights_core::card::CardRecord;
use insights_core::live::{
    CallAction, CallDetails, CallEvent, CallState, CallView, LiveSettings, apply_event,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use store::Error;
use store::state::{Expect, Key, Put, StateStore};

use crate::settings::MAX_SHARDS;
use crate::shards::shard_of;

/// How long the state of an interaction outlives its last write: an interaction that is registered again within a day is
/// not scored twice.
const STATE_RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// Most entries that one query reads.
const PAGE_SIZE: usize = 500;

/// Most attempts to write a change while others write the same state; a poller writes it about once a second.
const CHANGE_ATTEMPTS: usize = 8;

/// An interaction in the list of its shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedInteraction {
    /// The id of the interaction.
    pub id: String,
    /// The version of the entry, which changes whenever the interaction is registered or stopped. A poller then reads the
    /// state again.
    pub version: u64,
}

/// The state of an interaction, with the version that its next write expects; there is no version before the first write.
#[derive(Debug, Clone)]
pub struct LoadedInteraction {
    /// The state of the interaction.
    pub call: CallState,
    version: Option<u64>,
}

impl LoadedInteraction {
    /// Applies an event to the state, and returns the actions that follow from it.
    pub fn apply(
        &mut self,
        event: CallEvent,
        rules: &LiveSettings,
        now: Timestamp,
    ) -> Vec<CallAction> {
        let (call, actions) = apply_event(self.call.clone(), event, rules, now);
        self.call = call;
        actions
    }
}

/// What an event of somebody else changed in the stored state of an interaction.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    /// Whether the state was written.
    is_written: bool,
    /// Whether the interaction is scored now and was not before.
    has_started: bool,
}

/// The body of an entry, which says all by its key.
#[derive(Serialize, Deserialize)]
struct EntryBody {}

/// The live interactions in a state store.
#[derive(Debug, Clone)]
pub struct Interactions<S> {
    store: S,
    shards: u32,
}

impl<S: StateStore> Interactions<S> {
    /// Creates the access to the interactions in `store`, which are listed in `shards` shards (at least one).
    ///
    /// The number of shards may grow at any time, because an interaction stays in the shard where it was listed. When the
    /// number shrinks, interactions in the shards that are gone are no longer polled until they are registered again.
    #[must_use]
    pub fn new(store: S, shards: u32) -> Self {
        Self {
            store,
            shards: shards.max(1),
        }
    }

    /// Returns the number of shards.
    #[must_use]
    pub fn shards(&self) -> u32 {
        self.shards
    }

    /// Returns the shard in whose list a new registration of an interaction is put.
    #[must_use]
    pub fn shard_of(&self, id: &str) -> u32 {
        shard_of(id, self.shards)
    }

    /// Starts to score an interaction; returns whether it was not scored before.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn register(&self, id: &str, now: Timestamp) -> Result<bool, Error> {
        self.register_with(id, CallDetails::default(), now).await
    }

    /// Starts to score an interaction of which the caller knows something; returns whether it was not scored before.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn register_with(
        &self,
        id: &str,
        details: CallDetails,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let started = self
            .change(id, CallEvent::RegistrationRequested, details, now)
            .await?
            .has_started;
        // Also if it was registered already: the first registration may have died before its entry was written.
        let entry = self.entry_key(id);
        let listed = self.store.get(&entry, now).await?.is_some();
        if started || !listed {
            self.store
                .put(Put::encode(entry, &EntryBody {}, None)?, Expect::Any, now)
                .await?;
        }
        Ok(started)
    }

    /// Starts to score an interaction without listing it, for a process that follows this very interaction; returns whether
    /// it was not scored before.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn open(&self, id: &str, now: Timestamp) -> Result<bool, Error> {
        let change = self
            .change(
                id,
                CallEvent::RegistrationRequested,
                CallDetails::default(),
                now,
            )
            .await?;
        Ok(change.has_started)
    }

    /// Stops scoring an interaction; returns whether it was scored. The poller still sends what is pending and then removes
    /// the interaction from the list.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn stop(&self, id: &str, now: Timestamp) -> Result<bool, Error> {
        if self.load(id, now).await?.is_none() {
            return Ok(false);
        }
        let stopped = self
            .change(id, CallEvent::StopRequested, CallDetails::default(), now)
            .await?
            .is_written;
        let entry = self.entry_key(id);
        if let Some(item) = self.store.get(&entry, now).await? {
            // Written again for its version: the poller that works on the interaction sees that something happened.
            let put = Put::encode(entry, &EntryBody {}, Some(now + STATE_RETENTION))?;
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

    /// Returns what callers may see of an interaction; `None` if it was never scored, or ended more than a day ago.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn view(&self, id: &str, now: Timestamp) -> Result<Option<CallView>, Error> {
        Ok(self
            .load(id, now)
            .await?
            .map(|loaded| CallView::from(&loaded.call)))
    }

    /// Loads the state of an interaction, if there is one.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn load(&self, id: &str, now: Timestamp) -> Result<Option<LoadedInteraction>, Error> {
        let Some(item) = self.store.get(&state_key(id), now).await? else {
            return Ok(None);
        };
        Ok(Some(LoadedInteraction {
            call: item.decode()?,
            version: Some(item.version),
        }))
    }

    /// Keeps the card of an interaction that has ended, as long as its state. The card of an interaction that was erased meanwhile is
    /// not kept.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn keep_card(
        &self,
        id: &str,
        card: &CardRecord,
        now: Timestamp,
    ) -> Result<(), Error> {
        let put = Put::encode(card_key(id), card, Some(now + STATE_RETENTION))?;
        self.store.put(put, Expect::Any, now).await?;
        if self.store.get(&state_key(id), now).await?.is_none() {
            self.store.delete(&card_key(id), Expect::Any, now).await?;
        }
        Ok(())
    }

    /// Reads the card of an interaction that has ended, if there is one.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn card(&self, id: &str, now: Timestamp) -> Result<Option<CardRecord>, Error> {
        let item = self.store.get(&card_key(id), now).await?;
        item.map(|item| item.decode()).transpose()
    }

    /// Loads the state of an interaction, or creates the state of a new one, which is not stored yet.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn load_or_new(&self, id: &str, now: Timestamp) -> Result<LoadedInteraction, Error> {
        let new = || LoadedInteraction {
            call: CallState::new(id, now),
            version: None,
        };
        Ok(self.load(id, now).await?.unwrap_or_else(new))
    }

    /// Writes a state if nobody else has written it since it was loaded or saved.
    ///
    /// # Errors
    /// [`Error::Conflict`] if somebody else has, and the other errors of the store.
    pub async fn save(&self, loaded: &mut LoadedInteraction, now: Timestamp) -> Result<(), Error> {
        let put = Put::encode(
            state_key(loaded.call.id()),
            &loaded.call,
            Some(now + STATE_RETENTION),
        )?;
        let expect = loaded.version.map_or(Expect::Absent, Expect::Version);
        loaded.version = Some(self.store.put(put, expect, now).await?);
        Ok(())
    }

    /// Lists the interactions of a shard.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list(&self, shard: u32, now: Timestamp) -> Result<Vec<ListedInteraction>, Error> {
        let (partition, mut entries) = (shard_partition(shard), Vec::<ListedInteraction>::new());
        loop {
            let after = entries.last().map(|entry| entry.id.clone());
            let page = self
                .store
                .list(&partition, "", after.as_deref(), PAGE_SIZE, now)
                .await?;
            let last = page.len() < PAGE_SIZE;
            entries.extend(page.into_iter().map(|item| ListedInteraction {
                id: item.key.sort,
                version: item.version,
            }));
            if last {
                return Ok(entries);
            }
        }
    }

    /// Removes an interaction that has ended from the list of `shard`, unless it was registered again meanwhile.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn unlist(
        &self,
        shard: u32,
        entry: &ListedInteraction,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = Key::new(shard_partition(shard), &entry.id);
        match self
            .store
            .delete(&key, Expect::Version(entry.version), now)
            .await
        {
            Err(Error::Conflict { .. }) => Ok(()),
            other => other,
        }
    }

    /// Applies an event to the stored state of an interaction, again if somebody else writes in between.
    async fn change(
        &self,
        id: &str,
        event: CallEvent,
        details: CallDetails,
        now: Timestamp,
    ) -> Result<Change, Error> {
        let mut attempts = 0;
        loop {
            let mut loaded = self.load_or_new(id, now).await?;
            let new = loaded.version.is_none();
            let was_live = !new && loaded.call.ended().is_none();
            let actions = loaded.apply(event.clone(), &LiveSettings::default(), now);
            let is_described = loaded.call.describe(details.clone());
            if actions.is_empty() && !is_described && !new {
                return Ok(Change::default());
            }
            attempts += 1;
            match self.save(&mut loaded, now).await {
                Err(Error::Conflict { .. }) if attempts < CHANGE_ATTEMPTS => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    return Ok(Change {
                        is_written: true,
                        has_started: !was_live && loaded.call.ended().is_none(),
                    });
                }
            }
        }
    }

    fn entry_key(&self, id: &str) -> Key {
        Key::new(shard_partition(self.shard_of(id)), id)
    }
}

fn card_key(id: &str) -> Key {
    Key::new(format!("interaction#{id}"), "card")
}

/// Returns the key of the state of an interaction.
fn state_key(id: &str) -> Key {
    Key::new(format!("interaction#{id}"), "state")
}

/// Returns the keys of all entries by which a list can name an interaction, whatever the number of lists is or was.
pub(crate) fn possible_entries(id: &str) -> BTreeSet<Key> {
    (1..=MAX_SHARDS)
        .map(|shards| Key::new(shard_partition(shard_of(id, shards)), id))
        .collect()
}

/// Returns the partition that lists the interactions of a shard.
fn shard_partition(shard: u32) -> String {
    format!("live#{shard}")
}

#[cfg(test)]
mod tests;
