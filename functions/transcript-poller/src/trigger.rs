//! The event that starts the function.

use serde::{Deserialize, Serialize};

/// The event that starts the function: a schedule's event, none of whose fields matter, or `{"shard": n}`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct Trigger {
    /// Shard whose calls are followed. A schedule's event has none: it means shard 0, and that the other shards are started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
}
