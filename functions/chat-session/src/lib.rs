//! The chat session of an agent: receives the agent's conversations live, scores and archives them, raises escalations, and
//! sends what the agent writes.
//!
//! # Trigger
//!
//! A schedule invokes the function once a minute with an [`Event`] that may name agents; without names the agents of the
//! configuration are meant, or those of one shard if the event names one. [`handle`] runs one [`session`] per agent until shortly before
//! the deadline of the invocation, at the moment that [`handover`] computes. A session that fails is started again. An
//! agent whose lease another invocation holds is left to it. The command `chat` and the local server run the same sessions.
//!
//! # One session, step by step
//!
//! 1. The session takes the lease of its agent. While the lease is held, a task renews it; if it is lost, the session ends
//!    without touching anything that belongs to the new holder.
//! 2. The session reads what the previous session left: outages, messages that are not known to have arrived, and open
//!    conversations with their escalations. If the previous session died, the agent is set offline first.
//! 3. The session connects to the stream. It reconnects with backoff and changes to a connection with a fresh token before the
//!    old token expires. After each reconnect, the transcripts of the open conversations are read for missed messages, until all are
//!    read. So is the transcript of a conversation that is seen for the first time after an outage, or after the very first start.
//! 4. Arrivals are taken in batches. A conversation that is not known yet is noted as open before any of its messages is
//!    stored. All messages of a batch are stored, and only then acted on.
//! 5. Each stored message is processed within the rate of its conversation: it is scored by the lexicon, an escalation is
//!    stored with a notice, which lasts until its notification is delivered, the message is handed to the model, and an update is published. Messages above the
//!    rate wait in memory, and above that in the store.
//! 6. A message that the agent sends is stored together with a note, and written to the stream at the agent's rate. The note is
//!    removed when the message is known to have arrived; until then, a break or a crash leads to sending it again
//!    ([`insights_core::chat::outbox`] says when exactly). The notes are read at the start, a moment later, and once a minute, since the
//!    session before still takes messages while it hands over.
//! 7. A conversation that has ended, or was silent for too long, is archived: its stored messages, its transcript and its
//!    previous archive are merged. After a complete archive the note that the conversation is open is removed. A customer who writes
//!    after the end opens the conversation again.
//! 8. Shortly before the deadline the session hands over: it releases the lease, and receives and stores until the successor
//!    is connected, so that no message is missed. If no successor comes, it takes the lease again and ends as in step 9.
//! 9. A session that is stopped sets the agent offline, closes the stream, processes everything that is pending, archives
//!    all conversations, and releases the lease. A session that fails sets the agent offline and releases the lease.
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
pub mod chat_center;
pub mod config;
pub mod deps;
mod ended_hints;
pub mod gauges;
pub mod handover;
mod hub_hints;
pub mod notify;
pub mod records;
pub mod scoring;
pub mod session;
pub mod tenant_chats;

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use insights_core::WithCauses;
use insights_http::backoff::{Backoff, BackoffPolicy};
use jiff::Timestamp;
use runtime::lambda::Invocation;
use runtime::metrics;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

pub use crate::deps::Deps;
use crate::session::{Options, Outcome, Summary};

