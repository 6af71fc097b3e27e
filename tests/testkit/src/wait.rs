//! Waiting for a condition, with a bound, instead of sleeping.

use std::time::Duration;

use tokio::time::Instant;

/// Longest time that [`eventually`] waits. Generous, because a failing test is the only one that waits this long.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(180);

/// Delay between two looks at a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Waits until `condition` returns true.
///
/// # Panics
/// If the condition does not hold within [`WAIT_TIMEOUT`]; the message contains `what`.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    eventually_async(what, async || condition()).await;
}

/// Waits until the future that `condition` returns resolves to true.
///
/// # Panics
/// If the condition does not hold within [`WAIT_TIMEOUT`]; the message contains `what`.
pub async fn eventually_async(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + WAIT_TIMEOUT;
    while !condition().await {
        assert!(
            Instant::now() < end,
            "did not happen within {} s: {what}",
            WAIT_TIMEOUT.as_secs()
        );
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "did not happen within 180 s: the sky falls")]
    async fn a_condition_that_never_holds_fails_by_name() {
        eventually("the sky falls", || false).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_condition_is_looked_at_until_it_holds() {
        let mut looks = 0;
        eventually("the third look", || {
            looks += 1;
            looks == 3
        })
        .await;
        assert_eq!(looks, 3);
    }
}
