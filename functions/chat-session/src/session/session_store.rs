//! The state store as one session uses it: writes that are repeated until they succeed or the lease is lost.

use std::time::Duration;

use anyhow::Context;
use insights_core::WithCauses;
use insights_http::backoff::{self, Backoff, BackoffPolicy};
use jiff::Timestamp;
use store::Error as StoreError;
use store::state::{Expect, Key, Put, State, StateStore};
use tokio_util::sync::CancellationToken;

use crate::records;

/// The state store of one session.
#[derive(Debug, Clone)]
pub(super) struct SessionStore {
    pub(super) state: State,
    /// The agent of the session.
    pub(super) agent: String,
    /// How long items are kept.
    retention: Duration,
    /// Is canceled when the session has lost its lease: no attempt is repeated then.
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

    /// Writes all items, and repeats the attempt until it succeeds or the lease is lost.
    ///
    /// The session acts on what it received only after this returns, so that nothing that was acted on can be lost.
    pub(super) async fn write(&self, puts: Vec<Put>) -> anyhow::Result<()> {
        if puts.is_empty() {
            return Ok(());
        }
        let mut backoff = Backoff::new(BackoffPolicy::STORE);
        loop {
            match self.state.put_many(puts.clone(), Timestamp::now()).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_retryable() => {
                    tracing::warn!(
                        agent_id = self.agent,
                        items = puts.len(),
                        cause = %WithCauses(&error),
                        "the items were not written, trying again"
                    );
                    tokio::select! {
                        () = backoff::wait(&mut backoff) => {}
                        () = self.lease_lost.cancelled() => {
                            return Err(error).context("the lease was lost before the messages were stored");
                        }
                    }
                }
                Err(error) => return Err(error).context("the messages were not stored"),
            }
        }
    }

    /// Writes an item unless its key exists, and returns whether the item was written.
    pub(super) async fn write_if_absent(&self, put: Put) -> anyhow::Result<bool> {
        let mut backoff = Backoff::new(BackoffPolicy::STORE);
        loop {
            let written = self
                .state
                .put(put.clone(), Expect::Absent, Timestamp::now())
                .await;
            match written {
                Ok(_) => return Ok(true),
                Err(StoreError::Conflict { .. }) => return Ok(false),
                Err(error) if error.is_retryable() && !self.lease_lost.is_cancelled() => {
                    backoff::wait(&mut backoff).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Runs a read, and repeats the attempt until it succeeds or the lease is lost.
    pub(super) async fn read_with_retry<T, F>(
        &self,
        conversation: &str,
        mut read: impl FnMut() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut backoff = Backoff::new(BackoffPolicy::STORE);
        loop {
            match read().await {
                Err(error) if error.is_retryable() && !self.lease_lost.is_cancelled() => {
                    tracing::warn!(
                        conversation_id = conversation,
                        cause = %WithCauses(&error),
                        "the conversation was not read, trying again"
                    );
                    backoff::wait(&mut backoff).await;
                }
                result => return result,
            }
        }
    }

    /// Deletes an item, whether it exists or not.
    pub(super) async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.state.delete(key, Expect::Any, Timestamp::now()).await
    }
}
