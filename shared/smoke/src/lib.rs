#![doc = include_str!("../README.md")]

mod api;
mod call;
mod check;
mod health;
mod outcome;
mod run_name;
mod score;
mod search;
#[cfg(test)]
mod tests;
mod time_limits;

use insights_http::Deadline;
use tokio::time::Instant;

pub use crate::api::{Api, parse_api_url};
pub use crate::check::{ALL_CHECKS, Check, parse_checks};
pub use crate::outcome::{CheckResult, Outcome};
pub use crate::run_name::RunName;
pub use crate::time_limits::TimeLimits;

/// Runs checks one after the other and returns their results; `show` is given each result as soon as it is known.
///
/// Work ends at the deadline. Removing what a check has created may take a few seconds longer.
pub async fn run_checks(
    api: &Api,
    checks: &[Check],
    run: &RunName,
    limits: &TimeLimits,
    deadline: Deadline,
    mut show: impl FnMut(&CheckResult),
) -> Vec<CheckResult> {
    let mut results = Vec::with_capacity(checks.len());
    for &check in checks {
        let started = Instant::now();
        let limit = deadline.or_within(limits.of(check));
        let ended = match check {
            Check::Health => health::check(api, limit).await,
            Check::Score => score::check(api, run, limit).await,
            Check::Search => search::check(api, run, limits, limit).await,
            Check::Call => call::check(api, run, limit).await,
        };
        let result = CheckResult::new(check, ended, started.elapsed());
        show(&result);
        results.push(result);
    }
    results
}
