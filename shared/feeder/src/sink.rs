//! Where conversations are put.

use std::sync::Arc;

use futures::future::BoxFuture;
use insights_http::Deadline;
use store::queue::{AnyQueue, Queue};

/// A place that takes conversations in the form in which the webhook sends them. Taking the same conversation again must change
/// nothing.
pub trait ConversationSink: std::fmt::Debug + Send + Sync {
    /// Takes a conversation, which is durable when this returns.
    ///
    /// # Errors
    /// If the conversation was not taken; it is put there again later.
    fn put<'a>(&'a self, event: &'a str, deadline: Deadline) -> BoxFuture<'a, anyhow::Result<()>>;
}

/// A sink that several tasks share.
pub type SharedSink = Arc<dyn ConversationSink>;

/// The embedding queue, which the embedding writer takes conversations from.
#[derive(Debug)]
pub struct QueueSink {
    queue: AnyQueue,
}

impl QueueSink {
    /// Builds the sink of a queue.
    #[must_use]
    pub fn new(queue: AnyQueue) -> Self {
        Self { queue }
    }
}

impl ConversationSink for QueueSink {
    fn put<'a>(&'a self, event: &'a str, _deadline: Deadline) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            self.queue.send(event).await?;
            Ok(())
        })
    }
}
