//! The limit on failed logins, so that keys cannot be guessed quickly.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Time in which failures count together.
const WINDOW: Duration = Duration::from_secs(60);
/// Largest number of failures of one address in a window.
const MAX_FAILURES: u32 = 5;
/// Largest number of failures of all addresses in a window. It is far above what supervisors mistype, so that a guesser is slowed down
/// before the others are locked out.
const MAX_FAILURES_OF_ALL: u32 = 200;
/// Number of addresses that are remembered.
const MAX_ADDRESSES: usize = 1000;

/// Counts failed logins by the address that they came from.
#[derive(Debug, Default)]
pub struct LoginLimit(Mutex<Failures>);

#[derive(Debug, Default)]
struct Failures {
    by_address: HashMap<String, Window>,
    of_all: Option<Window>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    failures: u32,
}

impl Window {
    fn left(self, now: Instant) -> Option<Duration> {
        WINDOW.checked_sub(now - self.began)
    }
}

impl LoginLimit {
    /// Returns the time that an address has to wait before its next attempt, if it has failed too often.
    pub fn wait_of(&self, address: &str, now: Instant) -> Option<Duration> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let too_many = |window: Option<&Window>, limit| {
            let window = window.filter(|window| window.failures >= limit)?;
            window.left(now)
        };
        let own = too_many(failures.by_address.get(address), MAX_FAILURES);
        own.or_else(|| too_many(failures.of_all.as_ref(), MAX_FAILURES_OF_ALL))
    }

    /// Counts a failed attempt of an address.
    pub fn note_failure(&self, address: &str, now: Instant) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |window: &Window| window.left(now).is_none();
        if failures.by_address.len() >= MAX_ADDRESSES {
            failures.by_address.retain(|_, window| !is_over(window));
        }
        let fresh = Window {
            began: now,
            failures: 0,
        };
        let of_all = failures.of_all.get_or_insert(fresh);
        if is_over(of_all) {
            *of_all = fresh;
        }
        of_all.failures += 1;
        if failures.by_address.len() < MAX_ADDRESSES || failures.by_address.contains_key(address) {
            let own = failures
                .by_address
                .entry(address.to_owned())
                .or_insert(fresh);
            if is_over(own) {
                *own = fresh;
            }
            own.failures += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_fails_too_often_waits_and_others_do_not() {
        let (limit, now) = (LoginLimit::default(), Instant::now());
        for _ in 0..MAX_FAILURES {
            assert_eq!(limit.wait_of("a", now), None);
            limit.note_failure("a", now);
        }
        assert_eq!(limit.wait_of("a", now), Some(WINDOW));
        assert_eq!(limit.wait_of("b", now), None);
        let later = now + WINDOW + Duration::from_secs(1);
        assert_eq!(limit.wait_of("a", later), None);
    }

    #[test]
    fn many_addresses_neither_fill_the_memory_nor_guess_without_end() {
        let (limit, now) = (LoginLimit::default(), Instant::now());
        for number in 0..5000 {
            limit.note_failure(&number.to_string(), now);
        }
        assert!(limit.0.lock().unwrap().by_address.len() <= MAX_ADDRESSES);
        assert!(limit.wait_of("another", now).is_some());
    }
}
