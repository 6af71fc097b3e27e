//! What one call sends to the contact center: its newest attributes, and suggestions, each in a lane of its own.
//!
//! A delivery runs beside the polls. One that fails is repeated after a delay of its lane and slows nothing else down: what
//! was to be sent stays in the stored state. Of each kind at most one delivery is underway, so that older attributes never
//! arrive after newer ones.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use insights_core::WithCauses;
use insights_core::live::{CallAction, CallEvent};
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::metrics;
use tokio::time::{Instant, sleep_until};

use crate::contact_center::ContactCenter;
use crate::deps::Deps;

/// Longest time for sending attributes or a suggestion, retries included.
const SEND_TIMEOUT: Duration = Duration::from_secs(3);

/// Number of refusals in a row (403, 404 or another 4xx) after which a send is given up: it would be refused for ever. The
/// next sends of a lane that has given one up are given up at their first refusal.
const MAX_REFUSALS: u32 = 5;

/// Longest wait of a lane that the contact center can ask for.
const MAX_ASKED_WAIT: Duration = Duration::from_secs(60);

/// Largest number of counted batches whose lag is still to be measured. The contact center has not taken attributes for long
/// when it is reached.
const MAX_UNMEASURED: usize = 256;

/// How a delivery ended.
enum DeliveryAnswer {
    /// The attributes of the call were sent.
    Attributes {
        revision: u64,
        /// Number of counted batches whose sentiment the attributes show.
        batches: usize,
        result: Result<(), cxone::Error>,
    },
    /// A suggestion was sent.
    Suggestion {
        key: String,
        result: Result<Option<String>, cxone::Error>,
    },
}

/// When the next delivery of one kind may start.
#[derive(Default)]
struct DeliveryLane {
    /// Whether a delivery is underway.
    is_in_flight: bool,
    /// Whether something waits until the lane is due.
    has_waiting: bool,
    /// Time before which no delivery starts, after a failure.
    not_before: Option<Instant>,
    /// Number of failures in a row.
    failures: u32,
    /// Number of refusals in a row of what is being sent.
    refusals: u32,
    /// Whether the last delivery that ended for good was given up.
    has_given_up: bool,
}

impl DeliveryLane {
    /// Returns whether a delivery may start now. If none may, notes that one waits.
    fn take_turn(&mut self) -> bool {
        let is_due = self.not_before.is_none_or(|time| time <= Instant::now());
        let may_start = is_due && !self.is_in_flight;
        self.has_waiting = !may_start;
        self.is_in_flight |= may_start;
        may_start
    }

    /// Returns when the lane becomes due for what waits in it.
    fn due_at(&self) -> Option<Instant> {
        self.not_before
            .filter(|_| self.has_waiting && !self.is_in_flight)
    }
}

/// The deliveries of one call.
pub(crate) struct Deliveries<'a> {
    deps: &'a Deps,
    contact_center: ContactCenter<'a>,
    in_flight: FuturesUnordered<BoxFuture<'a, DeliveryAnswer>>,
    answers: Vec<DeliveryAnswer>,
    attributes: DeliveryLane,
    suggestions: DeliveryLane,
    /// Newest segment ends of the counted batches that the contact center does not show yet, oldest first.
    unmeasured: Vec<i64>,
}

impl<'a> Deliveries<'a> {
    /// Creates the deliveries of a call that has sent nothing yet.
    pub(crate) fn new(deps: &'a Deps, contact_center: ContactCenter<'a>) -> Self {
        Self {
            deps,
            contact_center,
            in_flight: FuturesUnordered::new(),
            answers: Vec::new(),
            attributes: DeliveryLane::default(),
            suggestions: DeliveryLane::default(),
            unmeasured: Vec::new(),
        }
    }

    /// Cancels what is underway. It is still in the stored state.
    pub(crate) fn cancel(&mut self) {
        self.in_flight = FuturesUnordered::new();
        self.answers.clear();
        for lane in [&mut self.attributes, &mut self.suggestions] {
            (lane.is_in_flight, lane.has_waiting) = (false, false);
        }
    }

