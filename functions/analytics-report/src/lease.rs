//! The lease of a report: of two runs of the same report, one works and the other one waits or ends.

use std::path::Path;

use anyhow::Context;
use backends::lease_guard::{LeaseGuard, Leases};
use insights_http::{Deadline, WithCauses};
use store::state::Key;
use uuid::Uuid;

use crate::deps::Deps;

/// Takes the lease at a key until it is released; returns `None` if another run holds it and goes on holding it.
///
/// # Errors
/// The errors of the state store, and if the state store does not answer before the deadline.
pub async fn acquire(
    deps: &Deps,
    key: Key,
    deadline: Deadline,
) -> anyhow::Result<Option<LeaseGuard>> {
    let leases = Leases::new(deps.state.clone());
    // No two processes share a name, and neither do two deliveries of one event.
    let holder = Uuid::new_v4().to_string();
    let times = deps.lease_times;
    let wait = times.wait.min(deadline.remaining());
    let acquiring = leases.acquire_within(key.clone(), &holder, times.duration, wait);
    // A state store that hangs must not take the time in which the failure is reported.
    let guard = deadline
        .bound(acquiring)
        .await
        .with_context(|| format!("the state store did not answer for the lease {key}"))?;
    guard.with_context(|| format!("the lease {key} could not be taken"))
}

/// Does `work` under the lease of a report and gives the lease back; returns `None` without having begun if another run holds it.
///
/// # Errors
/// The errors of the work and of the state store. The work is dropped where the lease is lost.
pub(crate) async fn with_lease<T>(
    deps: &Deps,
    key: Key,
    deadline: Deadline,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Option<T>> {
    let Some(guard) = acquire(deps, key, deadline).await? else {
        return Ok(None);
    };
    let done = guard
        .run(work)
        .await
        .context("another run may be at work; the next run goes on from the checkpoints");
    if let Err(error) = guard.release().await {
        tracing::warn!(
            cause = %WithCauses(&error),
            "the lease of the report was not given back and ends by itself"
        );
    }
    done?.map(Some)
}

/// Returns the key of the lease of a run's report.
#[must_use]
pub(crate) fn report_key(run: &str) -> Key {
    Key::new(format!("report#{run}"), "lease")
}

/// Returns the key of the lease of one day of a run.
pub(crate) fn day_key(run: &str, day: jiff::civil::Date) -> Key {
    Key::new(format!("report#{run}"), format!("lease#{day}"))
}

/// Returns the key of the lease of a folder on a laptop into which a report is written.
///
/// # Errors
/// The error of the operating system, if the folder does not exist.
pub fn folder_key(folder: &Path) -> std::io::Result<Key> {
    let folder = folder.canonicalize()?;
    // A path can be longer than a key.
    let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, folder.as_os_str().as_encoded_bytes());
    Ok(report_key(&name.to_string()))
}
