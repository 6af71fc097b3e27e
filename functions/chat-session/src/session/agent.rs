//! Presence and availability of the agent, kept true by a task of its own.

use std::sync::Arc;
use std::time::Duration;

use cxone::chat::{set_availability, set_presence};
use insights_core::chat::availability::availability;
use insights_http::Deadline;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::Deps;

/// Presence of an agent who takes chats, and of one who does not.
const AVAILABLE: &str = "available";
const OFFLINE: &str = "offline";
/// How long one call may take, retries included.
const PATIENCE: Duration = Duration::from_secs(5);
/// After a failure, and between two changes: chats that come together make one call.
const RETRY: Duration = Duration::from_secs(3);
const SETTLE: Duration = Duration::from_millis(100);

/// The task that keeps an agent's presence and availability.
#[derive(Debug)]
pub(super) struct Presence {
    deps: Arc<Deps>,
    agent: String,
    stop: CancellationToken,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Presence {
    /// Presence of an agent, not kept yet.
    pub(super) fn new(deps: Arc<Deps>, agent: &str) -> Self {
        Self {
            deps,
            agent: agent.to_owned(),
            stop: CancellationToken::new(),
            task: None,
        }
    }

    /// Keeps the agent available, with availability from the number of active chats, from now on.
    pub(super) fn keep(&mut self, active: watch::Receiver<usize>) {
        if self.task.is_none() {
            let (deps, agent, stop) = (
                Arc::clone(&self.deps),
                self.agent.clone(),
                self.stop.clone(),
            );
            self.task = Some(tokio::spawn(keep(deps, agent, active, stop)));
        }
    }

    /// Keeps it no longer, and leaves it as it is: a successor keeps it.
    pub(super) async fn leave(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // A call that is under way ends first, or it could arrive behind a later one.
            let _ = task.await;
        }
    }

    /// Ends the agent's presence.
    pub(super) async fn offline(&mut self) {
        self.leave().await;
        offline(&self.deps, &self.agent).await;
    }
}

/// Sets the agent offline.
pub(super) async fn offline(deps: &Deps, agent: &str) {
    match set_presence(&deps.client, agent, OFFLINE, Deadline::within(PATIENCE)).await {
        Ok(()) => tracing::info!(agent, "presence offline"),
        Err(error) => tracing::error!(agent, error = %error, "presence could not be set offline"),
    }
}

async fn keep(
    deps: Arc<Deps>,
    agent: String,
    mut active: watch::Receiver<usize>,
    stop: CancellationToken,
) {
    let (mut present, mut told) = (false, None);
    loop {
        let available = availability(*active.borrow_and_update(), deps.config.maximum_chats);
        let set = async {
            if !present {
                set_presence(&deps.client, &agent, AVAILABLE, Deadline::within(PATIENCE)).await?;
                present = true;
            }
            if told != Some(available) {
                let deadline = Deadline::within(PATIENCE);
                set_availability(
                    &deps.client,
                    &agent,
                    available,
                    &deps.config.skills,
                    deadline,
                )
                .await?;
                told = Some(available);
            }
            Ok::<_, insights_http::Error>(())
        };
        let failed = set
            .await
            .inspect_err(|error| tracing::warn!(agent, error = %error, "presence not set"))
            .is_err();
        let pause = async {
            if failed {
                tokio::time::sleep(RETRY).await;
            } else if active.changed().await.is_ok() {
                tokio::time::sleep(SETTLE).await;
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
