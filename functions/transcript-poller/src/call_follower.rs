//! Follows one call in one process: carries out the actions that the transition of the call asks for.

use std::collections::VecDeque;
use std::time::Duration;

use backends::interactions::LoadedInteraction;
use insights_core::WithCauses;
use insights_core::live::{
    BatchReport, CallAction, CallEvent, EndReason, LeaveReason, Segment, Suggestion,
};
use insights_http::Deadline;
use jiff::{SignedDuration, Timestamp};
use runtime::metrics;
use sentiment::ProviderError;

use crate::contact_center::{ContactCenter, POLL_TIMEOUT, SEND_TIMEOUT, SendOutcome};
use crate::counted_batch::CountedBatch;
use crate::deps::Deps;
use crate::summary::RunCounters;

/// Time before the end of the lease at which calls to the contact center must be over, so that none of them overlaps with
/// the work of the next holder.
const LEASE_MARGIN: SignedDuration = SignedDuration::from_millis(200);

/// How a round of a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoundOutcome {
    /// Everything that the contact center served is scored. The next round is due after the idle delay.
    CaughtUp,
    /// The contact center has served more segments than one batch takes. The next round is due at once.
    MoreWaiting,
    /// Something failed. The next round does again what was not done, after a delay.
    Failed,
    /// Another process holds the lease of the call until the given time.
    LeasedUntil(Timestamp),
    /// The call is over and nothing is left to send.
    Ended(EndReason),
}

/// Why a round was broken off.
enum RoundInterruption {
    /// The call must be left alone.
    Leave(LeaveReason),
    /// The state was not read or written. What is in memory may not be what is stored, so it is read again.
    StateStore(store::Error),
    /// A segment was not scored.
    Scoring(ProviderError),
}

/// The follower of one call, which keeps the state of the call in memory between two rounds.
pub(crate) struct CallFollower<'a> {
    deps: &'a Deps,
    counters: &'a RunCounters,
    interaction_id: &'a str,
    /// Name of this run in the lease.
    holder: &'a str,
    contact_center: ContactCenter<'a>,
    /// State of the call; `None` before the call is claimed.
    held: Option<LoadedInteraction>,
    /// Number of failed rounds in a row.
    failed_rounds: u32,
    /// Whether something failed in this round.
    has_failed: bool,
    /// Whether more segments are waiting than this round has scored.
    has_more: bool,
}

impl<'a> CallFollower<'a> {
    /// Creates a follower that has not claimed its call yet.
    pub(crate) fn new(
        deps: &'a Deps,
        counters: &'a RunCounters,
        interaction_id: &'a str,
        holder: &'a str,
    ) -> Self {
        Self {
            deps,
            counters,
            interaction_id,
            holder,
            contact_center: ContactCenter::new(deps, counters, interaction_id),
            held: None,
            failed_rounds: 0,
            has_failed: false,
            has_more: false,
        }
    }

    /// Forgets the state in memory, because somebody else has changed the stored one. The next round claims the call again.
    pub(crate) fn forget_state(&mut self) {
        self.held = None;
    }

    /// Returns the number of failed rounds in a row.
    pub(crate) fn failed_rounds(&self) -> u32 {
        self.failed_rounds
    }

    /// Carries out one round: claims the call if needed, sends what is not acknowledged, polls, scores, writes and sends.
    pub(crate) async fn run_round(&mut self) -> RoundOutcome {
        (self.has_failed, self.has_more) = (false, false);
        let result = match self.claim().await {
            Ok(()) => self.apply_and_perform(CallEvent::RoundStarted).await,
            Err(interruption) => Err(interruption),
        };
        let outcome = match result {
            Ok(()) if self.has_failed => RoundOutcome::Failed,
            Ok(()) if self.has_more => RoundOutcome::MoreWaiting,
            Ok(()) => RoundOutcome::CaughtUp,
            Err(interruption) => self.handle_interruption(interruption),
        };
        self.failed_rounds = if outcome == RoundOutcome::Failed {
            self.failed_rounds + 1
        } else {
            0
        };
        outcome
    }

