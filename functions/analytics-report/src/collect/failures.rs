//! What a failed call means for the calls after it.

use std::time::Duration;

use insights_http::{Deadline, Error};

/// The wait where none is named.
const WAIT: Duration = Duration::from_secs(1);

/// Whether the server asks to wait rather than refuses. A fresh token that was refused may have been revoked with all
/// others in the meantime; if the client itself is no longer welcome, the next ones are refused as well.
pub(super) fn waitable(error: &Error) -> bool {
    matches!(
        error,
        Error::RateLimited { .. } | Error::CircuitOpen { .. } | Error::Unauthorized { .. }
    )
}

pub(super) async fn wait(error: &Error, until: Deadline) {
    let asked = error.retry_after().unwrap_or(WAIT);
    tokio::time::sleep(asked.max(Duration::from_millis(50)).min(until.remaining())).await;
}

/// Whether every other transcript would fail the same way.
pub(super) fn hopeless(error: &Error) -> bool {
    matches!(
        error,
        Error::BadCredentials { .. }
            | Error::BadScopes { .. }
            | Error::Forbidden { .. }
            | Error::Unauthorized { .. }
            | Error::Secret { .. }
    )
}
