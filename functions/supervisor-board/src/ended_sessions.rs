//! Sessions that were ended before their time: who logs out is logged out everywhere, also where a copy of the cookie is.
//!
//! The list is short, because an entry goes when its session would have expired anyway. A process reads it as a whole, at most every few
//! seconds for all its requests, so that a request costs no read of its own.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use store::Error;
use store::state::{Expect, Key, Put, State, StateStore};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Partition of the ended sessions in the state store.
const PARTITION: &str = "board#sessions";

/// Beginning of the sort keys.
const PREFIX: &str = "ended#";

/// Longest time after which another process knows that a session was ended.
const REFRESH: Duration = Duration::from_secs(5);

/// Most items that one query reads.
const PAGE_SIZE: usize = 1000;

/// The name of a session in the list: a digest of its token, which is not the token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SessionMark(String);

impl SessionMark {
    /// Returns the name of the session with this token.
    pub(crate) fn of_token(token: &str) -> Self {
        let digest = Sha256::digest(token.as_bytes());
        let hex = digest.iter().take(16);
        Self(hex.fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
    }
}

/// The sessions that were ended, in a state store.
#[derive(Debug)]
pub struct EndedSessions {
    state: State,
    known: Mutex<KnownEndings>,
}

#[derive(Debug, Default)]
struct KnownEndings {
    read_at: Option<Instant>,
    /// When each ended session would have expired, in seconds since the epoch.
    ended: HashMap<String, i64>,
}

impl EndedSessions {
    /// Creates the access to the list, which is not read yet.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self {
            state,
            known: Mutex::default(),
        }
    }

    /// Ends a session that would expire at `expires_at`, in seconds since the epoch.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn end(
        &self,
        session: &SessionMark,
        expires_at: i64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = Key::new(PARTITION, format!("{PREFIX}{}", session.0));
        let until = Timestamp::from_second(expires_at).unwrap_or(Timestamp::MAX);
        let put = Put::encode(key, &expires_at, Some(until))?;
        self.state.put(put, Expect::Any, now).await?;
        let mut known = self.known.lock().await;
        known.ended.insert(session.0.clone(), expires_at);
        Ok(())
    }

    /// Returns whether a session was ended. Of many who ask at the same time, one reads.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn contains(
        &self,
        session: &SessionMark,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut known = self.known.lock().await;
        let is_old = known.read_at.is_none_or(|at| at.elapsed() >= REFRESH);
        if is_old {
            let mut after: Option<String> = None;
            loop {
                let page = self
                    .state
                    .list_relaxed(PARTITION, PREFIX, after.as_deref(), PAGE_SIZE, now)
                    .await?;
                for item in &page {
                    if let (Some(mark), Ok(expires_at)) =
                        (item.key.sort.strip_prefix(PREFIX), item.decode())
                    {
                        known.ended.insert(mark.to_owned(), expires_at);
                    }
                }
                if page.len() < PAGE_SIZE {
                    break;
                }
                after = page.last().map(|item| item.key.sort.clone());
            }
            known
                .ended
                .retain(|_, expires_at| *expires_at > now.as_second());
            known.read_at = Some(Instant::now());
        }
        Ok(known.ended.contains_key(&session.0))
    }
}
