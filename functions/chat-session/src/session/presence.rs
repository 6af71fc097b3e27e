//! The presence and availability of an agent at the contact center, kept up to date by a task.

use std::sync::Arc;
use std::time::Duration;

use cxone::chat::{set_availability, set_presence};
use insights_core::WithCauses;
use insights_core::chat::availability::availability;
use insights_http::Deadline;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::deps::Deps;

/// Presence of an agent who takes chats.
const AVAILABLE: &str = "available";
/// Presence of an agent whose session has ended.
const OFFLINE: &str = "offline";
/// Time limit of one call, its retries included.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Wait after a failed call.
const RETRY_WAIT: Duration = Duration::from_secs(3);
/// Wait after a change of the number of chats, so that chats which are assigned together make one call.
const SETTLE_WAIT: Duration = Duration::from_millis(100);

/// The task that keeps an agent's presence and availability up to date.
#[derive(Debug)]
pub(super) struct PresenceKeeper {
    deps: Arc<Deps>,
    agent: String,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl PresenceKeeper {
    /// Creates a keeper that leaves the presence as it is until [`Self::start`].
    pub(super) fn new(deps: Arc<Deps>, agent: &str) -> Self {
        Self {
            deps,
            agent: agent.to_owned(),
            stop: CancellationToken::new(),
            task: None,
        }
    }

    /// Makes the agent available, and from now on sets the availability that follows from the number of active chats.
    pub(super) fn start(&mut self, active: watch::Receiver<usize>) {
        if self.task.is_none() {
            let (deps, agent, stop) = (
                Arc::clone(&self.deps),
                self.agent.clone(),
                self.stop.clone(),
            );
            self.task = Some(tokio::spawn(keep_up_to_date(deps, agent, active, stop)));
        }
    }

    /// Ends the task and leaves the presence as it is, since a successor keeps it.
    pub(super) async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // The task is not aborted: a call under way must end first, or it could arrive after a later call.
            let _ = task.await;
        }
    }

    /// Ends the task and sets the agent offline.
    pub(super) async fn stop_and_set_offline(&mut self) {
        self.stop().await;
        set_offline(&self.deps, &self.agent).await;
    }
}

/// Sets the presence of an agent to offline, and logs a failure.
pub(super) async fn set_offline(deps: &Deps, agent: &str) {
    let deadline = Deadline::within(CALL_TIMEOUT);
    match set_presence(&deps.client, agent, OFFLINE, deadline).await {
        Ok(()) => tracing::info!(agent_id = agent, "the agent was set offline"),
        Err(error) => tracing::error!(
            agent_id = agent,
            cause = %WithCauses(&error),
            "the agent could not be set offline"
        ),
    }
}

async fn keep_up_to_date(
    deps: Arc<Deps>,
    agent: String,
    mut active: watch::Receiver<usize>,
    stop: CancellationToken,
) {
    let (mut is_available, mut last_availability) = (false, None);
    loop {
        let wanted = availability(*active.borrow_and_update(), deps.config.maximum_chats);
        let set = async {
            if !is_available {
                let deadline = Deadline::within(CALL_TIMEOUT);
                set_presence(&deps.client, &agent, AVAILABLE, deadline).await?;
                is_available = true;
            }
            if last_availability != Some(wanted) {
                let deadline = Deadline::within(CALL_TIMEOUT);
                let skills = &deps.config.skills;
                set_availability(&deps.client, &agent, wanted, skills, deadline).await?;
                last_availability = Some(wanted);
            }
            Ok::<_, cxone::Error>(())
        };
        let has_failed = set
            .await
            .inspect_err(|error| {
                tracing::warn!(
                    agent_id = agent,
                    cause = %WithCauses(error),
                    "presence or availability of the agent was not set"
                );
            })
            .is_err();
        let pause = async {
            if has_failed {
                tokio::time::sleep(RETRY_WAIT).await;
            } else if active.changed().await.is_ok() {
                tokio::time::sleep(SETTLE_WAIT).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = pause => {}
            () = stop.cancelled() => return,
        }
    }
}
