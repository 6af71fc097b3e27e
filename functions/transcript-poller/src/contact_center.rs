//! The contact center as seen by one live call: reads its transcript, sends its attributes and suggestions.
//!
//! A failure is logged and counted here, and decides nothing else: what was to be sent stays in the stored state and is sent
//! again in the next round, what was to be read is read again.

use std::collections::HashMap;
use std::time::Duration;

use insights_core::WithCauses;
use insights_core::live::{Segment, Suggestion};
use insights_http::Deadline;
use runtime::metrics;

use crate::deps::Deps;
use crate::summary::RunCounters;

/// Longest time for one poll of the transcript, retries included.
pub(crate) const POLL_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time for sending attributes or a suggestion, retries included. It is shorter than that of a poll, because new
/// segments wait until the send is over, and a send that fails is repeated in the next round anyway.
pub(crate) const SEND_TIMEOUT: Duration = Duration::from_secs(3);

/// Number of refusals in a row (404 or another 4xx) after which a send is given up: it would be refused for ever.
const MAX_REFUSALS: u32 = 5;

/// Key under which refusals of attributes are counted. The refusals of a suggestion are counted under its idempotency key.
const ATTRIBUTES_KEY: &str = "attributes";

/// What came of sending attributes or a suggestion.
#[derive(Debug)]
pub(crate) enum SendOutcome<T> {
    /// The contact center accepted what was sent.
    Accepted(T),
    /// The contact center has refused it so often that it is not sent again.
    GivenUp,
    /// The send failed and has to be repeated.
    Failed,
}

/// The contact center as seen by one live call.
pub(crate) struct ContactCenter<'a> {
    deps: &'a Deps,
    counters: &'a RunCounters,
    interaction_id: &'a str,
    /// Number of refusals in a row of what is being sent, by its key.
    refusals: HashMap<String, u32>,
}

impl<'a> ContactCenter<'a> {
    /// Creates the view of one call on the contact center.
    pub(crate) fn new(deps: &'a Deps, counters: &'a RunCounters, interaction_id: &'a str) -> Self {
        Self {
            deps,
            counters,
            interaction_id,
            refusals: HashMap::new(),
        }
    }

    /// Reads the segments that end at or after `from`, in milliseconds since the epoch. Returns `None` if the poll failed.
    pub(crate) async fn fetch_segments(
        &self,
        from: i64,
        deadline: Deadline,
    ) -> Option<Vec<Segment>> {
        let answer = cxone::live::read_transcript(
            &self.deps.cxone_client,
            self.interaction_id,
            from,
            deadline,
        )
        .await;
        match answer {
            Ok(transcript) => {
                if transcript.malformed > 0 {
                    tracing::warn!(
                        interaction_id = self.interaction_id,
                        malformed = transcript.malformed,
                        "the transcript has unreadable segments"
                    );
                    metrics::count("segments_malformed", transcript.malformed as u64);
                }
                Some(transcript.segments)
            }
            Err(error) => {
                self.record_failure("transcript", &error);
                None
            }
        }
    }

    /// Sends the attributes of the interaction.
    pub(crate) async fn send_attributes(
        &mut self,
        attributes: &[(&'static str, String)],
        deadline: Deadline,
    ) -> SendOutcome<()> {
        let answer = cxone::live::patch_attributes(
            &self.deps.cxone_client,
            self.interaction_id,
            attributes,
            deadline,
        )
        .await;
        self.outcome("attributes", ATTRIBUTES_KEY, answer)
    }

    /// Sends a suggestion to the agent. The contact center may answer with an identifier of its own.
    pub(crate) async fn send_suggestion(
        &mut self,
        suggestion: &Suggestion,
        deadline: Deadline,
    ) -> SendOutcome<Option<String>> {
        let Suggestion { key, content, .. } = suggestion;
        let answer = cxone::live::post_suggestion(
            &self.deps.cxone_client,
            self.interaction_id,
            content,
            key,
            deadline,
        )
        .await;
        if answer.is_ok() {
            self.counters.add_suggestion();
            metrics::count("suggestions_sent", 1);
        }
        self.outcome("suggestion", key, answer)
    }

    fn outcome<T>(
        &mut self,
        operation: &'static str,
        key: &str,
        answer: Result<T, cxone::Error>,
    ) -> SendOutcome<T> {
        match answer {
            Ok(value) => {
                self.refusals.remove(key);
                SendOutcome::Accepted(value)
            }
            Err(error) => {
                self.record_failure(operation, &error);
                if self.is_refused_too_often(operation, key, &error) {
                    SendOutcome::GivenUp
                } else {
                    SendOutcome::Failed
                }
            }
        }
    }

    /// Logs and counts a failed operation, and pauses all polls if the contact center asks for it.
    fn record_failure(&self, operation: &'static str, error: &cxone::Error) {
        self.counters.add_failure();
        metrics::count("poll_errors", 1);
        if let Some(wait) = error.retry_after() {
            self.deps.pacer.pause_for(wait);
        }
        tracing::warn!(
            interaction_id = self.interaction_id,
            operation,
            cause = %WithCauses(error),
            "a call to the contact center failed"
        );
    }

    /// Counts a refusal, and returns whether the limit of refusals in a row is reached. Other failures are not counted.
    fn is_refused_too_often(
        &mut self,
        operation: &'static str,
        key: &str,
        error: &cxone::Error,
    ) -> bool {
        if !error.is_request_refused() {
            return false;
        }
        let refusals = self.refusals.entry(key.to_owned()).or_default();
        *refusals += 1;
        let is_limit_reached = *refusals >= MAX_REFUSALS;
        if is_limit_reached {
            self.refusals.remove(key);
            tracing::error!(
                interaction_id = self.interaction_id,
                operation,
                "a send was given up after repeated refusals"
            );
        }
        is_limit_reached
    }
}
