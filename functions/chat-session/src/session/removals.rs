//! Removal of items that are no longer needed. It runs beside the event loop: a store that refuses or hangs on a removal holds up no
//! message, and ends no session. What is left behind is removed by a later session.

use std::collections::HashMap;
use std::time::Duration;

use insights_core::WithCauses;
use insights_http::backoff::{self, Backoff, BackoffPolicy};
use jiff::Timestamp;
use store::Error as StoreError;
use store::state::{Expect, Key, State, StateStore};
use tokio::task::{AbortHandle, JoinSet};

/// Number of attempts to remove an item that nobody waits for.
const MAX_ATTEMPTS: u32 = 8;
/// Number of finished tasks after which their results are collected.
const COLLECT_AT: usize = 64;

/// Removes items of one session in tasks of their own.
#[derive(Debug)]
pub(super) struct Removals {
    state: State,
    tasks: JoinSet<()>,
    /// The tasks that remove notes of archived conversations, by the id of the conversation.
    closing: HashMap<String, AbortHandle>,
}

impl Removals {
    /// Creates the removals of a session; nothing is removed yet.
    pub(super) fn new(state: State) -> Self {
        Self {
            state,
            tasks: JoinSet::new(),
            closing: HashMap::new(),
        }
    }

    /// Removes an item that is never written again. If that fails again and again, the item stays for a later session.
    pub(super) fn remove(&mut self, key: Key) {
        self.collect();
        let state = self.state.clone();
        self.tasks.spawn(async move {
            let mut backoff = Backoff::new(BackoffPolicy::STORE);
            while let Err(error) = state.delete(&key, Expect::Any, Timestamp::now()).await {
                if !error.is_retryable() || backoff.attempt() + 1 >= MAX_ATTEMPTS {
                    tracing::warn!(
                        item = %key,
                        cause = %WithCauses(&error),
                        "an item that is done with was not removed, a later session sees it again"
                    );
                    return;
                }
                backoff::wait(&mut backoff).await;
            }
        });
    }

    /// Removes the note that a conversation is open, until that succeeds or [`Self::keep_open`] is called.
    pub(super) fn close(&mut self, conversation: &str, note: Key) {
        self.collect();
        let state = self.state.clone();
        let task = self.tasks.spawn(async move {
            let mut backoff = Backoff::new(BackoffPolicy::BATCH);
            while let Err(error) = close(&state, &note).await {
                tracing::warn!(
                    item = %note,
                    cause = %WithCauses(&error),
                    "an archived conversation is still noted as open, trying again"
                );
                backoff::wait(&mut backoff).await;
            }
        });
        if let Some(earlier) = self.closing.insert(conversation.to_owned(), task) {
            earlier.abort();
        }
    }

    /// Keeps the note of a conversation that is open again. The caller writes the note anew after this.
    ///
    /// A removal under way cannot remove the new note: it removes the version of the note that it has read before.
    pub(super) fn keep_open(&mut self, conversation: &str) {
        if let Some(task) = self.closing.remove(conversation) {
            task.abort();
        }
    }

    /// Waits until everything is removed, at most for `limit`, and gives up the rest.
    pub(super) async fn finish(&mut self, limit: Duration) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(limit, all).await;
        self.tasks.abort_all();
    }

    /// Forgets the tasks that have ended.
    fn collect(&mut self) {
        if self.tasks.len() < COLLECT_AT {
            return;
        }
        while self.tasks.try_join_next().is_some() {}
        self.closing.retain(|_, task| !task.is_finished());
    }
}

async fn close(state: &State, note: &Key) -> Result<(), StoreError> {
    let now = Timestamp::now();
    let Some(item) = state.get(note, now).await? else {
        return Ok(());
    };
    match state.delete(note, Expect::Version(item.version), now).await {
        // The conversation was opened again, or an attempt whose answer was lost has removed the note.
        Err(StoreError::Conflict { .. }) => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use store::state::SqliteState;

    use super::*;

    const WAIT: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn removals_that_have_ended_are_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteState::open(folder.path().join("state.db")).expect("a store");
        let mut removals = Removals::new(State::Sqlite(store));
        for number in 0..COLLECT_AT {
            let key = Key::new("chat#agent-7", format!("open#{number}"));
            removals.close(&number.to_string(), key);
        }
        assert_eq!(
            (removals.tasks.len(), removals.closing.len()),
            (COLLECT_AT, COLLECT_AT)
        );
        // The tasks end while they still count.
        let ended = async {
            while !removals.closing.values().all(AbortHandle::is_finished) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(WAIT, ended)
            .await
            .expect("the removals end");
        removals.remove(Key::new("chat#agent-7", "sent#1"));
        assert_eq!((removals.tasks.len(), removals.closing.len()), (1, 0));
        removals.finish(WAIT).await;
        assert!(removals.tasks.is_empty());
    }
}
