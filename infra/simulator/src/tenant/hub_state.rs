//! Connections and subscriptions of the event hub.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// How long a subscription lasts.
const SUBSCRIPTION: SignedDuration = SignedDuration::from_mins(5);
/// Connections that are allowed within a minute.
const CONNECTIONS_PER_MINUTE: usize = 3;

/// Connections and subscriptions of the event hub.
#[derive(Debug, Default)]
pub struct HubState {
    connections: Mutex<Vec<Timestamp>>,
    subscriptions: Mutex<BTreeMap<i64, Timestamp>>,
    generation: AtomicU64,
}

impl HubState {
    /// Breaks all connections without a close frame.
    pub fn break_connections(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns the number of connections that were tried so far.
    #[must_use]
    pub fn connections_opened(&self) -> usize {
        lock(&self.connections).len()
    }

    /// Returns the numbers of the contacts that were ever subscribed to.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<i64> {
        lock(&self.subscriptions).keys().copied().collect()
    }

    /// Counts a connection and returns whether it is within the limit of a minute.
    pub(super) fn connect(&self, now: Timestamp) -> bool {
        let mut connections = lock(&self.connections);
        connections.push(now);
        let minute_ago = now - SignedDuration::from_mins(1);
        let recent = connections.iter().filter(|at| **at > minute_ago).count();
        recent <= CONNECTIONS_PER_MINUTE
    }

    /// Returns a number that changes when all connections are to break.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Subscribes to a contact and returns whether the subscription was there already.
    pub(super) fn subscribe(&self, number: i64, now: Timestamp, ends: bool) -> bool {
        let was_there = self.is_subscribed(number, now, ends);
        lock(&self.subscriptions).insert(number, now);
        was_there
    }

    /// Returns whether somebody is subscribed to a contact; subscriptions end after five minutes if they do `ends`.
    pub(super) fn is_subscribed(&self, number: i64, now: Timestamp, ends: bool) -> bool {
        let subscriptions = lock(&self.subscriptions);
        let since = subscriptions.get(&number);
        since.is_some_and(|since| !ends || now < *since + SUBSCRIPTION)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
