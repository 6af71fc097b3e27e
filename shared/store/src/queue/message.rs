//! Messages, and what every queue does with them.

use std::future::Future;
use std::time::Duration;

use crate::Error;

/// Most messages that one [`Queue::receive`] returns, which is the limit of SQS.
pub const RECEIVE_MAX: usize = 10;
/// Largest size of a body, in bytes: 256 KB, less the room that the reason of a dead letter needs.
pub const BODY_MAX_BYTES: usize = 252 * 1024;
/// Largest size of the reason that a dead letter keeps, in bytes.
const REASON_MAX_BYTES: usize = 1024;

/// A message that was taken from the queue. The message comes again unless it is deleted before its visibility timeout
/// ends, or before the time that [`Queue::give_back`] has set.
#[derive(Debug, Clone)]
pub struct Message {
    /// The id that the queue gave the message, the same at every delivery.
    pub id: String,
    /// The receipt that [`Queue::delete`] takes; a new one at every delivery.
    pub receipt: String,
    /// The text that was sent, at most [`BODY_MAX_BYTES`].
    pub body: String,
    /// How often the message has been delivered, this time included.
    pub deliveries: u32,
}

/// A queue of messages.
pub trait Queue: Send + Sync {
    /// Puts a message in the queue, and returns the id that the queue gave it. The message is durable when this returns.
    ///
    /// # Errors
    /// [`Error::Limit`] if the body is empty, too long or holds control characters that JSON would have escaped.
    fn send(&self, body: &str) -> impl Future<Output = Result<String, Error>> + Send;

    /// Takes up to `limit` (at most [`RECEIVE_MAX`]) messages, waiting up to `wait` (at most 20 s) for the first of them.
    /// Each message is hidden from other receivers for `visible_after` (whole seconds).
    ///
    /// # Errors
    /// [`Error::Missing`] without the queue, [`Error::Unavailable`] without an answer.
    fn receive(
        &self,
        limit: usize,
        wait: Duration,
        visible_after: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, Error>> + Send;

    /// Deletes a delivered message. A message that was deleted already is success.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without an answer; the message then comes again.
    fn delete(&self, receipt: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Gives delivered messages back: each becomes visible again after its time (whole seconds, rounded up), and no longer at the
    /// end of its visibility timeout. A message that was deleted already, or is visible again, is left as it is.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the time of a message may not have been changed; it then comes again at the end of its
    /// visibility timeout. The other messages are given back all the same.
    fn give_back(
        &self,
        messages: &[(&Message, Duration)],
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Puts a delivered message among the dead letters, with the reason why it cannot be processed. The caller then deletes
    /// the message as one that was processed, or whoever deletes for the caller does; a crash in between leaves the message
    /// twice, never nowhere.
    ///
    /// # Errors
    /// [`Error::Missing`] without a dead-letter queue, [`Error::Unavailable`] without an answer; the message then comes
    /// again.
    fn dead_letter(
        &self,
        message: &Message,
        reason: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Checks that a body may be sent.
pub(super) fn check_body(body: &str) -> Result<(), Error> {
    if body.is_empty() || body.len() > BODY_MAX_BYTES {
        let limit = format!(
            "the body has {} bytes, allowed are 1 to {BODY_MAX_BYTES}",
            body.len()
        );
        return Err(Error::limit("a message", limit));
    }
    // SQS refuses what XML cannot carry.
    let refused = body
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{7f}'..='\u{9f}'));
    match refused {
        Some(bad) => {
            let limit = format!("the body holds the control character {bad:?}");
            Err(Error::limit("a message", limit))
        }
        None => Ok(()),
    }
}

/// Returns a reason that fits beside the body; one that is empty is replaced.
pub(super) fn stored_reason(reason: &str) -> &str {
    if reason.is_empty() {
        "not given"
    } else {
        &reason[..reason.floor_char_boundary(REASON_MAX_BYTES)]
    }
}
