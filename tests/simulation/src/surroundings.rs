//! What the schedules of all systems need: processes that are not the product's, and moments of the run.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::processes::{Plan, Process};
use crate::seeded_os;

/// Plans a process with a true clock that belongs to the surroundings of the product and lasts for the whole run.
pub fn bystander(
    name: &str,
    dies_ms: u64,
    work: impl FnOnce(Process) -> BoxFuture<'static, ()> + 'static,
) -> Plan {
    Plan {
        name: name.to_owned(),
        starts_ms: 0,
        dies_ms,
        skew_ms: 0,
        work: Box::new(work),
    }
}

/// Waits until a moment of the run, in milliseconds.
pub async fn wait_until(run_ms: u64) {
    let left_ms = run_ms.saturating_sub(seeded_os::elapsed_ms());
    tokio::time::sleep(Duration::from_millis(left_ms)).await;
}

/// Returns a token that is canceled at a moment of the run, in milliseconds.
#[must_use]
pub fn stop_at(run_ms: u64) -> CancellationToken {
    let stop = CancellationToken::new();
    let canceled = stop.clone();
    tokio::spawn(async move {
        wait_until(run_ms).await;
        canceled.cancel();
    });
    stop
}
