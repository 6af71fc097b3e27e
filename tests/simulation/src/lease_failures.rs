//! How often the requests of a process for its lease have failed since it was taken or renewed: a process may lose it after two failures in a
//! row, and not after one.

use std::collections::BTreeMap;

use store::Error;
use store::state::Key;

/// The failures of all processes.
#[derive(Debug, Default)]
pub struct LeaseFailures {
    /// Requests for a lease that have no answer yet, or had none.
    unanswered: BTreeMap<String, u32>,
}

impl LeaseFailures {
    /// Returns whether an item is a lease.
    #[must_use]
    pub fn is_lease(key: &Key) -> bool {
        key.partition.starts_with("chat-agent#") && key.sort == "lease"
    }

    /// Notes a request of a process, which has failed unless [`Self::answer`] follows.
    pub fn begin(&mut self, process: &str) {
        *self.unanswered.entry(process.to_owned()).or_default() += 1;
    }

    /// Notes how a request of a process was answered. A write that was carried out ends the failures.
    pub fn answer<T>(&mut self, process: &str, answer: &Result<T, Error>, is_write: bool) {
        let unanswered = self.unanswered.entry(process.to_owned()).or_default();
        match answer {
            Ok(_) if is_write => *unanswered = 0,
            Ok(_) | Err(Error::Conflict { .. }) => *unanswered = unanswered.saturating_sub(1),
            Err(_) => {}
        }
    }

    /// Returns how often requests of a process have failed in a row.
    #[must_use]
    pub fn count(&self, process: &str) -> u32 {
        self.unanswered.get(process).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_without_an_answer_are_failures_until_a_write_succeeds() {
        let mut failures = LeaseFailures::default();
        let conflict = Err::<(), _>(Error::Conflict {
            key: "lease".to_owned(),
        });
        failures.begin("a");
        failures.begin("a");
        failures.answer("a", &conflict, true);
        failures.begin("a");
        failures.answer("a", &Ok(()), false);
        assert_eq!((failures.count("a"), failures.count("b")), (1, 0));
        failures.begin("a");
        failures.answer("a", &Ok(1_u64), true);
        assert_eq!(failures.count("a"), 0);
    }
}