    /// Gives the lease back, so that the next process need not wait until it runs out.
    pub(crate) async fn hand_over(&mut self) {
        if self.held.is_some()
            && let Err(RoundInterruption::StateStore(error)) =
                self.apply_and_perform(CallEvent::HandOverRequested).await
        {
            tracing::info!(
                interaction_id = self.interaction_id,
                cause = %WithCauses(&error),
                "the lease was not given back and will run out"
            );
        }
        self.held = None;
    }

    async fn claim(&mut self) -> Result<(), RoundInterruption> {
        if self.held.is_some() {
            return Ok(());
        }
        let held = self
            .deps
            .calls
            .load_or_new(self.interaction_id, Timestamp::now())
            .await
            .map_err(RoundInterruption::StateStore)?;
        self.held = Some(held);
        self.apply_and_perform(CallEvent::ClaimRequested {
            holder: self.holder.to_owned(),
        })
        .await
    }

    fn handle_interruption(&mut self, interruption: RoundInterruption) -> RoundOutcome {
        match interruption {
            RoundInterruption::Leave(reason) => {
                self.held = None;
                match reason {
                    LeaveReason::LeasedUntil(until) => RoundOutcome::LeasedUntil(until),
                    LeaveReason::Ended(reason) => RoundOutcome::Ended(reason),
                }
            }
            RoundInterruption::StateStore(error) => {
                self.held = None;
                if matches!(error, store::Error::Conflict { .. }) {
                    tracing::debug!(
                        interaction_id = self.interaction_id,
                        "another process wrote the state, which is read again"
                    );
                } else {
                    tracing::warn!(
                        interaction_id = self.interaction_id,
                        cause = %WithCauses(&error),
                        "the state of a call was not read or written"
                    );
                    self.counters.add_failure();
                }
                RoundOutcome::Failed
            }
            RoundInterruption::Scoring(error) => {
                tracing::warn!(
                    interaction_id = self.interaction_id,
                    cause = %WithCauses(&error),
                    "a segment was not scored and will be fetched again"
                );
                metrics::count("model_errors", 1);
                self.counters.add_failure();
                RoundOutcome::Failed
            }
        }
    }

    /// Applies an event and carries out its actions. Actions that follow from an action's answer come before the remaining
    /// ones, so that a state is written and sent before the next thing begins.
    async fn apply_and_perform(&mut self, event: CallEvent) -> Result<(), RoundInterruption> {
        let mut remaining: VecDeque<CallAction> = self.apply(event).into();
        while let Some(action) = remaining.pop_front() {
            for action in self.perform(action).await?.into_iter().rev() {
                remaining.push_front(action);
            }
        }
        Ok(())
    }

    fn apply(&mut self, event: CallEvent) -> Vec<CallAction> {
        match &mut self.held {
            Some(held) => held.apply(event, &self.deps.config.rules, Timestamp::now()),
            None => Vec::new(),
        }
    }

    async fn perform(&mut self, action: CallAction) -> Result<Vec<CallAction>, RoundInterruption> {
        match action {
            CallAction::SaveState => self.save().await.map(|()| Vec::new()),
            CallAction::LeaveCall(reason) => Err(RoundInterruption::Leave(reason)),
            CallAction::FetchSegments { from, is_sweep } => Ok(self.fetch(from, is_sweep).await),
            CallAction::ReportSkipped { late, implausible } => {
                tracing::info!(
                    interaction_id = self.interaction_id,
                    late,
                    implausible,
                    "segments of the transcript were skipped"
                );
                metrics::count("segments_skipped", (late + implausible) as u64);
                Ok(Vec::new())
            }
            CallAction::ScoreSegments { segments, has_more } => {
                self.score(segments, has_more).await
            }
            CallAction::ReportBatch(report) => {
                self.report(&report);
                Ok(Vec::new())
            }
            CallAction::SendAttributes {
                revision,
                attributes,
            } => Ok(self.send_attributes(revision, &attributes).await),
            CallAction::SendSuggestion(suggestion) => Ok(self.send_suggestion(suggestion).await),
        }
    }

