//! The segments of one call that could not be scored: when each of them is tried again, and when it is given up.

use std::collections::HashMap;

use insights_core::live::SegmentId;
use sentiment::ProviderError;
use tokio::time::Instant;

use crate::request_pacer::RequestPacer;

/// Number of failures that a segment is to blame for after which it is counted without a score.
const MAX_FAILURES: u32 = 5;

/// What becomes of a segment that was not scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureDecision {
    /// The segment is scored again after a delay.
    TryAgain,
    /// The segment is counted without a score.
    GiveUp,
}

/// The failures of one segment.
struct SegmentFailures {
    /// Number of failures in a row, which decides about the delay.
    attempts: u32,
    /// Number of those that the segment is to blame for.
    blamed: u32,
    /// Time before which the segment is not scored again.
    not_before: Instant,
    /// Number of texts that the provider had scored at the first failure.
    scored_at_first: u64,
    /// Number of texts that the provider had scored at the last failure.
    scored_texts: u64,
}

/// The segments of one call that could not be scored so far.
#[derive(Default)]
pub(crate) struct SegmentRetries {
    segments: HashMap<SegmentId, SegmentFailures>,
}

impl SegmentRetries {
    /// Returns whether a segment may be scored now.
    pub(crate) fn is_due(&self, id: SegmentId) -> bool {
        self.segments
            .get(&id)
            .is_none_or(|failures| failures.not_before <= Instant::now())
    }

    /// Forgets a segment that was scored or given up.
    pub(crate) fn forget(&mut self, id: SegmentId) {
        self.segments.remove(&id);
    }

    /// Decides what becomes of a segment that was not scored. `scored_texts` is the number of texts, of any call, that the
    /// provider has scored so far.
    ///
    /// A segment is to blame for a model that fails on it. A provider that is out of reach, or that answers with what is no
    /// score, is nobody's fault, and no segment is given up while that lasts, unless the provider goes on to score other texts.
    pub(crate) fn record_failure(
        &mut self,
        id: SegmentId,
        error: &ProviderError,
        scored_texts: u64,
        pacer: &RequestPacer,
    ) -> FailureDecision {
        if matches!(error, ProviderError::Refused(_)) {
            self.forget(id);
            return FailureDecision::GiveUp;
        }
        let failures = self.segments.entry(id).or_insert(SegmentFailures {
            attempts: 0,
            blamed: 0,
            not_before: Instant::now(),
            scored_at_first: scored_texts,
            scored_texts,
        });
        let is_blamed = match error {
            ProviderError::Model(_) => true,
            ProviderError::Overloaded => false,
            // A service that scored others since then gives this text alone an answer that is no score.
            ProviderError::InvalidAnswer(_) => scored_texts > failures.scored_at_first,
            _ => failures.attempts == 0 || scored_texts > failures.scored_texts,
        };
        failures.attempts += 1;
        failures.blamed += u32::from(is_blamed);
        failures.scored_texts = scored_texts;
        failures.not_before = Instant::now() + pacer.retry_delay(failures.attempts);
        if failures.blamed < MAX_FAILURES {
            return FailureDecision::TryAgain;
        }
        self.forget(id);
        FailureDecision::GiveUp
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::Env;

    use super::*;
    use crate::config::Config;

    const ID: SegmentId = SegmentId(7);

    fn pacer() -> RequestPacer {
        RequestPacer::new(&Config::from_env(&Env::default()).unwrap())
    }

    fn unavailable() -> ProviderError {
        let endpoint = "/v1/sentiment".to_owned();
        ProviderError::Unavailable(insights_http::Error::DeadlineExceeded { endpoint })
    }

    fn invalid() -> ProviderError {
        ProviderError::InvalidAnswer(insights_http::Error::invalid_response("/", "no score"))
    }

    fn failures_until_given_up(
        error: fn() -> ProviderError,
        scored: fn(u64) -> u64,
    ) -> Option<u64> {
        let (pacer, mut retries) = (pacer(), SegmentRetries::default());
        (1..100).find(|attempt| {
            retries.record_failure(ID, &error(), scored(*attempt), &pacer)
                == FailureDecision::GiveUp
        })
    }

    #[test]
    fn a_segment_is_given_up_for_its_own_failures_and_not_for_an_outage() {
        assert_eq!(
            failures_until_given_up(invalid, |attempt| attempt.min(2)),
            Some(6),
            "the provider scored another text after the first failure"
        );
        assert_eq!(
            failures_until_given_up(invalid, |_| 0),
            None,
            "the provider gives every text an answer that is no score"
        );
        assert_eq!(
            failures_until_given_up(unavailable, |attempt| attempt),
            Some(5),
            "the provider scored other texts in between"
        );
        assert_eq!(
            failures_until_given_up(unavailable, |_| 0),
            None,
            "the provider is down"
        );
        assert_eq!(
            failures_until_given_up(|| ProviderError::Overloaded, |attempt| attempt),
            None
        );
        let refused =
            || ProviderError::Refused(insights_http::Error::invalid("a text", "too long"));
        assert_eq!(failures_until_given_up(refused, |_| 0), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_segment_waits_longer_each_time() {
        let (pacer, mut retries) = (pacer(), SegmentRetries::default());
        assert!(retries.is_due(ID));
        retries.record_failure(ID, &invalid(), 0, &pacer);
        assert!(!retries.is_due(ID));
        assert!(retries.is_due(SegmentId(8)), "other segments do not wait");
        tokio::time::advance(std::time::Duration::from_millis(1200)).await;
        assert!(retries.is_due(ID));
        retries.record_failure(ID, &invalid(), 0, &pacer);
        tokio::time::advance(std::time::Duration::from_millis(1200)).await;
        assert!(!retries.is_due(ID));
        retries.forget(ID);
        assert!(retries.is_due(ID));
    }
}
