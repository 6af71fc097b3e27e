//! Leases: the right to work on something, held by one holder at a time, lost when not renewed.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Expect, Key, Put, StateStore};
use crate::Error;

/// A lease that is held. The version fences it: a holder that lost it cannot renew or release it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is leased.
    pub key: Key,
    /// Who holds it; unique per invocation.
    pub holder: String,
    /// Until when.
    pub until: Timestamp,
    version: u64,
}

#[derive(Serialize, Deserialize)]
struct Body {
    holder: String,
    until: Timestamp,
}

impl Lease {
    /// Takes the lease if nobody holds it at `now`; `None` if somebody does.
    ///
    /// # Errors
    /// Whatever the store fails with, except a conflict, which is `None`.
    pub async fn acquire(
        store: &impl StateStore,
        key: Key,
        holder: &str,
        lasting: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let expect = match store.get(&key, now).await? {
            None => Expect::Absent,
            Some(item) => match item.decode::<Body>() {
                Ok(body) if body.until > now && body.holder != holder => return Ok(None),
                _ => Expect::Version(item.version),
            },
        };
        Self::write(store, key, holder, now + lasting, expect, now).await
    }

    /// Extends the lease; `None` if it was lost to somebody else.
    ///
    /// # Errors
    /// Whatever the store fails with, except a conflict, which is `None`.
    pub async fn renew(
        self,
        store: &impl StateStore,
        lasting: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let expect = Expect::Version(self.version);
        Self::write(store, self.key, &self.holder, now + lasting, expect, now).await
    }

    /// Gives the lease back, so that the next holder need not wait. A lease already lost stays lost.
    ///
    /// # Errors
    /// Whatever the store fails with, except a conflict.
    pub async fn release(self, store: &impl StateStore, now: Timestamp) -> Result<(), Error> {
        match store
            .delete(&self.key, Expect::Version(self.version), now)
            .await
        {
            Err(Error::Conflict { .. }) => Ok(()),
            other => other,
        }
    }

    async fn write(
        store: &impl StateStore,
        key: Key,
        holder: &str,
        until: Timestamp,
        expect: Expect,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        // The item outlives the lease by a minute: expiry has whole seconds, a lease has not.
        let body = Body {
            holder: holder.to_owned(),
            until,
        };
        let put = Put::encode(
            key.clone(),
            &body,
            Some(until + SignedDuration::from_secs(60)),
        )?;
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
