//! The heartbeat: checks the deployed API from outside, as a caller does, every few minutes.
//!
//! A schedule starts it. It makes the checks of the crate `smoke` one after the other: health, scores, search, live calls. It fails if
//! a check failed, so that the alarm on its errors goes off. All runs use the conversation and the call `smoke-heartbeat`, and remove
//! what they created; a word of the run in each text tells its answers from those of earlier runs.
//!
//! | reads | writes |
//! |---|---|
//! | the key in the callers' secret | a conversation and a live call through the API, both removed |

pub mod config;
pub mod deps;

use std::time::Duration;

use anyhow::ensure;
use runtime::lambda::Invocation;
use runtime::metrics;
use serde::{Deserialize, Serialize};
use smoke::{CheckResult, Outcome, RunName, run_checks};

pub use crate::deps::Deps;

/// Time kept back for removing what a check has created, and for the reply.
const CLEANUP_MARGIN: Duration = Duration::from_secs(10);

/// The event that starts the function: a schedule's event, none of whose fields matter.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Trigger {}

/// The results of the checks, in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reply {
    /// The result of each check.
    pub checks: Vec<CheckResult>,
}

/// Makes the configured checks one after the other.
///
/// # Errors
/// If the key cannot be read, or a check failed; the error names the checks that failed and says why.
pub async fn handle(deps: &Deps, _event: Trigger, invocation: Invocation) -> anyhow::Result<Reply> {
    let deadline = invocation.require_before(CLEANUP_MARGIN, "removing what was created")?;
    let opened = deps.open_api().await;
    let api = opened.inspect_err(|_| metrics::count_store_error())?;
    let run = RunName::recurring("heartbeat");
    let checks = run_checks(&api, &deps.checks, &run, &deps.limits, deadline, log_result).await;
    let of = |outcome: Outcome| {
        checks
            .iter()
            .filter(move |result| result.outcome == outcome)
    };
    let failed: Vec<String> = of(Outcome::Failed)
        .map(|result| format!("{}: {}", result.check.name(), result.detail))
        .collect();
    metrics::count("heartbeat_checks", checks.len() as u64);
    metrics::count("heartbeat_failed", failed.len() as u64);
    metrics::count("heartbeat_skipped", of(Outcome::Skipped).count() as u64);
    ensure!(
        failed.is_empty(),
        "{} of {} checks failed: {}",
        failed.len(),
        checks.len(),
        failed.join("; ")
    );
    Ok(Reply { checks })
}

/// Logs a result that is not as it should be. Failures are logged together, by the error in which the invocation ends.
fn log_result(result: &CheckResult) {
    let (check, detail) = (result.check.name(), result.detail.as_str());
    let duration_ms = result.duration.as_secs_f64() * 1e3;
    match result.outcome {
        Outcome::Ok => tracing::debug!(check, duration_ms, "the check was passed"),
        Outcome::Failed => tracing::debug!(check, duration_ms, detail, "the check has failed"),
        Outcome::Skipped => tracing::warn!(check, detail, "the check was skipped"),
    }
}

#[cfg(test)]
mod tests;
