//! Follows one call in one process: carries out the actions that the transition of the call asks for.

use std::collections::VecDeque;
use std::time::Duration;

use insights_core::WithCauses;
use insights_core::live::{
    BatchReport, CallAction, CallEvent, EndReason, LeaveReason, ScoredBatch, Segment,
};
use insights_core::rules::RuleHit;
use insights_core::unscored::Unscored;
use jiff::Timestamp;
use runtime::metrics;
use sentiment::ProviderError;

use crate::contact_center::{ContactCenter, PollAnswer};
use crate::counted_batch::CountedBatch;
use crate::deps::Deps;
use crate::ended_card;
use crate::leased_call::{Interruption, LeasedCall};
use crate::row_writer::RowWriter;
use crate::scorer::FailedSegment;
use crate::segment_retries::{FailureDecision, SegmentRetries};
use crate::summary::RunCounters;

/// How a round of a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoundOutcome {
    /// Everything that the contact center served is scored. The next round is due after the idle delay.
    CaughtUp,
    /// The contact center has served more segments than one batch takes. The next round is due at once.
    MoreWaiting,
    /// The poll or the state store failed. The next round does again what was not done, after a delay.
    Failed,
    /// The transcripts are not asked for at all for a while. The next round is due after this time.
    EndpointClosed(Duration),
    /// Another process holds the lease of the call until the given time.
    LeasedUntil(Timestamp),
    /// The call is over and nothing is left to send.
    Ended(EndReason),
}

/// The follower of one call, which keeps the state of the call in memory between two rounds.
pub(crate) struct CallFollower<'a> {
    deps: &'a Deps,
    counters: &'a RunCounters,
    interaction_id: &'a str,
    contact_center: ContactCenter<'a>,
    call: LeasedCall<'a>,
    /// Writer of the call's row on the board of supervisors.
    row: RowWriter<'a>,
    retries: SegmentRetries,
    /// Number of failed rounds in a row.
    failed_rounds: u32,
    /// How the round that is underway ends, unless it is interrupted.
    outcome: RoundOutcome,
    /// Whether a warning about segments with impossible times was logged.
    has_warned_of_times: bool,
}

impl<'a> CallFollower<'a> {
    /// Creates a follower that has not claimed its call yet.
    pub(crate) fn new(
        deps: &'a Deps,
        counters: &'a RunCounters,
        interaction_id: &'a str,
        holder: &'a str,
    ) -> Self {
        let contact_center = ContactCenter::new(deps, counters, interaction_id);
        Self {
            deps,
            counters,
            interaction_id,
            contact_center,
            call: LeasedCall::new(deps, contact_center, interaction_id, holder),
            row: RowWriter::new(deps, interaction_id),
            retries: SegmentRetries::default(),
            failed_rounds: 0,
            outcome: RoundOutcome::CaughtUp,
            has_warned_of_times: false,
        }
    }

    /// Forgets the state in memory, because somebody else has changed the stored one. The next round claims the call again.
    pub(crate) fn forget_state(&mut self) {
        self.call.release();
    }

    /// Returns the number of failed rounds in a row.
    pub(crate) fn failed_rounds(&self) -> u32 {
        self.failed_rounds
    }

    /// Carries out one round: claims the call if needed, polls, scores, writes, and starts to send what is not acknowledged.
    /// What is sent is answered beside this round and the next ones.
    pub(crate) async fn run_round(&mut self) -> RoundOutcome {
        self.outcome = RoundOutcome::CaughtUp;
        let outcome = match self.poll_and_count().await {
            Ok(()) => self.outcome,
            Err(interruption) => self.handle_interruption(interruption),
        };
        match outcome {
            RoundOutcome::Failed => self.failed_rounds += 1,
            RoundOutcome::EndpointClosed(_) => {}
            _ => self.failed_rounds = 0,
        }
        outcome
    }

    async fn poll_and_count(&mut self) -> Result<(), Interruption> {
        if !self.call.is_held() {
            let actions = self.call.load_and_claim().await?;
            self.perform_all(actions).await?;
        }
        let actions = self.call.apply(CallEvent::RoundStarted);
        self.perform_all(actions).await?;
        self.call.settle_deliveries().await?;
        if matches!(
            self.outcome,
            RoundOutcome::CaughtUp | RoundOutcome::MoreWaiting
        ) && let Some(state) = self.call.state()
        {
            self.row.write_if_due(state).await;
        }
        Ok(())
    }

    /// Removes the row of a call that has ended from the board of supervisors.
    pub(crate) async fn remove_row(&mut self) {
        self.row.remove().await;
    }

