//! One agent's session, from its lease to its end.

mod agent;
mod archives;
mod desk;
mod escalate;
mod finish;
mod intake;
mod lease;
mod link;
mod outbound;
mod recover;
mod score;
mod turn;
mod updates;
mod work;

use std::sync::Arc;
use std::time::Duration;

use insights_core::chat::envelope::MalformedCounts;
use insights_core::chat::pace::PaceCounts;
use insights_core::chat::sla::SlaSummary;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use updates::Update;

use crate::Deps;

/// How a session is run.
#[derive(Debug)]
pub struct Options {
    /// Who holds the lease; unique a worker.
    pub holder: String,
    /// When it must have ended; it hands over before.
    pub deadline: Option<Instant>,
    /// How long to wait for another worker's lease to end.
    pub lease_wait: Duration,
    /// Ends the session: archives everything, presence offline.
    pub stop: CancellationToken,
    /// Where what happens is shown; what a slow reader cannot take is left out.
    pub updates: Option<mpsc::Sender<Update>>,
    /// Messages to send.
    pub outbound: Option<mpsc::Receiver<Outgoing>>,
}

impl Options {
    /// A session without a deadline that waits for nobody and shows nothing.
    #[must_use]
    pub fn new(holder: String) -> Self {
        let stop = CancellationToken::new();
        Self {
            holder,
            deadline: None,
            lease_wait: Duration::ZERO,
            stop,
            updates: None,
            outbound: None,
        }
    }
}

/// A message that the agent sends.
#[derive(Debug)]
pub struct Outgoing {
    /// In which conversation.
    pub conversation_id: String,
    /// What.
    pub text: String,
    /// Answered once the message is stored and on its way, or with why it is not.
    pub taken: oneshot::Sender<Result<(), String>>,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Another worker holds the lease: nothing was done.
    Held,
    /// It was stopped, or came to its deadline with no successor: archived, presence offline.
    Ended,
    /// A successor took over.
    HandedOver,
    /// The lease was lost: another worker goes on.
    Lost,
}

/// What a session did. Messages are counted once each, however often they came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Messages received by stream.
    pub messages: u64,
    /// Messages that only the transcript had, after the stream was down.
    pub recovered: u64,
    /// Messages that came again.
    pub duplicates: u64,
    /// Messages sent; one that a session before wrote and this one heard back counts for both.
    pub sent: u64,
    /// Frames that were none.
    pub malformed: MalformedCounts,
    /// Which way messages took to their turn.
    pub pace: PaceCounts,
    /// From send to receive.
    pub sla: SlaSummary,
    /// From the socket to the session, stored, of messages that did not have to wait for their turn, in milliseconds:
    /// half, 95 %, 99 % and all of them took no longer.
    pub added_ms: [Option<f64>; 4],
    /// Connections opened.
    pub connections: u64,
    /// Escalations raised.
    pub escalations: u64,
    /// Conversations archived.
    pub archived: u64,
    /// Messages that the model had no time for.
    pub unscored: u64,
    /// Updates that were not shown, as their reader was slow.
    pub not_shown: u64,
}

/// How a session ended and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// What it did, unless it did nothing.
    pub summary: Option<Summary>,
}

/// Runs an agent's session until it is stopped, its deadline comes, or its lease is lost.
///
/// # Errors
/// If the stores fail for good, or a conversation could not be archived: what is stored is safe, and the next session of
/// the agent archives it.
pub async fn run(deps: Arc<Deps>, agent: &str, options: Options) -> anyhow::Result<Report> {
    let Some(lease) = lease::Held::take(&deps, agent, &options).await? else {
        return Ok(Report {
            outcome: Outcome::Held,
            summary: None,
        });
    };
    let desk = recover::recover(deps, agent, &options, &lease).await?;
    finish::work(desk, lease, options).await
}
