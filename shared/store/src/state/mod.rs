//! State: small JSON items under a partition and a sort key, with versions, conditional writes and expiry.
//!
//! One table holds tokens, leases, interactions, idempotency marks and pending messages. An item whose expiry has passed
//! does not exist, whether or not the store has deleted it yet (DynamoDB deletes expired items late).

mod any_state;
#[cfg(feature = "aws")]
mod dynamo;
mod erased;
mod item;
pub mod lease;
#[cfg(feature = "embedded")]
mod sqlite;
mod state_store;

pub use any_state::State;
#[cfg(feature = "aws")]
pub use dynamo::{Capacity, DynamoState, TABLE_ATTRIBUTES};
pub use erased::ErasedStateStore;
pub use item::{BODY_MAX_BYTES, Expect, Item, KEY_MAX_BYTES, Key, Put};
#[cfg(feature = "embedded")]
pub use sqlite::SqliteState;
pub use state_store::StateStore;
