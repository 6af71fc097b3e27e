//! Leases: the right to work on something, which one holder has at a time and loses unless it renews the lease.
//!
//! A [`Lease`] is the primitive: one conditional write each for taking, renewing and releasing it. A process that works for
//! longer than one call uses the guard of the crate `backends`, which renews the lease and cancels the work that it
//! permits when the lease is lost.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::{Expect, Key, Put};
use super::state_store::StateStore;
use crate::Error;

/// How long the item of a lease outlives the lease: the expiry of an item has whole seconds, the end of a lease has not.
const ITEM_MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// A lease that is held. The version of its item fences it: a holder that lost the lease can neither renew nor release it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The key of the item that is leased.
    pub key: Key,
    /// The name of the holder, which no other holder may have: what is stored under this name is the holder's own write.
    pub holder: String,
    /// The moment at which the lease ends unless it is renewed.
    pub until: Timestamp,
    version: u64,
}

#[derive(Serialize, Deserialize)]
struct Body {
    holder: String,
    until: Timestamp,
}

impl Lease {
    /// Takes the lease if nobody else holds it at `now`; returns `None` if somebody does.
    ///
    /// A holder may take again what it holds already, so a holder that got no answer calls this again.
    ///
    /// # Errors
    /// The errors of the store, except a conflict, which is `None`.
    pub async fn acquire(
        store: &impl StateStore,
        key: Key,
        holder: &str,
        duration: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let expect = match store.get(&key, now).await? {
            None => Expect::Absent,
            Some(item) => match item.decode::<Body>() {
                Ok(body) if body.until > now && body.holder != holder => return Ok(None),
                _ => Expect::Version(item.version),
            },
        };
        Self::write(store, key, holder, now + duration, expect, now).await
    }

    /// Extends the lease to `now + duration`; returns `None` if it was lost to somebody else.
    ///
    /// A renewal whose answer was lost leaves a version behind that this value does not know. The next renewal recognizes
    /// the holder's name in the item and goes on from there.
    ///
    /// # Errors
    /// The errors of the store, except a conflict. After [`Error::Unavailable`] the lease may have been renewed: the
    /// caller keeps a clone and renews that.
    pub async fn renew(
        self,
        store: &impl StateStore,
        duration: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let until = now + duration;
        let expect = Expect::Version(self.version);
        let renewed =
            Self::write(store, self.key.clone(), &self.holder, until, expect, now).await?;
        if renewed.is_some() {
            return Ok(renewed);
        }
        match self.own_version(store, now).await? {
            Some(version) => {
                let expect = Expect::Version(version);
                Self::write(store, self.key, &self.holder, until, expect, now).await
            }
            None => Ok(None),
        }
    }

    /// Deletes the lease, so that the next holder need not wait for its end. A lease that was lost already stays with its
    /// new holder.
    ///
    /// # Errors
    /// The errors of the store, except a conflict.
    pub async fn release(self, store: &impl StateStore, now: Timestamp) -> Result<(), Error> {
        if !self.delete(store, self.version, now).await?
            && let Some(version) = self.own_version(store, now).await?
        {
            self.delete(store, version, now).await?;
        }
        Ok(())
    }

    /// Deletes the item if it has this version; returns whether it had.
    async fn delete(
        &self,
        store: &impl StateStore,
        version: u64,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let expect = Expect::Version(version);
        match store.delete(&self.key, expect, now).await {
            Ok(()) => Ok(true),
            Err(Error::Conflict { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Returns the version of the stored lease if it is still this holder's.
    async fn own_version(
        &self,
        store: &impl StateStore,
        now: Timestamp,
    ) -> Result<Option<u64>, Error> {
        let item = store.get(&self.key, now).await?;
        Ok(item.and_then(|item| {
            let body = item.decode::<Body>().ok()?;
            (body.holder == self.holder).then_some(item.version)
        }))
    }

    async fn write(
        store: &impl StateStore,
        key: Key,
        holder: &str,
        until: Timestamp,
        expect: Expect,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let body = Body {
            holder: holder.to_owned(),
            until,
        };
        let put = Put::encode(key.clone(), &body, Some(until + ITEM_MARGIN))?;
        match store.put(put, expect, now).await {
            Ok(version) => Ok(Some(Self {
                key,
                holder: holder.to_owned(),
                until,
                version,
            })),
            Err(Error::Conflict { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }
}
