//! The waits that servers ask of a process: after a 429 for a transcript, and after refused credentials. A request that comes before their
//! end breaks a rule, however few such requests there are.

use std::collections::BTreeMap;

use crate::faults::{Fault, Target};

/// How long a process leaves the token endpoint alone after its credentials were refused, in milliseconds. The secret of a simulation never
/// changes.
const REFUSED_CREDENTIALS_MS: u64 = 9900;

/// How long a process leaves the transcript of a call alone after a poll of it has failed, in milliseconds: a poll is one attempt, and the next
/// one is that of the next round.
const FAILED_POLL_MS: u64 = 700;

/// How long a request of another call may be under way that began before a 429 was known: it waits for a token, in milliseconds.
const UNDER_WAY_MS: u64 = 2000;

/// A wait that was asked for.
#[derive(Debug, Clone, Copy)]
struct Wait {
    /// When the wait was asked for, in milliseconds of the run.
    from_ms: u64,
    /// When the wait is over, in milliseconds of the run.
    until_ms: u64,
}

/// The waits of all processes.
#[derive(Debug, Default)]
pub struct AskedWaits {
    /// By process and path; the wait for all transcripts of a process has an empty path.
    waits: BTreeMap<(String, String), Wait>,
}

impl AskedWaits {
    /// Notes a request that a process begins, and returns the complaint of a server that has asked it to wait.
    pub fn begin(&self, process: &str, target: Target, path: &str, now_ms: u64) -> Option<String> {
        let is_early = |path: &str| {
            let key = (process.to_owned(), path.to_owned());
            let wait = self.waits.get(&key);
            wait.is_some_and(|wait| (wait.from_ms..wait.until_ms).contains(&now_ms))
        };
        match target {
            Target::Token if is_early(path) => Some(format!(
                "{process} asks for a token again at {now_ms} ms, soon after its credentials were refused"
            )),
            Target::Transcript if is_early(path) || is_early("") => Some(format!(
                "{process} asks for {path} at {now_ms} ms, too soon after a poll that failed or a 429 that has asked for a wait"
            )),
            _ => None,
        }
    }

    /// Notes what a process is answered. With `is_quiet`, nothing else delays the requests of the process.
    pub fn answer(
        &mut self,
        process: &str,
        target: Target,
        path: &str,
        fault: Fault,
        now_ms: u64,
        is_quiet: bool,
    ) {
        let (from_ms, until_ms) = match (target, fault) {
            (Target::Token, Fault::Status(400..500)) => (now_ms, now_ms + REFUSED_CREDENTIALS_MS),
            (Target::Transcript, Fault::RateLimited(Some(seconds @ 1..))) => {
                (now_ms, now_ms + u64::from(seconds) * 1000)
            }
            (Target::Transcript, fault) if is_quiet && !fault.is_answered() => {
                (now_ms, now_ms + FAILED_POLL_MS)
            }
            _ => return,
        };
        let wait = Wait { from_ms, until_ms };
        self.waits
            .insert((process.to_owned(), path.to_owned()), wait);
        if is_quiet && matches!((target, fault), (Target::Transcript, Fault::RateLimited(_))) {
            let from_ms = (from_ms + UNDER_WAY_MS).min(until_ms);
            self.waits.insert(
                (process.to_owned(), String::new()),
                Wait { from_ms, until_ms },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/calls/1/transcripts";

    #[test]
    fn a_429_holds_the_same_call_at_once_and_the_others_a_little_later() {
        let mut waits = AskedWaits::default();
        let limited = Fault::RateLimited(Some(5));
        waits.answer("a", Target::Transcript, PATH, limited, 1000, true);
        let is_early = |process, path, now_ms| {
            let complaint = waits.begin(process, Target::Transcript, path, now_ms);
            complaint.is_some()
        };
        assert!(is_early("a", PATH, 1001) && !is_early("a", PATH, 6000));
        assert!(!is_early("a", "/other", 2999) && is_early("a", "/other", 3000));
        assert!(
            !is_early("b", PATH, 1001),
            "another process knows nothing of it"
        );
        assert!(waits.begin("a", Target::Scoring, PATH, 1001).is_none());
    }

    #[test]
    fn a_failed_poll_holds_the_same_call_alone() {
        let mut waits = AskedWaits::default();
        let is_early = |waits: &AskedWaits, path, now_ms| {
            let complaint = waits.begin("a", Target::Transcript, path, now_ms);
            complaint.is_some()
        };
        waits.answer("a", Target::Transcript, PATH, Fault::Slow(900), 1000, true);
        waits.answer("a", Target::Transcript, PATH, Fault::Refused, 1000, false);
        assert!(!is_early(&waits, PATH, 1001));
        waits.answer("a", Target::Transcript, PATH, Fault::Refused, 1000, true);
        assert!(is_early(&waits, PATH, 1699) && !is_early(&waits, PATH, 1700));
        assert!(!is_early(&waits, "/other", 1001));
    }

    #[test]
    fn refused_credentials_hold_the_token_endpoint_and_a_failure_of_the_server_does_not() {
        let mut waits = AskedWaits::default();
        waits.answer("a", Target::Token, "/token", Fault::Status(503), 1000, true);
        assert!(waits.begin("a", Target::Token, "/token", 1001).is_none());
        waits.answer("a", Target::Token, "/token", Fault::Status(401), 1000, true);
        assert!(waits.begin("a", Target::Token, "/token", 10_899).is_some());
        assert!(waits.begin("a", Target::Token, "/token", 10_900).is_none());
    }
}
