//! What the feeder remembers between its runs, in the state store.
//!
//! | partition | sort key | content |
//! |---|---|---|
//! | `feed#{source}` | `checkpoint` | where the source's list goes on |
//! | `feed#{source}` | `pending#{conversation}` | that a conversation is to be delivered |
//! | `feed-conversation#{conversation}` | `known#{source}` | a [`KnownConversation`], for 30 days after its last change |
//!
//! A conversation is marked as pending before what is known of it is stored, and the mark is removed after its delivery is stored:
//! whatever interrupts the feeder, what was not delivered is found again.

use insights_core::feed::KnownConversation;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::Error;
use store::state::{Expect, Key, Put, State, StateStore};

/// How long a conversation is known after its last change. A source that names it again later delivers it again, which changes
/// nothing where it is stored.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a sort key of a pending conversation begins with.
const PENDING: &str = "pending#";

/// The memory of one source.
#[derive(Debug)]
pub(crate) struct FeedMemory<'a> {
    state: &'a State,
    source: String,
}

#[derive(Serialize, Deserialize)]
struct StoredCheckpoint {
    checkpoint: String,
}

/// A known conversation as it is stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) known: KnownConversation,
    version: Expect,
}

impl<'a> FeedMemory<'a> {
    /// Opens the memory of a source.
    pub(crate) fn new(state: &'a State, source: String) -> Self {
        Self { state, source }
    }

    fn partition(&self) -> String {
        format!("feed#{}", self.source)
    }

    /// Returns the key of the lease of the one feeder that works.
    pub(crate) fn lease_key(&self) -> Key {
        Key::new(self.partition(), "lease")
    }

    fn pending_key(&self, id: &str) -> Key {
        Key::new(self.partition(), format!("{PENDING}{id}"))
    }

    fn known_key(&self, id: &str) -> Key {
        Key::new(
            format!("feed-conversation#{id}"),
            format!("known#{}", self.source),
        )
    }

    /// Reads the checkpoint; `None` before the first run.
    pub(crate) async fn checkpoint(&self, now: Timestamp) -> Result<Option<String>, Error> {
        let item = self
            .state
            .get(&Key::new(self.partition(), "checkpoint"), now)
            .await?;
        item.map(|item| Ok(item.decode::<StoredCheckpoint>()?.checkpoint))
            .transpose()
    }

    /// Stores the checkpoint from which the next run goes on.
    pub(crate) async fn store_checkpoint(
        &self,
        checkpoint: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = Key::new(self.partition(), "checkpoint");
        let put = Put::encode(key, &StoredCheckpoint { checkpoint }, None)?;
        self.state.put(put, Expect::Any, now).await?;
        Ok(())
    }

    /// Returns the ids of up to `limit` pending conversations behind `after`, in the order of their ids.
    pub(crate) async fn pending(
        &self,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<String>, Error> {
        let after = after.map(|id| format!("{PENDING}{id}"));
        let items = self
            .state
            .list(&self.partition(), PENDING, after.as_deref(), limit, now)
            .await?;
        let ids = items.into_iter().map(|item| item.key.sort);
        Ok(ids
            .filter_map(|sort| sort.strip_prefix(PENDING).map(str::to_owned))
            .collect())
    }

    /// Marks a conversation as pending.
    pub(crate) async fn mark_pending(&self, id: &str, now: Timestamp) -> Result<(), Error> {
        let put = Put::encode(self.pending_key(id), &(), None)?;
        self.state.put(put, Expect::Any, now).await?;
        Ok(())
    }

    /// Removes the mark of a conversation that was delivered.
    pub(crate) async fn unmark(&self, id: &str, now: Timestamp) -> Result<(), Error> {
        self.state
            .delete(&self.pending_key(id), Expect::Any, now)
            .await
    }

    /// Reads what is known of a conversation.
    pub(crate) async fn known(&self, id: &str, now: Timestamp) -> Result<Option<Stored>, Error> {
        let item = self.state.get(&self.known_key(id), now).await?;
        item.map(|item| {
            Ok(Stored {
                known: item.decode()?,
                version: Expect::Version(item.version),
            })
        })
        .transpose()
    }

    /// Stores what is known of a conversation, unless somebody else has stored something meanwhile.
    pub(crate) async fn store(&self, stored: &mut Stored, now: Timestamp) -> Result<(), Error> {
        let key = self.known_key(&stored.known.conversation.conversation_id);
        let expires_at = now.checked_add(KNOWN_FOR).ok();
        let put = Put::encode(key, &stored.known, expires_at)?;
        let version = self.state.put(put, stored.version, now).await?;
        stored.version = Expect::Version(version);
        Ok(())
    }
}

impl Stored {
    /// Returns what is known of a conversation that is seen for the first time.
    pub(crate) fn new(known: KnownConversation) -> Self {
        Self {
            known,
            version: Expect::Absent,
        }
    }
}
