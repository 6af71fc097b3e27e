//! Chat: the stream, presence, routing and transcripts.
//!
//! Every message is in its conversation's transcript as soon as it is said and goes to the connections that are open at
//! that moment; one that is missed comes no second time. See [`State`] for what tests can do, [`script`] for what a
//! scenario can set up, and [`Troubles`] for what goes wrong by chance.

mod control;
mod rest;
pub mod script;
mod state;
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
