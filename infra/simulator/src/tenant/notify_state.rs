//! What tests do to the socket of live transcripts, and what they see of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The state of the socket of live transcripts, over all of its connections.
#[derive(Debug, Default)]
pub struct NotifyState {
    generation: AtomicU64,
    connections: AtomicU64,
    heartbeats: AtomicU64,
    repeats: AtomicU64,
    is_deaf: AtomicBool,
    subscriptions: Mutex<Vec<i64>>,
}

impl NotifyState {
    /// Breaks all connections without a close frame.
    pub fn break_connections(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Sends everything again that was sent over the open connections, with the same ids.
    pub fn repeat_all(&self) {
        self.repeats.fetch_add(1, Ordering::SeqCst);
    }

    /// Stops or begins to acknowledge heartbeats.
    pub fn set_deaf(&self, is_deaf: bool) {
        self.is_deaf.store(is_deaf, Ordering::SeqCst);
    }

    /// Returns the number of connections whose token was accepted.
    #[must_use]
    pub fn connections_opened(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// Returns the number of heartbeats that clients have sent.
    #[must_use]
    pub fn heartbeats(&self) -> u64 {
        self.heartbeats.load(Ordering::SeqCst)
    }

    /// Returns the contacts that clients have asked for, each as often as it was asked for, refusals included.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<i64> {
        let subscriptions = self.subscriptions.lock();
        subscriptions
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn note_connection(&self) {
        self.connections.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts a heartbeat and returns whether it is to be acknowledged.
    pub(super) fn note_heartbeat(&self) -> bool {
        self.heartbeats.fetch_add(1, Ordering::SeqCst);
        !self.is_deaf.load(Ordering::SeqCst)
    }

    pub(super) fn note_subscription(&self, contact: i64) {
        let subscriptions = self.subscriptions.lock();
        subscriptions
            .unwrap_or_else(PoisonError::into_inner)
            .push(contact);
    }

    /// Returns a number that changes when all connections are to break.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Returns a number that changes when everything is to be sent again.
    pub(super) fn repeats(&self) -> u64 {
        self.repeats.load(Ordering::SeqCst)
    }
}
