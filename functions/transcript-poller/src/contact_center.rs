//! The contact center as seen by one live call: reads its transcript, sends its attributes and suggestions.
//!
//! Failures are logged and counted here. A refusal of the transcript that concerns the client and not the call, a 429 or a 403,
//! pauses the polls of all calls.

use std::time::Duration;

use insights_core::WithCauses;
use insights_core::live::{Segment, Suggestion};
use insights_http::{Deadline, Error as HttpError};
use runtime::metrics;

use crate::deps::Deps;
use crate::summary::RunCounters;

/// Longest time for one poll of the transcript.
pub(crate) const POLL_TIMEOUT: Duration = Duration::from_secs(5);

/// How a poll of the transcript ended.
#[derive(Debug)]
pub(crate) enum PollAnswer {
    /// The contact center served these segments.
    Segments(Vec<Segment>),
    /// The transcript was not read.
    Failed,
    /// Nobody was asked, because the endpoint fails for every call. It is worth a look after this time.
    EndpointClosed(Duration),
}

/// The contact center as seen by one live call. Copies are the same view.
#[derive(Clone, Copy)]
pub(crate) struct ContactCenter<'a> {
    deps: &'a Deps,
    counters: &'a RunCounters,
    interaction_id: &'a str,
}

impl<'a> ContactCenter<'a> {
    /// Creates the view of one call on the contact center.
    pub(crate) fn new(deps: &'a Deps, counters: &'a RunCounters, interaction_id: &'a str) -> Self {
        Self {
            deps,
            counters,
            interaction_id,
        }
    }

    /// Waits for a turn of the pace, and reads the whole transcript of a call that has ended.
    ///
    /// # Errors
    /// What the request fails with. The polls of other calls take no notice of it.
    pub(crate) async fn read_whole_transcript(self) -> Result<Vec<Segment>, cxone::Error> {
        self.deps.pacer.wait_for_turn().await;
        let deadline = Deadline::within(POLL_TIMEOUT);
        let center = &self.deps.center;
        let read = center.read_transcript(self.interaction_id, 0, deadline);
        Ok(read.await?.segments)
    }

    /// Waits for a turn of the pace, and reads the segments that end at or after `from`, in milliseconds since the epoch.
    pub(crate) async fn fetch_segments(self, from: i64) -> PollAnswer {
        self.deps.pacer.wait_for_turn().await;
        metrics::count("poll_rounds", 1);
        let deadline = Deadline::within(POLL_TIMEOUT);
        let center = &self.deps.center;
        let answer = center
            .read_transcript(self.interaction_id, from, deadline)
            .await;
        match answer {
            Ok(transcript) => {
                self.deps.pacer.note_answer();
                if transcript.malformed > 0 {
                    tracing::warn!(
                        interaction_id = self.interaction_id,
                        malformed = transcript.malformed,
                        "the transcript has unreadable segments"
                    );
                    metrics::count("segments_malformed", transcript.malformed as u64);
                }
                PollAnswer::Segments(transcript.segments)
            }
            Err(error) => self.record_poll_failure(&error),
        }
    }

    fn record_poll_failure(self, error: &cxone::Error) -> PollAnswer {
        self.counters.add_failure();
        metrics::count("poll_errors", 1);
        let mut should_warn = true;
        match error {
            cxone::Error::Http(HttpError::RateLimited {
                endpoint,
                retry_after,
            }) if endpoint != self.deps.center.token_path() => {
                self.deps.pacer.pause_after_rate_limit(*retry_after);
            }
            error if error.is_access_refused() => {
                self.deps.pacer.pause_after_refused_access();
                should_warn = self.deps.pacer.should_warn_of_refused_access();
            }
            _ => {}
        }
        if should_warn {
            tracing::warn!(
                interaction_id = self.interaction_id,
                operation = "transcript",
                cause = %WithCauses(error),
                "a call to the contact center failed"
            );
        }
        match error {
            cxone::Error::Http(HttpError::CircuitOpen { retry_after, .. }) => {
                PollAnswer::EndpointClosed(*retry_after)
            }
            _ => PollAnswer::Failed,
        }
    }

    /// Returns the shortest time between two sends of the attributes.
    pub(crate) fn attribute_interval(self) -> Duration {
        self.deps.center.attribute_interval(self.interaction_id)
    }

    /// Sends the attributes of the interaction.
    pub(crate) async fn send_attributes(
        self,
        attributes: &[(&'static str, String)],
        deadline: Deadline,
    ) -> Result<(), cxone::Error> {
        let center = &self.deps.center;
        center
            .send_attributes(self.interaction_id, attributes, deadline)
            .await
    }

    /// Sends a suggestion to the agent. The contact center may answer with an identifier of its own.
    pub(crate) async fn send_suggestion(
        self,
        suggestion: &Suggestion,
        deadline: Deadline,
    ) -> Result<Option<String>, cxone::Error> {
        let center = &self.deps.center;
        let answer = center
            .send_suggestion(self.interaction_id, suggestion, deadline)
            .await;
        if answer.is_ok() {
            self.counters.add_suggestion();
            metrics::count("suggestions_sent", 1);
        }
        answer
    }

    /// Logs and counts a send that failed for the given number of times in a row. Of failures in a row the first one is a
    /// warning.
    pub(crate) fn record_send_failure(
        self,
        operation: &'static str,
        error: &cxone::Error,
        failures: u32,
    ) {
        self.counters.add_failure();
        metrics::count("send_errors", 1);
        if failures == 1 {
            tracing::warn!(
                interaction_id = self.interaction_id,
                operation,
                cause = %WithCauses(error),
                "a call to the contact center failed"
            );
        } else {
            tracing::debug!(
                interaction_id = self.interaction_id,
                operation,
                failures,
                cause = %WithCauses(error),
                "a call to the contact center failed again"
            );
        }
    }
}