    /// Makes the card of a call that has ended, and keeps it.
    pub(crate) async fn keep_card(&mut self) {
        ended_card::keep(self.deps, self.contact_center, self.interaction_id).await;
    }

    /// Waits until a delivery was answered or is due. May be canceled at any time.
    pub(crate) async fn wait_for_delivery(&mut self) {
        self.call.wait_for_delivery().await;
    }

    /// Writes what was answered to deliveries, and starts those that are due.
    pub(crate) async fn settle_deliveries(&mut self) {
        if let Err(interruption) = self.call.settle_deliveries().await {
            self.handle_interruption(interruption);
        }
    }

    /// Gives the lease back, so that the next process need not wait until it runs out. Deliveries that are underway get
    /// `grace` to end.
    pub(crate) async fn hand_over(&mut self, grace: Duration) {
        if let Err(Interruption::StateStore(error)) = self.call.hand_over(grace).await {
            tracing::info!(
                interaction_id = self.interaction_id,
                cause = %WithCauses(&error),
                "the lease was not given back and will run out"
            );
        }
    }

    fn handle_interruption(&mut self, interruption: Interruption) -> RoundOutcome {
        self.call.release();
        match interruption {
            Interruption::Leave(LeaveReason::LeasedUntil(until)) => {
                RoundOutcome::LeasedUntil(until)
            }
            Interruption::Leave(LeaveReason::Ended(reason)) => RoundOutcome::Ended(reason),
            Interruption::StateStore(store::Error::Conflict { .. }) => {
                tracing::debug!(
                    interaction_id = self.interaction_id,
                    "another process wrote the state, which is read again"
                );
                RoundOutcome::Failed
            }
            Interruption::StateStore(error) => {
                tracing::warn!(
                    interaction_id = self.interaction_id,
                    cause = %WithCauses(&error),
                    "the state of a call was not read or written"
                );
                self.record_store_failure()
            }
            Interruption::LeaseOver => {
                tracing::warn!(
                    interaction_id = self.interaction_id,
                    "the lease of a call was not renewed in time"
                );
                self.record_store_failure()
            }
        }
    }

    fn record_store_failure(&self) -> RoundOutcome {
        metrics::count("store_errors", 1);
        self.counters.add_failure();
        RoundOutcome::Failed
    }

    /// Carries out actions in their order. Actions that follow from an action's answer come before the remaining ones, so that
    /// a state is written before the next thing begins.
    async fn perform_all(&mut self, actions: Vec<CallAction>) -> Result<(), Interruption> {
        let mut remaining: VecDeque<CallAction> = actions.into();
        while let Some(action) = remaining.pop_front() {
            for action in self.perform(action).await?.into_iter().rev() {
                remaining.push_front(action);
            }
        }
        Ok(())
    }

    async fn perform(&mut self, action: CallAction) -> Result<Vec<CallAction>, Interruption> {
        match action {
            CallAction::SaveState => self.call.save().await.map(|()| Vec::new()),
            CallAction::LeaveCall(reason) => Err(Interruption::Leave(reason)),
            CallAction::FetchSegments { from, is_sweep } => self.fetch(from, is_sweep).await,
            CallAction::ScoreSegments { segments, has_more } => {
                self.score(segments, has_more).await
            }
            CallAction::ReportOddSegments { late, misdated } => {
                self.report_odd_segments(late, misdated);
                Ok(Vec::new())
            }
            CallAction::ReportUnscored { count } => {
                metrics::count("segments_unscored", count as u64);
                self.row.note_batch();
                Ok(Vec::new())
            }
            CallAction::ReportBatch(report) => {
                self.report(&report);
                Ok(Vec::new())
            }
            CallAction::ReportRuleHits(hits) => {
                self.report_rule_hits(&hits);
                self.row.note_batch();
                Ok(Vec::new())
            }
            // The deliveries of the call start what the state says is pending.
            CallAction::SendAttributes { .. } | CallAction::SendSuggestion(_) => Ok(Vec::new()),
        }
    }

    async fn fetch(&mut self, from: i64, is_sweep: bool) -> Result<Vec<CallAction>, Interruption> {
        let poll = self.contact_center.fetch_segments(from);
        let event = match self.call.work(poll).await? {
            PollAnswer::Segments(segments) => CallEvent::SegmentsFetched { segments, is_sweep },
            PollAnswer::Failed => {
                self.outcome = RoundOutcome::Failed;
                CallEvent::PollFailed
            }
            PollAnswer::EndpointClosed(duration) => {
                self.outcome = RoundOutcome::EndpointClosed(duration);
                CallEvent::PollFailed
            }
        };
        Ok(self.call.apply(event))
    }

