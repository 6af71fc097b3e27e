//! The transcript poller: every final segment of every live call is scored once, and within seconds the call's average,
//! its trend and, if it goes bad, a suggestion are at the contact centre.
//!
//! EventBridge starts it each minute. One invocation follows all calls of a shard until shortly before its deadline and
//! then gives their leases back; the next invocation, which waits for them by then, goes on. With several shards the
//! scheduled invocation starts one more for each of the others.

pub mod config;
mod fan_out;
mod follow;
mod pace;
pub mod poll;
pub mod score;
pub mod start;

use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use backends::interactions::Interactions;
use insights_core::live::Batch;
use runtime::lambda::Invocation;
use serde::{Deserialize, Serialize};
use store::state::State;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
pub use crate::fan_out::FanOut;
pub use crate::pace::Pace;
pub use crate::poll::{Calls, Summary, poll};
use crate::score::Scorer;

/// Told of each batch once it is in the state: the call's id and the batch.
pub type Watcher = Arc<dyn Fn(&str, &Batch) + Send + Sync>;

/// What the function needs; built once at start.
pub struct Deps {
    /// The configuration.
    pub config: Config,
    /// The live calls.
    pub calls: Interactions<State>,
    /// The contact centre.
    pub cxone_client: cxone::CxoneClient,
    /// What scores.
    pub scorer: Scorer,
    /// How fast the contact centre is asked.
    pub pace: Pace,
    /// What starts further invocations; none in a process that follows every shard itself.
    pub fan_out: Option<FanOut>,
    /// Who is told of batches.
    pub watcher: Option<Watcher>,
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps")
            .field("config", &self.config)
            .field("cxone_client", &self.cxone_client)
            .finish_non_exhaustive()
    }
}

/// What starts the function: a schedule's event, in which no field matters, or `{"shard": n}`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct Trigger {
    /// The shard to follow; a schedule's event has none, and means all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
}

/// Follows the calls of a shard until shortly before the invocation's deadline.
///
/// # Errors
/// If the shard does not exist, the calls cannot be listed at all, or another invocation cannot be started.
pub async fn handle(
    deps: Arc<Deps>,
    trigger: Trigger,
    invocation: Invocation,
) -> anyhow::Result<Summary> {
    let shards = deps.calls.shards();
    let shard = trigger.shard.unwrap_or(0);
    ensure!(
        shard < shards,
        "there is no shard {shard}; POLL_SHARDS is {shards}"
    );
    let fanned_out = match &deps.fan_out {
        Some(fan_out) if trigger.shard.is_none() => fan_out.start(1..shards).await,
        _ => Ok(()),
    };
    let stop = CancellationToken::new();
    let handover = invocation
        .deadline
        .checked_sub(deps.config.handover)
        .unwrap_or_else(Instant::now);
    let alarm = stop.clone();
    let timer = tokio::spawn(async move {
        tokio::time::sleep_until(handover.into()).await;
        alarm.cancel();
    });
    let summary = poll(
        &deps,
        Calls::Shards(vec![shard]),
        &invocation.request_id,
        stop,
    )
    .await;
    timer.abort();
    // This shard's calls come first; that others went without is still an error.
    fanned_out?;
    summary
}

#[cfg(test)]
mod tests;
