//! Erasure: removes one conversation from every store, and records that it was done.
//!
//! Order matters. The record comes first, by which chat sessions and reports know that the conversation must not come back; then the vector
//! store, which takes no earlier event of the conversation from then on, so that a message of the queue that is processed meanwhile
//! stores nothing; then queue and dead letters, the state table, and the objects with their earlier versions.

#[cfg(feature = "erasure")]
mod eraser;
#[cfg(feature = "erasure")]
mod file_contents;
mod objects;
#[cfg(feature = "erasure")]
mod queued;
mod record;
mod state_items;

#[cfg(feature = "erasure")]
pub use self::eraser::Eraser;
pub use self::objects::ObjectCursor;
#[cfg(feature = "erasure")]
pub use self::objects::{ErasedObjects, erase_objects};
#[cfg(feature = "erasure")]
pub use self::queued::QueuedMessages;
pub use self::record::{ErasedConversations, ErasureRecord, erased_at, read_record, write_record};
pub use self::state_items::erase_state;
pub use self::state_items::listed_agents;