    /// Returns whether a delivery is underway.
    pub(crate) fn has_in_flight(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Notes that a batch was counted whose newest segment ended at `newest_end`, in milliseconds since the epoch.
    pub(crate) fn note_counted_batch(&mut self, newest_end: i64) {
        if self.unmeasured.len() < MAX_UNMEASURED {
            self.unmeasured.push(newest_end);
        }
    }

    /// Waits until a delivery was answered, for ever if none is underway. May be canceled at any time.
    pub(crate) async fn wait_for_answer(&mut self) {
        match self.in_flight.next().await {
            Some(answer) => self.answers.push(answer),
            None => std::future::pending().await,
        }
    }

    /// Waits until a delivery was answered or a waiting one is due. May be canceled at any time.
    pub(crate) async fn wait_for_answer_or_due(&mut self) {
        let due_at = [&self.attributes, &self.suggestions]
            .into_iter()
            .filter_map(DeliveryLane::due_at)
            .min();
        let due = async {
            match due_at {
                Some(time) => sleep_until(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.wait_for_answer() => {}
            () = due => {}
        }
    }

    /// Lets no waiting delivery become due. The next round finds what waits in the stored state.
    pub(crate) fn leave_waiting_to_next_round(&mut self) {
        (self.attributes.has_waiting, self.suggestions.has_waiting) = (false, false);
    }

    /// Starts those of the pending deliveries whose lane is free and due. They end before `lease_end`.
    pub(crate) fn start_due(&mut self, pending: Vec<CallAction>, lease_end: Deadline) {
        self.leave_waiting_to_next_round();
        let deadline = lease_end.or_within(SEND_TIMEOUT);
        if deadline.has_passed() {
            return;
        }
        let contact_center = self.contact_center;
        for action in pending {
            match action {
                CallAction::SendAttributes {
                    revision,
                    attributes,
                } if self.attributes.take_turn() => {
                    let batches = self.unmeasured.len();
                    let send = async move {
                        DeliveryAnswer::Attributes {
                            revision,
                            batches,
                            result: contact_center.send_attributes(&attributes, deadline).await,
                        }
                    };
                    self.in_flight.push(send.boxed());
                }
                CallAction::SendSuggestion(suggestion) if self.suggestions.take_turn() => {
                    let send = async move {
                        DeliveryAnswer::Suggestion {
                            result: contact_center.send_suggestion(&suggestion, deadline).await,
                            key: suggestion.key,
                        }
                    };
                    self.in_flight.push(send.boxed());
                }
                _ => {}
            }
        }
    }

    /// Returns the events that follow from the answers so far.
    pub(crate) fn take_events(&mut self) -> Vec<CallEvent> {
        let answers = std::mem::take(&mut self.answers);
        answers
            .into_iter()
            .filter_map(|answer| self.event(answer))
            .collect()
    }

    fn event(&mut self, answer: DeliveryAnswer) -> Option<CallEvent> {
        match answer {
            DeliveryAnswer::Attributes {
                revision,
                batches,
                result,
            } => {
                let is_accepted = result.is_ok();
                self.is_settled("attributes", result.as_ref().err())
                    .then(|| {
                        let shown = self.unmeasured.drain(..batches.min(self.unmeasured.len()));
                        // Attributes that were given up never arrived.
                        shown.filter(|_| is_accepted).for_each(observe_lag);
                        CallEvent::AttributesSettled { revision }
                    })
            }
            DeliveryAnswer::Suggestion { key, result } => {
                let is_settled = self.is_settled("suggestion", result.as_ref().err());
                is_settled.then_some(match result {
                    Ok(id) => CallEvent::SuggestionAccepted { key, id },
                    Err(_) => CallEvent::SuggestionRefused { key },
                })
            }
        }
    }

    /// Counts the end of a delivery in its lane, and returns whether the delivery is over for good: accepted or given up.
    fn is_settled(&mut self, operation: &'static str, error: Option<&cxone::Error>) -> bool {
        let lane = if operation == "attributes" {
            &mut self.attributes
        } else {
            &mut self.suggestions
        };
        let Some(error) = error else {
            *lane = DeliveryLane::default();
            if operation == "attributes" {
                let interval = self.contact_center.attribute_interval();
                lane.not_before = (!interval.is_zero()).then(|| Instant::now() + interval);
            }
            return true;
        };
        lane.is_in_flight = false;
        lane.failures += 1;
        let asked = error.retry_after().unwrap_or_default().min(MAX_ASKED_WAIT);
        let wait = self.deps.pacer.retry_delay(lane.failures).max(asked);
        lane.not_before = Some(Instant::now() + wait);
        self.contact_center
            .record_send_failure(operation, error, lane.failures);
        if !error.is_request_refused() && !error.is_forbidden() {
            return false;
        }
        lane.refusals += 1;
        let max_refusals = if lane.has_given_up { 1 } else { MAX_REFUSALS };
        if lane.refusals < max_refusals {
            return false;
        }
        (lane.refusals, lane.has_given_up) = (0, true);
        metrics::count("sends_refused", 1);
        tracing::debug!(
            operation,
            cause = %WithCauses(error),
            "a send was given up after it was refused for good"
        );
        true
    }
}

/// Records how long ago a segment ended that the contact center shows the score of.
fn observe_lag(newest_end: i64) {
    let lag_ms = Timestamp::now().as_millisecond() - newest_end;
    // The lag of a recording, or one measured against a wrong clock, says nothing about the poller.
    if (0..86_400_000).contains(&lag_ms) {
        metrics::observe("poller_lag_ms", lag_ms as f64);
    }
}