    async fn save(&mut self) -> Result<(), RoundInterruption> {
        match &mut self.held {
            Some(held) => self
                .deps
                .calls
                .save(held, Timestamp::now())
                .await
                .map_err(RoundInterruption::StateStore),
            None => Ok(()),
        }
    }

    async fn fetch(&mut self, from: i64, is_sweep: bool) -> Vec<CallAction> {
        self.deps.pacer.wait_for_turn().await;
        let Some(deadline) = self.deadline(POLL_TIMEOUT) else {
            return Vec::new();
        };
        match self.contact_center.fetch_segments(from, deadline).await {
            Some(segments) => self.apply(CallEvent::SegmentsFetched { segments, is_sweep }),
            None => {
                self.has_failed = true;
                Vec::new()
            }
        }
    }

    async fn score(
        &mut self,
        segments: Vec<Segment>,
        has_more: bool,
    ) -> Result<Vec<CallAction>, RoundInterruption> {
        let batch = self
            .deps
            .scorer
            .score(segments)
            .await
            .map_err(RoundInterruption::Scoring)?;
        self.has_more = has_more;
        Ok(self.apply(CallEvent::BatchScored { batch, has_more }))
    }

    fn report(&self, report: &BatchReport) {
        self.counters.add_batch(report.segments.len());
        metrics::count("segments_scored", report.segments.len() as u64);
        let newest_end = report
            .segments
            .iter()
            .map(|segment| segment.end)
            .max()
            .unwrap_or_default();
        let lag_ms = Timestamp::now().as_millisecond() - newest_end;
        // The lag of a recording, or one measured against a wrong clock, says nothing about the poller.
        if (0..86_400_000).contains(&lag_ms) {
            metrics::observe("poller_lag_ms", lag_ms as f64);
        }
        self.deps.observer.notify(|| CountedBatch {
            interaction_id: self.interaction_id.to_owned(),
            report: report.clone(),
        });
    }

    async fn send_attributes(
        &mut self,
        revision: u64,
        attributes: &[(&'static str, String)],
    ) -> Vec<CallAction> {
        let Some(deadline) = self.deadline(SEND_TIMEOUT) else {
            return Vec::new();
        };
        let outcome = self
            .contact_center
            .send_attributes(attributes, deadline)
            .await;
        self.has_failed |= !matches!(outcome, SendOutcome::Accepted(()));
        match outcome {
            SendOutcome::Accepted(()) | SendOutcome::GivenUp => {
                self.apply(CallEvent::AttributesSettled { revision })
            }
            SendOutcome::Failed => Vec::new(),
        }
    }

    async fn send_suggestion(&mut self, suggestion: Suggestion) -> Vec<CallAction> {
        let Some(deadline) = self.deadline(SEND_TIMEOUT) else {
            return Vec::new();
        };
        let outcome = self
            .contact_center
            .send_suggestion(&suggestion, deadline)
            .await;
        self.has_failed |= !matches!(outcome, SendOutcome::Accepted(_));
        let key = suggestion.key;
        match outcome {
            SendOutcome::Accepted(id) => self.apply(CallEvent::SuggestionAccepted { key, id }),
            SendOutcome::GivenUp => self.apply(CallEvent::SuggestionRefused { key }),
            SendOutcome::Failed => Vec::new(),
        }
    }

    /// Returns the time by which a call to the contact center must be over: after `timeout`, and always before the lease ends,
    /// because then another process may work on the call. Returns `None` if the lease is over; the next round renews it.
    fn deadline(&mut self, timeout: Duration) -> Option<Deadline> {
        let now = Timestamp::now();
        let until = self
            .held
            .as_ref()?
            .call
            .lease(now)
            .filter(|lease| lease.holder == self.holder)?
            .until;
        let remaining = until.duration_since(now).saturating_sub(LEASE_MARGIN);
        let remaining = Duration::try_from(remaining)
            .ok()
            .filter(|remaining| !remaining.is_zero());
        if remaining.is_none() {
            self.has_failed = true;
        }
        remaining.map(|remaining| Deadline::within(remaining.min(timeout)))
    }
}
