//! The queue between the webhook and the embedding writer: messages are delivered at least once, are hidden while they are
//! worked on, and become dead letters when they cannot be processed.

mod any_queue;
#[cfg(feature = "queue")]
mod dead_letters;
mod erased;
mod message;
#[cfg(feature = "embedded")]
mod sqlite;
#[cfg(feature = "queue")]
mod sqs;

pub use any_queue::AnyQueue;
#[cfg(feature = "queue")]
pub use dead_letters::{HeldDeadLetter, SqsDeadLetters};
pub use erased::ErasedQueue;
pub use message::{BODY_MAX_BYTES, Message, Queue, RECEIVE_MAX};
#[cfg(feature = "embedded")]
pub use sqlite::{DeadLetter, SqliteQueue};
#[cfg(feature = "queue")]
pub use sqs::Sqs;
