//! The chat system: the stream, presence, routing and transcripts.
//!
//! Every message is part of its conversation's transcript as soon as it is said, and is sent to the connections that are
//! open at that time. A message that a client misses is not sent again. [`State`] has the operations of tests, [`script`]
//! the set-up of scenarios, and [`Troubles`] the faults that happen at random.

mod control;
mod rest;
pub mod script;
pub(crate) mod state;
mod stream;

pub use script::{ChatSettings, Line, ScriptedChat, Troubles};
pub use state::State;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post, put};

use crate::world::World;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/api/v2/chat/stream", get(stream::open))
        .route("/api/v2/presence/users/{id}", put(rest::presence))
        .route("/api/v2/routing/users/{id}", put(rest::routing))
        .route(
            "/api/v2/chat/conversations/{id}/transcript",
            get(rest::transcript),
        )
        .route("/_simulator/chat/messages", post(rest::say))
        .route("/_simulator/chat/agents", get(rest::agents))
}
