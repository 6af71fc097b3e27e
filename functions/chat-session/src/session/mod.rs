//! One agent's session, from taking its lease to its end.
//!
//! [`run`] goes through the modules in this order: `lease` takes the agent's lease, `recovery` restores what the previous
//! session left, `event_loop` works until the session ends, and `shutdown` ends it. In the event loop, `stream` brings events,
//! `ingest` stores them, `processing` scores messages and raises escalations, `send` sends what the agent writes,
//! `archive_queue` archives conversations, `board_rows` shows them to supervisors, and `presence` keeps the agent's presence and availability.

mod archive_queue;
mod arrival;
mod board_rows;
#[cfg(test)]
mod center_in_memory;
mod conversations;
mod escalation;
mod event_loop;
mod ingest;
mod lease;
mod loading;
mod message_queue;
mod notices;
mod options;
mod presence;
mod processing;
mod recovery;
mod removals;
mod report;
mod scoring;
mod send;
mod session_store;
mod shutdown;
mod state;
mod statistics;
mod stream;
mod stream_status;
mod tasks;
mod tenant_stream;
mod transcripts;
mod updates;

use std::sync::Arc;

use crate::deps::Deps;

pub use options::{Options, OutgoingMessage, RefusedMessage};
pub use report::{Outcome, Report, Summary};
pub use updates::Update;

/// Runs the session of an agent until the session is stopped, its deadline comes, or its lease is lost.
///
/// # Errors
/// If a store fails permanently, or a conversation could not be archived. All messages are stored by then, and the next
/// session of the agent archives them.
pub async fn run(deps: Arc<Deps>, agent: &str, options: Options) -> anyhow::Result<Report> {
    let Some(lease) = lease::acquire(&deps, agent, &options).await? else {
        return Ok(Report {
            outcome: Outcome::Held,
            summary: None,
        });
    };
    match recovery::restore(Arc::clone(&deps), agent, &options, &lease).await {
        Ok(state) => shutdown::run_to_end(state, lease, options).await,
        Err(error) => {
            // The session before this one may have left the agent available, and nobody works the agent now.
            presence::set_offline(&deps, agent).await;
            shutdown::release(lease).await;
            Err(error)
        }
    }
}
