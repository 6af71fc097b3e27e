//! The queue between the webhook and the embedding writer: at least once, with a visibility timeout and a dead-letter side.

use std::future::Future;
use std::time::Duration;

use crate::Error;

/// A message taken from the queue; it comes again unless it is deleted before its visibility timeout ends.
#[derive(Debug, Clone)]
pub struct Message {
    /// The queue's id of the message, the same at every delivery.
    pub id: String,
    /// What [`Queue::delete`] takes; new at every delivery.
    pub receipt: String,
    /// What was sent, at most 256 KB.
    pub body: String,
    /// How often it has been delivered, this time included.
    pub deliveries: u32,
}

/// A queue of messages.
pub trait Queue: Send + Sync {
    /// Puts a message in the queue; it is durable when this returns. Gives the queue's id of it.
    fn send(&self, body: &str) -> impl Future<Output = Result<String, Error>> + Send;

    /// Up to `limit` (at most 10) messages, waiting up to `wait` for the first; each hidden from others for `visible_after`.
    fn receive(
        &self,
        limit: usize,
        wait: Duration,
        visible_after: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, Error>> + Send;

    /// Deletes a delivered message. One deleted already is success.
    fn delete(&self, receipt: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Moves a delivered message to the dead-letter side with the reason why it cannot be processed.
    fn bury(&self, message: &Message, reason: &str) -> impl Future<Output = Result<(), Error>> + Send;
}
