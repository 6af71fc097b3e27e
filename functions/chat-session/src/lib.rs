//! The worker of an agent's chat session.
//!
//! One lease an agent: whoever holds it keeps the stream connected, stores every message before anything else is done with
//! it, scores it, escalates, keeps presence and availability true, and archives conversations that end. [`session::run`] is
//! the same for a Lambda invocation ([`handle`]), which hands over to the next one before its deadline, for the command
//! `chat`, and for the worker of the local server.
//!
//! State, all under conditional writes or idempotent keys ([`records`]): a message is stored under its identity, so that a
//! repeat overwrites itself; an escalation is stored once a severity before anybody is told; an archive is a union, so that
//! writing it twice is writing it once.

pub mod archive;
pub mod config;
pub mod notify;
pub mod records;
pub mod scoring;
pub mod session;
pub mod start;

use std::sync::Arc;
use std::time::Duration;

use insights_core::chat::escalation::EscalationDetector;
use runtime::lambda::Invocation;
use serde::{Deserialize, Serialize};
use store::objects::Objects;
use store::state::State;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::notify::Notifier;
use crate::scoring::Scorer;
use crate::session::{Options, Outcome, Summary};

/// What the function needs; built once at start.
#[derive(Debug)]
pub struct Deps {
    /// The configuration.
    pub config: Config,
    /// The contact centre, with the chat's scopes.
    pub client: cxone::CxoneClient,
    /// The HTTP client of the stream.
    pub stream: reqwest::Client,
    /// State: leases, messages, marks.
    pub state: State,
    /// Objects: the archive.
    pub objects: Objects,
    /// Who is told of escalations.
    pub notifier: Notifier,
    /// The model beside the lexicon.
    pub scorer: Scorer,
    /// The escalation lists, compiled.
    pub escalation: EscalationDetector,
}

/// The schedule's event. Fields it does not know are ignored: EventBridge sends many.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Event {
    /// The agents to work; those of the configuration if left out.
    #[serde(default)]
    pub agents: Vec<String>,
}

/// What an invocation did.
#[derive(Debug, Clone, Serialize)]
pub struct Reply {
    /// A session an agent, in the order of their names.
    pub sessions: Vec<AgentReply>,
}

/// What became of one agent's session.
#[derive(Debug, Clone, Serialize)]
pub struct AgentReply {
    /// The agent.
    pub agent: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What it did; absent where another worker holds the lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// Works the agents' sessions until shortly before the invocation's deadline.
///
/// # Errors
/// If any agent's session failed; the others are worked to their end before that is said.
pub async fn handle(
    deps: Arc<Deps>,
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
            // A lease that is held is another invocation's: nothing to wait for.
            lease_wait: Duration::ZERO,
            ..Options::new(format!("{}/{agent}", invocation.request_id))
        };
        let deps = Arc::clone(&deps);
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
