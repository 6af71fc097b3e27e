//! The state store as one session uses it: writes that are repeated until they succeed or the lease is lost.

use std::time::Duration;

use anyhow::Context;
use insights_core::WithCauses;
use insights_http::backoff::{self, Backoff, BackoffPolicy};
use jiff::Timestamp;
use runtime::metrics;
use serde::de::DeserializeOwned;
use store::Error as StoreError;
use store::state::{Expect, Key, Put, State, StateStore};
use tokio_util::sync::CancellationToken;

use crate::records::{self, SetAsideRecord};

/// Time limit of a call that a session makes after it has lost its lease.
const LAST_CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// Number of characters that are kept of the text of an item that is set aside.
const SET_ASIDE_TEXT_LIMIT: usize = 1000;

/// The state store of one session.
#[derive(Debug, Clone)]
pub(super) struct SessionStore {
    pub(super) state: State,
    /// The agent of the session.
    pub(super) agent: String,
    /// How long items are kept.
    retention: Duration,
    /// Is canceled when the session has lost its lease: no call is waited for and none is repeated then.
    lease_lost: CancellationToken,
}

impl SessionStore {
    /// Creates the store of an agent's session.
    pub(super) const fn new(
        state: State,
        agent: String,
        retention: Duration,
        lease_lost: CancellationToken,
    ) -> Self {
        Self {
            state,
            agent,
            retention,
            lease_lost,
        }
    }

    /// Encodes a value as a write that is kept as long as messages are.
    pub(super) fn encode(&self, key: Key, value: &impl serde::Serialize) -> anyhow::Result<Put> {
        Ok(records::encode_put(
            key,
            value,
            Timestamp::now(),
            self.retention,
        )?)
    }

    /// Writes all items, and repeats the attempt until it succeeds or the lease is lost. An item that the store refuses for its size
    /// is set aside, and all others are written.
    ///
    /// The session acts on what it received only after this returns, so that nothing that was acted on can be lost.
    pub(super) async fn write(&self, puts: Vec<Put>) -> anyhow::Result<()> {
        if puts.is_empty() {
            return Ok(());
        }
        let Some(refusal) = self.put_until_answered(&puts).await? else {
            return Ok(());
        };
        if let [put] = puts.as_slice() {
            return self.set_aside(put, &refusal).await;
        }
        for put in puts {
            if let Some(refusal) = self.put_until_answered(std::slice::from_ref(&put)).await? {
                self.set_aside(&put, &refusal).await?;
            }
        }
        Ok(())
    }

    /// Writes an item unless its key exists, and returns whether the item was written. An attempt whose answer was lost may have
    /// written the item although a later attempt found it there: the caller reads it then.
    pub(super) async fn write_if_absent(&self, put: Put) -> anyhow::Result<bool> {
        let written = self.until_answered(|| {
            self.state
                .put(put.clone(), Expect::Absent, Timestamp::now())
        });
        match written.await? {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads and decodes an item; `None` if there is none, or if it cannot be decoded.
    pub(super) async fn read<T: DeserializeOwned>(&self, key: &Key) -> anyhow::Result<Option<T>> {
        let item = self
            .read_with_retry(|| self.state.get(key, Timestamp::now()))
            .await?;
        Ok(item.as_ref().and_then(records::decode_or_skip))
    }

    /// Runs a read, and repeats the attempt until it succeeds or the lease is lost.
    pub(super) async fn read_with_retry<T, F>(&self, read: impl FnMut() -> F) -> anyhow::Result<T>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        Ok(self.until_answered(read).await??)
    }

    /// Writes items until the store answers. Returns the refusal of the store if an item is too large.
    async fn put_until_answered(&self, puts: &[Put]) -> anyhow::Result<Option<StoreError>> {
        let answer = self.until_answered(|| self.state.put_many(puts.to_vec(), Timestamp::now()));
        match answer.await? {
            Ok(()) => Ok(None),
            Err(refusal @ StoreError::Limit { .. }) => Ok(Some(refusal)),
            Err(error) => Err(error).context("the messages were not stored"),
        }
    }

    /// Makes a call until its answer is not of the kind that passes.
    ///
    /// # Errors
    /// If the lease was lost before.
    async fn until_answered<T, F>(
        &self,
        mut call: impl FnMut() -> F,
    ) -> anyhow::Result<Result<T, StoreError>>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut backoff = Backoff::new(BackoffPolicy::STORE);
        loop {
            match self.while_held(call()).await? {
                Err(error) if error.is_retryable() => {
                    tracing::warn!(
                        agent_id = self.agent,
                        cause = %WithCauses(&error),
                        "the state store did not carry out a call, trying again"
                    );
                    tokio::select! {
                        biased;
                        () = self.lease_lost.cancelled() => {
                            return Err(error).context("the lease was lost before the store took the items");
                        }
                        () = backoff::wait(&mut backoff) => {}
                    }
                }
                answer => return Ok(answer),
            }
        }
    }

    /// Waits for a call of the store as long as the lease is held. A session that has lost its lease may still store what it has
    /// received, since that changes nothing of what the new holder stores, but it waits for a moment only.
    async fn while_held<T>(&self, call: impl Future<Output = T>) -> anyhow::Result<T> {
        if self.lease_lost.is_cancelled() {
            return tokio::time::timeout(LAST_CALL_TIMEOUT, call)
                .await
                .context("the store did not answer a session that has lost its lease");
        }
        tokio::select! {
            biased;
            answer = call => Ok(answer),
            () = self.lease_lost.cancelled() => {
                Err(anyhow::anyhow!("the lease was lost before the store answered"))
            }
        }
    }

    /// Keeps a shortened copy of an item that the store refused for its size, for an operator to look at.
    async fn set_aside(&self, put: &Put, refusal: &StoreError) -> anyhow::Result<()> {
        metrics::count("chat_set_aside", 1);
        tracing::error!(
            agent_id = self.agent,
            cause = %WithCauses(refusal),
            "an item was too large for the store and was set aside"
        );
        let record = SetAsideRecord {
            key: put.key.to_string(),
            bytes: put.body.len(),
            item: serde_json::from_str(&put.body).ok().map(shorten_texts),
        };
        let aside = self.encode(records::set_aside_key(&self.agent, &put.key), &record)?;
        // What is set aside is small. If the store refuses even that, the log line above has to do.
        self.put_until_answered(&[aside]).await?;
        Ok(())
    }
}

/// Returns the value with every text of it shortened, and without its other lists and objects where they are deep.
fn shorten_texts(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) => Value::String(text.chars().take(SET_ASIDE_TEXT_LIMIT).collect()),
        Value::Object(fields) => fields
            .into_iter()
            .take(20)
            .map(|(name, field)| (name, shorten_texts(field)))
            .collect(),
        Value::Array(_) => Value::Null,
        other => other,
    }
}
