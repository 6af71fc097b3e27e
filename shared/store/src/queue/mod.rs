//! The queue between the webhook and the embedding writer: at least once, with a visibility timeout and a dead-letter side.

#[cfg(feature = "queue")]
mod dead_letters;
#[cfg(feature = "embedded")]
mod sqlite;
#[cfg(feature = "queue")]
mod sqs;

use std::future::Future;
use std::time::Duration;

use crate::Error;

#[cfg(feature = "queue")]
pub use dead_letters::{HeldLetter, SqsDeadLetters};
#[cfg(feature = "embedded")]
pub use sqlite::{DeadLetter, SqliteQueue};
#[cfg(feature = "queue")]
pub use sqs::Sqs;

/// Messages that one [`Queue::receive`] gives at most; SQS's limit.
pub const RECEIVE_MAX: usize = 10;
/// Bytes of a body: 256 KB, less the room that a dead letter's reason needs.
pub const BODY_MAX_BYTES: usize = 252 * 1024;
/// Bytes that a dead letter keeps of its reason.
const REASON_MAX_BYTES: usize = 1024;

/// A message taken from the queue; it comes again unless it is deleted before its visibility timeout ends.
#[derive(Debug, Clone)]
pub struct Message {
    /// The queue's id of the message, the same at every delivery.
    pub id: String,
    /// What [`Queue::delete`] takes; new at every delivery.
    pub receipt: String,
    /// What was sent, at most [`BODY_MAX_BYTES`].
    pub body: String,
    /// How often it has been delivered, this time included.
    pub deliveries: u32,
}

/// A queue of messages.
pub trait Queue: Send + Sync {
    /// Puts a message in the queue; it is durable when this returns. Gives the queue's id of it.
    ///
    /// # Errors
    /// [`Error::Limit`] if the body is empty, too long or holds control characters that JSON would have escaped.
    fn send(&self, body: &str) -> impl Future<Output = Result<String, Error>> + Send;

    /// Up to `limit` (at most [`RECEIVE_MAX`]) messages, waiting up to `wait` (at most 20 s) for the first; each hidden from
    /// others for `visible_after` (whole seconds).
    fn receive(
        &self,
        limit: usize,
        wait: Duration,
        visible_after: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, Error>> + Send;

    /// Deletes a delivered message. One deleted already is success.
    fn delete(&self, receipt: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Moves a delivered message to the dead-letter side with the reason why it cannot be processed.
    fn bury(
        &self,
        message: &Message,
        reason: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The queue of a running function, chosen at start.
#[derive(Debug, Clone)]
pub enum AnyQueue {
    /// SQS.
    #[cfg(feature = "queue")]
    Sqs(Sqs),
    /// A table of a SQLite file.
    #[cfg(feature = "embedded")]
    Sqlite(SqliteQueue),
}

macro_rules! each {
    ($self:ident, $queue:ident => $call:expr) => {
        match $self {
            #[cfg(feature = "queue")]
            AnyQueue::Sqs($queue) => $call,
            #[cfg(feature = "embedded")]
            AnyQueue::Sqlite($queue) => $call,
        }
    };
}

impl Queue for AnyQueue {
    async fn send(&self, body: &str) -> Result<String, Error> {
        each!(self, queue => queue.send(body).await)
    }

    async fn receive(
        &self,
        limit: usize,
        wait: Duration,
        visible_after: Duration,
    ) -> Result<Vec<Message>, Error> {
        each!(self, queue => queue.receive(limit, wait, visible_after).await)
    }

    async fn delete(&self, receipt: &str) -> Result<(), Error> {
        each!(self, queue => queue.delete(receipt).await)
    }

    async fn bury(&self, message: &Message, reason: &str) -> Result<(), Error> {
        each!(self, queue => queue.bury(message, reason).await)
    }
}

/// Whether a body may be sent.
fn check(body: &str) -> Result<(), Error> {
    let refused = |limit: String| Err(Error::limit("a message", limit));
    if body.is_empty() || body.len() > BODY_MAX_BYTES {
        return refused(format!(
            "the body has {} bytes, allowed are 1 to {BODY_MAX_BYTES}",
            body.len()
        ));
    }
    // What XML cannot carry, SQS refuses.
    match body
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{7f}'..='\u{9f}'))
    {
        Some(bad) => refused(format!("the body holds the control character {bad:?}")),
        None => Ok(()),
    }
}

/// The start of a reason, so that it fits beside the body.
fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_MAX_BYTES)]
}
