//! Turns at a tenant that several processes share through the state store: reports of several days are written at once, and many boards
//! are open, and all of them together stay within one rate.
//!
//! The item holds the moment of the next free turn. It lies in a partition of tokens, because whoever may use the tenant's token uses
//! up its requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use insights_core::WithCauses;
use insights_http::backoff::{self, Backoff, BackoffPolicy};
use insights_http::rate_limit::SharedTurns;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::Error;
use store::state::{Expect, Key, Put, State, StateStore};

/// Longest time that taking a turn may take at the state store. A healthy one takes a hundredth of it.
const STORE_TIMEOUT: Duration = Duration::from_secs(1);

/// Number of tries to take a turn that other processes take at the same moment.
const MAX_TRIES: usize = 20;

/// A next turn that is further away than this is the work of a wrong clock.
const LONGEST_QUEUE: SignedDuration = SignedDuration::from_mins(10);

/// How long the item outlives its last turn.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The turns of one share of one part of a tenant.
#[derive(Debug)]
pub(crate) struct StateTurns {
    state: State,
    key: Key,
    interval: SignedDuration,
    /// Whether the last call to the state store failed.
    has_failed: AtomicBool,
}

/// The body of the item.
#[derive(Serialize, Deserialize)]
struct NextTurn {
    at: Timestamp,
}

/// What came of one try to take a turn.
enum Try {
    Taken(SignedDuration),
    TooLate,
    Overtaken,
}

impl StateTurns {
    /// Builds the turns of a name at an issuer, one every `interval`.
    pub(crate) fn new(state: State, issuer: &url::Url, name: &str, interval: Duration) -> Self {
        Self {
            state,
            key: Key::new(format!("token#pace#{issuer}"), name),
            interval: SignedDuration::try_from(interval).unwrap_or(LONGEST_QUEUE),
            has_failed: AtomicBool::new(false),
        }
    }

    async fn take_next(&self, longest_wait: Duration) -> Result<Option<Duration>, Error> {
        let mut backoff = Backoff::new(BackoffPolicy::OTHER_INSTANCE);
        for _ in 0..MAX_TRIES {
            match self.try_once(longest_wait, Timestamp::now()).await? {
                Try::Taken(wait) => return Ok(Some(Duration::try_from(wait).unwrap_or_default())),
                Try::TooLate => return Ok(None),
                Try::Overtaken => backoff::wait(&mut backoff).await,
            }
        }
        // So many others want a turn that this one would come too late.
        Ok(None)
    }

    async fn try_once(&self, longest_wait: Duration, now: Timestamp) -> Result<Try, Error> {
        let item = self.state.get(&self.key, now).await?;
        let expect = item
            .as_ref()
            .map_or(Expect::Absent, |item| Expect::Version(item.version));
        let next = item.and_then(|item| item.decode::<NextTurn>().ok());
        let next = next.map(|next| next.at);
        let next = next.filter(|at| at.duration_since(now) <= LONGEST_QUEUE);
        let turn = next.unwrap_or(now).max(now);
        let wait = turn.duration_since(now);
        if Duration::try_from(wait).is_ok_and(|wait| wait > longest_wait) {
            return Ok(Try::TooLate);
        }
        let at = turn.saturating_add(self.interval).unwrap_or(turn);
        let expires_at = at.checked_add(KEPT_FOR).ok();
        let put = Put::encode(self.key.clone(), &NextTurn { at }, expires_at)?;
        match self.state.put(put, expect, now).await {
            Ok(_) => Ok(Try::Taken(wait)),
            Err(Error::Conflict { .. }) => Ok(Try::Overtaken),
            Err(error) => Err(error),
        }
    }

    /// Goes on at the pace of this process alone where the store fails. Of failures in a row the first one is logged.
    fn without_store(&self, error: &(dyn std::error::Error + 'static)) -> Option<Duration> {
        if !self.has_failed.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                cause = %WithCauses(error),
                "the pace at the tenant is not shared with other processes for a while"
            );
        }
        Some(Duration::ZERO)
    }
}

impl SharedTurns for StateTurns {
    fn take(&self, longest_wait: Duration) -> BoxFuture<'_, Option<Duration>> {
        Box::pin(async move {
            match tokio::time::timeout(STORE_TIMEOUT, self.take_next(longest_wait)).await {
                Ok(Ok(taken)) => {
                    self.has_failed.store(false, Ordering::Relaxed);
                    taken
                }
                Ok(Err(error)) => self.without_store(&error),
                Err(late) => self.without_store(&late),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use store::state::SqliteState;

    use super::*;

    const INTERVAL: Duration = Duration::from_millis(200);

    fn turns(state: &State) -> StateTurns {
        let issuer = "https://cxone.niceincontact.com".parse().unwrap();
        StateTurns::new(state.clone(), &issuer, "board digital", INTERVAL)
    }

    #[tokio::test]
    async fn processes_take_turns_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::Sqlite(SqliteState::open(folder.path().join("state.sqlite")).unwrap());
        let began = Timestamp::now();
        let mut ends = Vec::new();
        for number in 0..20 {
            // Each of them is a process that knows nothing of the others.
            let process = turns(&state);
            let wait = process.take(Duration::from_secs(60)).await.unwrap();
            let turn =
                began.duration_until(Timestamp::now()) + SignedDuration::try_from(wait).unwrap();
            // The tenth of an interval is the rounding of clocks.
            let earliest = INTERVAL.mul_f64(f64::from(number) * 0.99);
            assert!(
                turn >= SignedDuration::try_from(earliest).unwrap(),
                "turn {number} after {turn:?}"
            );
            ends.push(turn);
        }
        assert!(ends.is_sorted());
    }

    #[tokio::test]
    async fn a_turn_that_would_come_too_late_is_left_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::Sqlite(SqliteState::open(folder.path().join("state.sqlite")).unwrap());
        let issuer = "https://cxone.niceincontact.com".parse().unwrap();
        let slow = StateTurns::new(state, &issuer, "board digital", Duration::from_secs(300));
        assert!(slow.take(Duration::from_secs(1)).await.is_some());
        for _ in 0..3 {
            assert_eq!(slow.take(Duration::from_secs(10)).await, None);
        }
        let wait = slow.take(Duration::from_secs(600)).await.unwrap();
        assert!(
            (Duration::from_secs(200)..=Duration::from_secs(300)).contains(&wait),
            "{wait:?}"
        );
    }
}
