//! A queue behind a pointer, for queues that the product does not know by type.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::message::{Message, Queue};
use crate::Error;

/// A [`Queue`] whose futures are boxed, so that it can be used through a pointer. Every queue is one.
pub trait ErasedQueue: std::fmt::Debug + Send + Sync {
    /// Does what [`Queue::send`] does.
    fn send_boxed<'a>(&'a self, body: &'a str) -> BoxFuture<'a, Result<String, Error>>;

    /// Does what [`Queue::receive`] does.
    fn receive_boxed(
        &self,
        limit: usize,
        wait: Duration,
        visible_after: Duration,
    ) -> BoxFuture<'_, Result<Vec<Message>, Error>>;

    /// Does what [`Queue::delete`] does.
    fn delete_boxed<'a>(&'a self, receipt: &'a str) -> BoxFuture<'a, Result<(), Error>>;

    /// Does what [`Queue::give_back`] does.
    fn give_back_boxed<'a>(
        &'a self,
        messages: &'a [(&'a Message, Duration)],
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Does what [`Queue::dead_letter`] does.
    fn dead_letter_boxed<'a>(
        &'a self,
        message: &'a Message,
        reason: &'a str,
    ) -> BoxFuture<'a, Result<(), Error>>;
}

impl<T: Queue + std::fmt::Debug> ErasedQueue for T {
    fn send_boxed<'a>(&'a self, body: &'a str) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(Queue::send(self, body))
    }

    fn receive_boxed(
        &self,
        limit: usize,
        wait: Duration,
        visible_after: Duration,
    ) -> BoxFuture<'_, Result<Vec<Message>, Error>> {
        Box::pin(Queue::receive(self, limit, wait, visible_after))
    }

    fn delete_boxed<'a>(&'a self, receipt: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(Queue::delete(self, receipt))
    }

    fn give_back_boxed<'a>(
        &'a self,
        messages: &'a [(&'a Message, Duration)],
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(Queue::give_back(self, messages))
    }

    fn dead_letter_boxed<'a>(
        &'a self,
        message: &'a Message,
        reason: &'a str,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(Queue::dead_letter(self, message, reason))
    }
}

impl Queue for Arc<dyn ErasedQueue> {
    async fn send(&self, body: &str) -> Result<String, Error> {
        (**self).send_boxed(body).await
    }

    async fn receive(
        &self,
        limit: usize,
        wait: Duration,
        visible_after: Duration,
    ) -> Result<Vec<Message>, Error> {
        (**self).receive_boxed(limit, wait, visible_after).await
    }

    async fn delete(&self, receipt: &str) -> Result<(), Error> {
        (**self).delete_boxed(receipt).await
    }

    async fn give_back(&self, messages: &[(&Message, Duration)]) -> Result<(), Error> {
        (**self).give_back_boxed(messages).await
    }

    async fn dead_letter(&self, message: &Message, reason: &str) -> Result<(), Error> {
        (**self).dead_letter_boxed(message, reason).await
    }
}