/// The event that triggers the function. Unknown fields are ignored, since EventBridge adds many.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Event {
    /// The agents to run sessions for; without any, the agents of the configuration are meant.
    #[serde(default)]
    pub agents: Vec<String>,
    /// The shard of the configured agents to run sessions for, from 0 to `CHAT_SHARDS` - 1; without it, all shards are meant.
    #[serde(default)]
    pub shard: Option<u32>,
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
/// One invocation works the sessions of [`config::MAX_AGENTS`] agents. Further agents are named in a log line and left to nobody.
///
/// # Errors
/// If the session of an agent failed at last, or there are more agents than one invocation works. The sessions of the other
/// agents run to their end before the error is returned.
pub async fn handle(
    deps: &Arc<Deps>,
    event: Event,
    invocation: Invocation,
) -> anyhow::Result<Reply> {
    let (agents, left_out) = agents_of(deps, event)?;
    metrics::gauge("chat_agents_unworked", left_out as f64);
    if left_out > 0 {
        tracing::error!(
            worked = agents.len(),
            left_out,
            "there are more agents than one invocation works, spread them over shards"
        );
    }
    let latest = invocation.stop_before(deps.config.handover);
    let now_ms = Timestamp::now().as_millisecond();
    let until = Instant::now() + handover::time_to_handover(now_ms, latest.remaining());
    let deadline = (until + deps.config.handover).min(invocation.deadline().instant());
    let mut sessions = JoinSet::new();
    for agent in agents {
        let deps = Arc::clone(deps);
        let request_id = invocation.request_id.clone();
        sessions.spawn(async move {
            let result = work(&deps, &agent, &request_id, until, deadline).await;
            (agent, result)
        });
    }
    let mut results = Vec::with_capacity(sessions.len());
    while let Some(joined) = sessions.join_next().await {
        results.push(joined?);
    }
    let reply = reply(results)?;
    ensure!(
        left_out == 0,
        "the chats of {left_out} agents are not worked: one invocation works {} agents, so set CHAT_SHARDS and name a shard in each event",
        config::MAX_AGENTS
    );
    Ok(reply)
}

/// Returns the agents that the event means, and the number of those that are too many for one invocation.
fn agents_of(deps: &Deps, event: Event) -> anyhow::Result<(Vec<String>, usize)> {
    let shards = deps.config.shards;
    let mut agents = match (event.agents, event.shard) {
        (named, _) if !named.is_empty() => named,
        (_, None) => deps.config.worked_agents(),
        (_, Some(shard)) => {
            ensure!(
                shard < shards,
                "there is no shard {shard}; CHAT_SHARDS is {shards}"
            );
            let is_in_shard = |agent: &&String| config::shard_of(agent, shards) == shard;
            let agents = deps.config.worked_agents();
            agents.iter().filter(is_in_shard).cloned().collect()
        }
    };
    agents.sort_unstable();
    agents.dedup();
    config::check_agents(&agents)?;
    let left_out = agents.len().saturating_sub(config::MAX_AGENTS);
    agents.truncate(config::MAX_AGENTS);
    Ok((agents, left_out))
}

/// Works an agent until the hand-over, and starts a session that fails again.
///
/// A session runs in a task of its own: whatever ends it, a panic included, ends neither the sessions of other agents nor this loop.
async fn work(
    deps: &Arc<Deps>,
    agent: &str,
    request_id: &str,
    until: Instant,
    deadline: Instant,
) -> anyhow::Result<session::Report> {
    let mut backoff = Backoff::new(BackoffPolicy::BATCH);
    loop {
        let options = Options {
            deadline: Some(deadline),
            // Another invocation that holds a lease works for minutes: waiting for the lease is pointless.
            lease_wait: Duration::ZERO,
            // A random part, because a request may be delivered twice.
            ..Options::new(format!(
                "{request_id}/{agent}/{:016x}",
                rand::random::<u64>()
            ))
        };
        let (session_deps, session_agent) = (Arc::clone(deps), agent.to_owned());
        let session =
            tokio::spawn(async move { session::run(session_deps, &session_agent, options).await });
        let result = AbortOnDropHandle::new(session)
            .await
            .unwrap_or_else(|panic| Err(panic.into()));
        let Err(error) = result else {
            return result;
        };
        metrics::count("chat_session_failures", 1);
        let wait = backoff.next_delay(rand::random());
        if Instant::now() + wait >= until {
            return Err(error);
        }
        tracing::error!(
            agent_id = agent,
            cause = %WithCauses(error.as_ref()),
            "the session of an agent failed and is started again"
        );
        tokio::time::sleep(wait).await;
    }
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
