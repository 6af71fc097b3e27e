//! The lease of an agent, kept alive by a task of its own.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::state::lease::Lease;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Options;
use crate::{Deps, records};

/// How often a lease that is held by another is asked for again.
const RETRY: Duration = Duration::from_millis(500);
/// A lease is renewed three times before it ends.
const RENEWALS: u32 = 3;

/// A lease that is renewed until it is given back.
#[derive(Debug)]
pub(super) struct Held {
    /// Set when the lease was lost.
    pub(super) lost: CancellationToken,
    give_back: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

impl Held {
    /// Takes the agent's lease, waiting for another holder's to end as long as the options say.
    pub(super) async fn take(
        deps: &Arc<Deps>,
        agent: &str,
        options: &Options,
    ) -> anyhow::Result<Option<Self>> {
        let until = Instant::now() + options.lease_wait;
        let lasting = SignedDuration::try_from(deps.config.lease)?;
        loop {
            let key = records::lease(agent);
            let lease =
                Lease::acquire(&deps.state, key, &options.holder, lasting, Timestamp::now())
                    .await?;
            if let Some(lease) = lease {
                tracing::info!(agent, holder = options.holder, "lease taken");
                return Ok(Some(Self::keep(Arc::clone(deps), lease, lasting)));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = options.stop.cancelled() => return Ok(None),
            }
        }
    }

    fn keep(deps: Arc<Deps>, lease: Lease, lasting: SignedDuration) -> Self {
        let lost = CancellationToken::new();
        let (give_back, asked) = oneshot::channel();
        let task = tokio::spawn(renewing(deps, lease, lasting, lost.clone(), asked));
        Self {
            lost,
            give_back: Some(give_back),
            task,
        }
    }

    /// Gives the lease back, so that the next worker need not wait.
    pub(super) async fn give_back(mut self) {
        if let Some(give_back) = self.give_back.take() {
            let _ = give_back.send(());
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Held {
    /// A session that dies keeps its lease until it ends by itself, as one whose process dies does.
    fn drop(&mut self) {
        if self.give_back.is_some() {
            self.task.abort();
        }
    }
}

async fn renewing(
    deps: Arc<Deps>,
    lease: Lease,
    lasting: SignedDuration,
    lost: CancellationToken,
    mut give_back: oneshot::Receiver<()>,
) {
    let every = deps.config.lease / RENEWALS;
    let mut ends = Instant::now() + deps.config.lease;
    let mut lease = lease;
    loop {
        tokio::select! {
            _ = &mut give_back => {
                if let Err(error) = lease.release(&deps.state, Timestamp::now()).await {
                    tracing::warn!(error = %error, "lease not given back, it ends by itself");
                }
                return;
            }
            () = tokio::time::sleep(every) => {}
        }
        let asked = Instant::now();
        match lease
            .clone()
            .renew(&deps.state, lasting, Timestamp::now())
            .await
        {
            Ok(Some(renewed)) => {
                lease = renewed;
                ends = asked + deps.config.lease;
            }
            Ok(None) => {
                tracing::warn!(lease = %lease.key, "lease lost to another worker");
                return lost.cancel();
            }
            Err(error) if Instant::now() < ends => {
                tracing::warn!(lease = %lease.key, error = %error, "lease not renewed, trying again");
            }
            Err(error) => {
                tracing::error!(lease = %lease.key, error = %error, "lease ended: the state store does not answer");
                return lost.cancel();
            }
        }
    }
}
