//! The calls to the contact centre for one live call: what they do when they fail, and until when they may run.

use std::time::Duration;

use insights_core::live::{Effect, Event, Suggestion};
use insights_http::Deadline;
use jiff::{SignedDuration, Timestamp};
use runtime::metrics;

use super::Follower;

/// A poll takes at most this long, retries included, and never longer than the lease.
const POLL_LIMIT: Duration = Duration::from_secs(5);
/// Sending takes less: what fails is sent again in the next round, and new segments wait behind it.
const SEND_LIMIT: Duration = Duration::from_secs(3);

/// After so many refusals (404 or another 4xx) of the same intent it is given up: the same would be refused for ever.
const REFUSALS: u32 = 5;

/// The intent to write attributes; that of a suggestion is its idempotency key.
const ATTRIBUTES: &str = "attributes";

impl Follower<'_> {
    pub(super) async fn fetch(&mut self, from: i64, sweep: bool) -> Vec<Effect> {
        self.deps.pace.turn().await;
        let Some(deadline) = self.deadline(POLL_LIMIT) else {
            return Vec::new();
        };
        match self
            .deps
            .cxone_client
            .live_transcript(self.id, from, deadline)
            .await
        {
            Ok(transcript) => {
                if transcript.malformed > 0 {
                    tracing::warn!(
                        interaction = self.id,
                        malformed = transcript.malformed,
                        "unreadable segments"
                    );
                    metrics::count("segments_malformed", transcript.malformed as u64);
                }
                let segments = transcript.segments;
                self.feed(Event::Fetched { segments, sweep })
            }
            Err(error) => {
                self.trouble("transcript", &error);
                Vec::new()
            }
        }
    }

    pub(super) async fn patch(
        &mut self,
        revision: u64,
        attributes: &[(&'static str, String)],
    ) -> Vec<Effect> {
        let Some(deadline) = self.deadline(SEND_LIMIT) else {
            return Vec::new();
        };
        match self
            .deps
            .cxone_client
            .patch_attributes(self.id, attributes, deadline)
            .await
        {
            Ok(()) => {
                self.refusals.remove(ATTRIBUTES);
                self.feed(Event::Patched { revision })
            }
            Err(error) => {
                self.trouble(ATTRIBUTES, &error);
                if self.is_refused_for_good(ATTRIBUTES, &error) {
                    self.feed(Event::Patched { revision })
                } else {
                    Vec::new()
                }
            }
        }
    }

    pub(super) async fn post(&mut self, suggestion: Suggestion) -> Vec<Effect> {
        let Some(deadline) = self.deadline(SEND_LIMIT) else {
            return Vec::new();
        };
        let Suggestion { key, content, .. } = suggestion;
        match self
            .deps
            .cxone_client
            .suggest(self.id, &content, &key, deadline)
            .await
        {
            Ok(id) => {
                self.refusals.remove(&key);
                self.tally.suggested();
                metrics::count("suggestions_sent", 1);
                self.feed(Event::Posted { key, id })
            }
            Err(error) => {
                self.trouble("suggestion", &error);
                if self.is_refused_for_good(&key, &error) {
                    self.feed(Event::Refused { key })
                } else {
                    Vec::new()
                }
            }
        }
    }

    /// The moment by which a call must be over: the lease's end, after which another process may work on this. `None` if
    /// it is over already; then the next round asks for it again.
    fn deadline(&mut self, limit: Duration) -> Option<Deadline> {
        let now = Timestamp::now();
        let until = self
            .held
            .as_ref()?
            .call
            .holder(now)
            .filter(|holder| holder.name == self.holder)?
            .until;
        let left = until
            .duration_since(now)
            .saturating_sub(SignedDuration::from_millis(200));
        let left = Duration::try_from(left).ok().filter(|left| !left.is_zero());
        if left.is_none() {
            self.failed = true;
        }
        left.map(|left| Deadline::within(left.min(limit)))
    }

    /// Notes a failed call: what it meant to do stays in the state, or is asked for again.
    fn trouble(&mut self, what: &'static str, error: &insights_http::Error) {
        self.failed = true;
        self.tally.failed();
        metrics::count("poll_errors", 1);
        if let Some(wait) = error.retry_after() {
            self.deps.pace.pause(wait);
        }
        // The scope that is missing, the status, the cause: never a body.
        let cause = insights_core::WithCauses(error).to_string();
        tracing::warn!(
            interaction = self.id,
            what,
            cause,
            "a call to the contact centre failed"
        );
    }

    fn is_refused_for_good(&mut self, intent: &str, error: &insights_http::Error) -> bool {
        if !matches!(
            error,
            insights_http::Error::NotFound { .. } | insights_http::Error::Rejected { .. }
        ) {
            return false;
        }
        let refusals = self.refusals.entry(intent.to_owned()).or_default();
        *refusals += 1;
        let given_up = *refusals >= REFUSALS;
        if given_up {
            self.refusals.remove(intent);
            tracing::error!(interaction = self.id, "given up after repeated refusals");
        }
        given_up
    }
}