    /// Scores the segments whose turn it is. A segment that cannot be scored neither stops the others nor slows the polls down.
    async fn score(
        &mut self,
        segments: Vec<Segment>,
        has_more: bool,
    ) -> Result<Vec<CallAction>, Interruption> {
        let (due, waiting): (Vec<Segment>, Vec<Segment>) = segments
            .into_iter()
            .partition(|segment| self.retries.is_due(segment.id()));
        let mut batch = ScoredBatch {
            failed: waiting,
            has_more,
            ..ScoredBatch::default()
        };
        let results = self.call.work(self.deps.scorer.score(due)).await?;
        let mut first_failure = None;
        for result in results {
            match result {
                Ok(scored) => {
                    self.retries.forget(scored.segment.id());
                    batch.scored.push(scored);
                }
                Err(FailedSegment { segment, error }) => {
                    match self.retries.record_failure(
                        segment.id(),
                        &error,
                        self.deps.scorer.scored_texts(),
                        &self.deps.pacer,
                    ) {
                        FailureDecision::TryAgain => batch.failed.push(segment),
                        FailureDecision::GiveUp => batch.unscored.push(segment),
                    }
                    self.count_scoring_failure(&error);
                    first_failure.get_or_insert(error);
                }
            }
        }
        batch.scored.sort_by_key(|scored| scored.segment.end);
        self.row.note_segments(&batch.scored).await;
        if let Some(error) = first_failure {
            tracing::warn!(
                interaction_id = self.interaction_id,
                given_up = batch.unscored.len(),
                tried_again = batch.failed.len(),
                cause = %WithCauses(&error),
                "some segments were not scored"
            );
        }
        let has_progress = !batch.scored.is_empty() || !batch.unscored.is_empty();
        if has_more && has_progress {
            self.outcome = RoundOutcome::MoreWaiting;
        }
        Ok(self.call.apply(CallEvent::BatchScored(batch)))
    }

    fn count_scoring_failure(&self, error: &ProviderError) {
        self.counters.add_failure();
        match error {
            ProviderError::Model(_) | ProviderError::InvalidAnswer(_) => {
                metrics::count("model_errors", 1);
            }
            ProviderError::Unavailable(_) | ProviderError::AccessRefused(_) => {
                metrics::count("provider_errors", 1);
            }
            // A refused text is counted as unscored, and a full queue is the model at its limit.
            ProviderError::Refused(_) | ProviderError::Overloaded => {}
        }
    }

    fn report_odd_segments(&mut self, late: usize, misdated: usize) {
        metrics::count("segments_skipped", late as u64);
        metrics::count("segments_misdated", misdated as u64);
        if late > 0 {
            tracing::info!(
                interaction_id = self.interaction_id,
                late,
                "segments of the transcript came too late to be scored"
            );
        }
        if misdated > 0 && !self.has_warned_of_times {
            self.has_warned_of_times = true;
            tracing::warn!(
                interaction_id = self.interaction_id,
                misdated,
                "segments of the transcript have impossible times and are scored as if they had ended now"
            );
        }
    }

    fn report_rule_hits(&self, hits: &[RuleHit]) {
        metrics::count("rule_hits", hits.len() as u64);
        for hit in hits {
            tracing::info!(
                interaction_id = self.interaction_id,
                rule = hit.rule,
                version = hit.version,
                severity = hit.severity.name(),
                offset_ms = hit.offset_ms,
                "a rule holds for a live call"
            );
        }
    }

    fn report(&mut self, report: &BatchReport) {
        self.counters.add_batch(report.segments.len());
        self.row.note_batch();
        let count = |reason: Option<Unscored>| {
            let segments = report.segments.iter();
            segments
                .filter(|segment| segment.unscored == reason)
                .count() as u64
        };
        for (metric, reason) in [
            ("segments_scored", None),
            ("segments_without_words", Some(Unscored::NoWords)),
            ("segments_in_other_languages", Some(Unscored::OtherLanguage)),
        ] {
            metrics::count(metric, count(reason));
        }
        if let Some(newest_end) = report.segments.iter().map(|segment| segment.end).max() {
            self.call.note_counted_batch(newest_end);
        }
        self.deps.observer.notify(|| CountedBatch {
            interaction_id: self.interaction_id.to_owned(),
            report: report.clone(),
        });
    }
}
