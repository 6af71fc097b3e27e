//! The chat session of an agent: receives the agent's conversations live, scores and archives them, raises escalations, and
//! sends what the agent writes.
//!
//! # Trigger
//!
//! A schedule invokes the function once a minute with an [`Event`] that may name agents; without names the agents of the
//! configuration are meant. [`handle`] runs one [`session`] per agent until shortly before the deadline of the invocation. An
//! agent whose lease another invocation holds is left to it. The command `chat` and the local server run the same sessions.
//!
//! # One session, step by step
//!
//! 1. The session takes the lease of its agent. While the lease is held, a task renews it; if it is lost, the session ends
//!    without touching anything that belongs to the new holder.
//! 2. The session reads what the previous session left: outages, messages that are not known to have arrived, and open
//!    conversations with their escalations. If the previous session died, the agent is set offline first.
//! 3. The session connects to the stream. It reconnects with backoff and changes to a connection with a fresh token before the
//!    old token expires. After each reconnect, the transcripts of the active conversations are read for missed messages.
//! 4. Arrivals are taken in batches. A conversation that is not known yet is noted as open before any of its messages is
//!    stored. All messages of a batch are stored, and only then acted on.
//! 5. Each stored message is processed within the rate of its conversation: it is scored by the lexicon, an escalation is
//!    stored and its notification queued, the message is handed to the model, and an update is published. Messages above the
//!    rate wait in memory, and above that in the store.
//! 6. A message that the agent sends is stored together with a note, and written to the stream at the agent's rate. The note is
//!    removed when the message is known to have arrived; until then, a break or a crash leads to sending it again
//!    ([`insights_core::chat::outbox`] says when exactly).
//! 7. A conversation that has ended, or was silent for too long, is archived: its stored messages, its transcript and its
//!    previous archive are merged. After a complete archive the note that the conversation is open is removed.
//! 8. Shortly before the deadline the session hands over: it releases the lease, and receives and stores until the successor
//!    is connected, so that no message is missed. If no successor comes, it takes the lease again and ends as in step 9.
//! 9. A session that is stopped sets the agent offline, closes the stream, processes everything that is pending, archives
//!    all conversations, and releases the lease.
//!
//! # Reads and writes
//!
//! | place | items |
//! |---|---|
//! | state store | the items that [`records`] lists: lease, session, notes, messages, escalations, spilled messages |
//! | object store | `archive/{conversation}.jsonl`, see [`archive`] |
//! | contact center | reads the chat stream and transcripts; sends messages; sets presence and availability |
//! | webhook, SNS topic | notifications of escalations, without the text of a message, see [`notify`] |
//!
//! # Idempotency
//!
//! Every step may be repeated, by the same session or by another one:
//!
//! | what | key | repeated |
//! |---|---|---|
//! | message | its identity: conversation, sender, time, text | overwrites the same item |
//! | escalation | conversation and severity | the second write is refused, and nobody is notified again |
//! | notification | `escalation-{conversation}-{severity}` | receivers drop it by the header `Idempotency-Key` |
//! | message to send | its identity | the contact center shows one message |
//! | archive | conversation | the merge is a union by identity: the same lines |

pub mod archive;
pub mod config;
pub mod deps;
pub mod notify;
pub mod records;
pub mod scoring;
pub mod session;

use std::sync::Arc;
use std::time::Duration;

use runtime::lambda::Invocation;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

pub use crate::deps::Deps;
use crate::session::{Options, Outcome, Summary};

/// The event that triggers the function. Unknown fields are ignored, since EventBridge adds many.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Event {
    /// The agents to run sessions for; without any, the agents of the configuration are meant.
    #[serde(default)]
    pub agents: Vec<String>,
}

/// The reply of an invocation: what it did.
#[derive(Debug, Clone, Serialize)]
pub struct Reply {
    /// One entry per agent, in the order of the agents' names.
    pub sessions: Vec<AgentReply>,
}

/// What became of the session of one agent.
#[derive(Debug, Clone, Serialize)]
pub struct AgentReply {
    /// The id of the agent.
    pub agent: String,
    /// How the session ended.
    pub outcome: Outcome,
    /// What the session did; absent if another session holds the lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// Runs the sessions of the agents until shortly before the deadline of the invocation.
///
/// # Errors
/// If the session of an agent failed. The sessions of the other agents run to their end before the error is returned.
pub async fn handle(
    deps: &Arc<Deps>,
    event: Event,
    invocation: Invocation,
) -> anyhow::Result<Reply> {
    let mut agents = if event.agents.is_empty() {
        deps.config.agents.clone()
    } else {
        event.agents
    };
    agents.sort_unstable();
    agents.dedup();
    config::check_agents(&agents)?;
    let mut sessions = JoinSet::new();
    for agent in agents {
        let options = Options {
            deadline: Some(invocation.deadline.into()),
            // Another invocation that holds a lease works for minutes: waiting for the lease is pointless.
            lease_wait: Duration::ZERO,
            ..Options::new(format!("{}/{agent}", invocation.request_id))
        };
        let deps = Arc::clone(deps);
        sessions.spawn(async move {
            let result = session::run(deps, &agent, options).await;
            (agent, result)
        });
    }
    reply(sessions.join_all().await)
}

fn reply(mut results: Vec<(String, anyhow::Result<session::Report>)>) -> anyhow::Result<Reply> {
    results.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let mut sessions = Vec::new();
    let mut failed = None;
    for (agent, result) in results {
        match result {
            Ok(report) => sessions.push(AgentReply {
                agent,
                outcome: report.outcome,
                summary: report.summary,
            }),
            Err(error) => {
                failed = Some(error.context(format!("the session of agent {agent} failed")))
            }
        }
    }
    failed.map_or(Ok(Reply { sessions }), Err)
}
