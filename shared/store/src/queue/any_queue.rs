//! The queue of a running function, which is chosen at start.

use std::sync::Arc;
use std::time::Duration;

use super::erased::ErasedQueue;
use super::message::{Message, Queue};
#[cfg(feature = "embedded")]
use super::sqlite::SqliteQueue;
#[cfg(feature = "queue")]
use super::sqs::Sqs;
use crate::Error;

/// The queue of a running function, chosen at start. Clones share the queue.
#[derive(Debug, Clone)]
pub enum AnyQueue {
    /// A queue of SQS.
    #[cfg(feature = "queue")]
    Sqs(Sqs),
    /// A table of a SQLite file.
    #[cfg(feature = "embedded")]
    Sqlite(SqliteQueue),
    /// Another queue, such as that of a simulation.
    Other(Arc<dyn ErasedQueue>),
}

impl AnyQueue {
    /// Wraps another queue than those of the product.
    #[must_use]
    pub fn other(queue: impl Queue + std::fmt::Debug + 'static) -> Self {
        Self::Other(Arc::new(queue))
    }
}

/// Calls the queue that was chosen.
macro_rules! with_queue {
    ($self:ident, $queue:ident => $call:expr) => {
        match $self {
            #[cfg(feature = "queue")]
            AnyQueue::Sqs($queue) => $call,
            #[cfg(feature = "embedded")]
            AnyQueue::Sqlite($queue) => $call,
            AnyQueue::Other($queue) => $call,
        }
    };
}

impl Queue for AnyQueue {
    async fn send(&self, body: &str) -> Result<String, Error> {
        with_queue!(self, queue => queue.send(body).await)
    }

    async fn receive(
        &self,
        limit: usize,
        wait: Duration,
        visible_after: Duration,
    ) -> Result<Vec<Message>, Error> {
        with_queue!(self, queue => queue.receive(limit, wait, visible_after).await)
    }

    async fn delete(&self, receipt: &str) -> Result<(), Error> {
        with_queue!(self, queue => queue.delete(receipt).await)
    }

    async fn give_back(&self, messages: &[(&Message, Duration)]) -> Result<(), Error> {
        with_queue!(self, queue => queue.give_back(messages).await)
    }

    async fn dead_letter(&self, message: &Message, reason: &str) -> Result<(), Error> {
        with_queue!(self, queue => queue.dead_letter(message, reason).await)
    }
}
