//! The presence and availability of an agent at the contact center, kept up to date by a task.

use std::sync::Arc;
use std::time::Duration;

use insights_core::WithCauses;
use insights_core::chat::availability::availability;
use insights_http::Deadline;
use insights_http::backoff::{Backoff, BackoffPolicy};
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
/// Longest time that a session waits for a call under way before it sets the agent offline.
const STOP_TIMEOUT: Duration = Duration::from_secs(6);
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
        if self.task.is_none() && self.deps.center.sets_presence() {
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
        if let Some(mut task) = self.task.take() {
            // The task is not aborted at once: a call under way must end first, or it could arrive after a later call.
            let _ = tokio::time::timeout(STOP_TIMEOUT, &mut task).await;
            task.abort();
        }
    }

    /// Ends the task and sets the agent offline.
    pub(super) async fn stop_and_set_offline(&mut self) {
        self.stop().await;
        set_offline(&self.deps, &self.agent).await;
    }
}

impl Drop for PresenceKeeper {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Sets the presence of an agent to offline, and logs a failure.
pub(super) async fn set_offline(deps: &Deps, agent: &str) {
    if !deps.center.sets_presence() {
        return;
    }
    let deadline = Deadline::within(CALL_TIMEOUT);
    match deps.center.set_presence(agent, OFFLINE, deadline).await {
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
    let mut failed = Backoff::new(BackoffPolicy::PRESENCE);
    let mut refused = Backoff::new(BackoffPolicy::REFUSED_CALL);
    loop {
        let wanted = availability(*active.borrow_and_update(), deps.config.maximum_chats);
        let set = async {
            if !is_available {
                let deadline = Deadline::within(CALL_TIMEOUT);
                deps.center
                    .set_presence(&agent, AVAILABLE, deadline)
                    .await?;
                is_available = true;
            }
            if last_availability != Some(wanted) {
                let deadline = Deadline::within(CALL_TIMEOUT);
                let (center, config) = (&deps.center, &deps.config);
                center
                    .set_availability(&agent, wanted, config, deadline)
                    .await?;
                last_availability = Some(wanted);
            }
            Ok::<_, cxone::Error>(())
        };
        let retry_after = match set.await {
            Ok(()) => {
                failed.reset();
                refused.reset();
                None
            }
            Err(error) => {
                tracing::warn!(
                    agent_id = agent,
                    cause = %WithCauses(&error),
                    "presence or availability of the agent was not set"
                );
                let backoff = if error.is_retryable() {
                    &mut failed
                } else {
                    &mut refused
                };
                Some(backoff.next_delay(rand::random()))
            }
        };
        let pause = async {
            if let Some(wait) = retry_after {
                tokio::time::sleep(wait).await;
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

#[cfg(test)]
mod tests {
    use super::super::center_in_memory::{CenterInMemory, Treatment};
    use super::*;

    const TEN_MINUTES: Duration = Duration::from_secs(600);

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_for_good_costs_few_requests_in_ten_minutes() {
        for (refused, status) in [("/presence/", 403), ("/presence/", 404), ("/routing/", 403)] {
            let center = CenterInMemory::new(move |path| {
                let status = if path.contains(refused) { status } else { 204 };
                Treatment::Status(status, Duration::ZERO)
            });
            let mut keeper = PresenceKeeper::new(center.deps().await, "agent-1");
            let (_chats, active) = watch::channel(0);
            keeper.start(active);
            tokio::time::sleep(TEN_MINUTES).await;
            // After 0 s, 30 s, 90 s, 210 s and 450 s, if all waits are as long as they can be; half of that if they are short.
            let requests = center.requests(refused);
            assert!(
                (5..=6).contains(&requests),
                "{refused} {status}: {requests}"
            );
            let accepted = center.requests("/api/") - requests;
            assert_eq!(accepted, usize::from(refused == "/routing/"), "{refused}");
        }
    }
}
