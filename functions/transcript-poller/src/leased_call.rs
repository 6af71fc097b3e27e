//! One call under its lease: the state in memory, and the work that the lease permits.
//!
//! The state and the work belong together. No call of the contact center is made and no segment is scored for a call but
//! inside [`LeasedCall::work`] or by its [`Deliveries`]. Both end when the lease cannot be kept: the work is dropped, the
//! deliveries are canceled, and the state in memory is forgotten. Another process that takes the call over therefore never
//! works beside this one.

use std::pin::pin;
use std::time::Duration;

use backends::interactions::LoadedInteraction;
use insights_core::live::{CallAction, CallEvent, CallState, LeaveReason};
use insights_http::Deadline;
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use crate::contact_center::ContactCenter;
use crate::deliveries::Deliveries;
use crate::deps::Deps;

/// Time before the end of the lease at which all work under the lease is over, so that none of it overlaps with the work of
/// the next holder.
const LEASE_MARGIN: Duration = Duration::from_millis(200);

/// Why the work on a call was broken off.
pub(crate) enum Interruption {
    /// The call must be left alone.
    Leave(LeaveReason),
    /// The state was not read or written. What is in memory may not be what is stored, so it is read again.
    StateStore(store::Error),
    /// The lease could not be renewed before its end.
    LeaseOver,
}

/// One call, whose state this process may hold in memory under a lease.
pub(crate) struct LeasedCall<'a> {
    deps: &'a Deps,
    interaction_id: &'a str,
    /// Name of this run in the lease.
    holder: &'a str,
    /// State of the call; `None` before the call is claimed.
    held: Option<LoadedInteraction>,
    deliveries: Deliveries<'a>,
}

impl<'a> LeasedCall<'a> {
    /// Creates the access to a call that is not claimed yet.
    pub(crate) fn new(
        deps: &'a Deps,
        contact_center: ContactCenter<'a>,
        interaction_id: &'a str,
        holder: &'a str,
    ) -> Self {
        Self {
            deps,
            interaction_id,
            holder,
            held: None,
            deliveries: Deliveries::new(deps, contact_center),
        }
    }

    /// Returns whether the call is claimed.
    pub(crate) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Returns the state of the call, if it is claimed.
    pub(crate) fn state(&self) -> Option<&CallState> {
        self.held.as_ref().map(|held| &held.call)
    }

    /// Forgets the state in memory and cancels the deliveries. The call has to be claimed again.
    pub(crate) fn release(&mut self) {
        self.held = None;
        self.deliveries.cancel();
    }

    /// Reads the state of the call and applies the claim. Returns the actions that follow from the claim.
    pub(crate) async fn load_and_claim(&mut self) -> Result<Vec<CallAction>, Interruption> {
        let loaded = self
            .deps
            .calls
            .load_or_new(self.interaction_id, Timestamp::now())
            .await
            .map_err(Interruption::StateStore)?;
        self.held = Some(loaded);
        Ok(self.apply(CallEvent::ClaimRequested {
            holder: self.holder.to_owned(),
        }))
    }

    /// Applies an event to the state, and returns the actions that follow from the event; none if the call is not held.
    pub(crate) fn apply(&mut self, event: CallEvent) -> Vec<CallAction> {
        match &mut self.held {
            Some(held) => held.apply(event, &self.deps.live_settings(), Timestamp::now()),
            None => Vec::new(),
        }
    }

    /// Writes the state, provided that nobody else has written it. A write that is not answered before the lease ends counts
    /// as failed.
    pub(crate) async fn save(&mut self) -> Result<(), Interruption> {
        let end = self.work_end();
        let Some(held) = &mut self.held else {
            return Ok(());
        };
        let write = self.deps.calls.save(held, Timestamp::now());
        let written = match end {
            Some(end) => Deadline::at(end)
                .bound(write)
                .await
                .ok_or(Interruption::LeaseOver)?,
            // The state that is written gives the lease back.
            None => write.await,
        };
        written.map_err(Interruption::StateStore)
    }

    /// Does work that the lease permits. Meanwhile the lease is renewed when half of it is over, and deliveries go on.
    ///
    /// The work is dropped and an interruption returned if the lease cannot be kept.
    pub(crate) async fn work<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Interruption> {
        let mut work = pin!(work);
        loop {
            let renewal_at = self.renewal_time().ok_or(Interruption::LeaseOver)?;
            tokio::select! {
                result = &mut work => return Ok(result),
                () = sleep_until(renewal_at) => {}
                () = self.deliveries.wait_for_answer() => {
                    self.settle_deliveries().await?;
                    continue;
                }
            }
            // The work goes on while the state is written, and the write is not canceled when the work ends first.
            let mut renewal = pin!(self.renew());
            let mut finished = None;
            loop {
                tokio::select! {
                    renewed = &mut renewal => {
                        renewed?;
                        break;
                    }
                    result = &mut work, if finished.is_none() => finished = Some(result),
                }
            }
            if let Some(result) = finished {
                return Ok(result);
            }
        }
    }

    async fn renew(&mut self) -> Result<(), Interruption> {
        if self
            .apply(CallEvent::LeaseRenewalRequested)
            .contains(&CallAction::SaveState)
        {
            self.save().await?;
        }
        Ok(())
    }

    /// Waits until a delivery was answered or is due. May be canceled at any time.
    pub(crate) async fn wait_for_delivery(&mut self) {
        self.deliveries.wait_for_answer_or_due().await;
    }

    /// Notes that a batch was counted whose newest segment ended at `newest_end`, in milliseconds since the epoch.
    pub(crate) fn note_counted_batch(&mut self, newest_end: i64) {
        self.deliveries.note_counted_batch(newest_end);
    }

    /// Counts the answers to deliveries into the state, writes the state if it has to be, and starts what is due.
    pub(crate) async fn settle_deliveries(&mut self) -> Result<(), Interruption> {
        let mut must_save = false;
        for event in self.deliveries.take_events() {
            must_save |= self.apply(event).contains(&CallAction::SaveState);
        }
        if must_save {
            self.save().await?;
        }
        match self.work_end() {
            Some(end) => {
                let pending = self.apply(CallEvent::DeliveryRequested);
                self.deliveries.start_due(pending, Deadline::at(end));
            }
            // Nothing may be sent before the next round renews the lease. A delivery that went on counting as due until
            // then would be looked at without a pause.
            None => self.deliveries.leave_waiting_to_next_round(),
        }
        Ok(())
    }

    /// Gives the lease back, so that the next process need not wait until it runs out. Deliveries that are underway get
    /// `grace` to end.
    pub(crate) async fn hand_over(&mut self, grace: Duration) -> Result<(), Interruption> {
        if self.held.is_none() {
            return Ok(());
        }
        let until = Deadline::within(grace);
        while self.deliveries.has_in_flight()
            && until
                .bound(self.deliveries.wait_for_answer())
                .await
                .is_some()
        {}
        for event in self.deliveries.take_events() {
            self.apply(event);
        }
        self.deliveries.cancel();
        self.apply(CallEvent::HandOverRequested);
        self.save().await
    }

    /// Returns the time at which all work must be over, or `None` if this process has no lease.
    fn work_end(&self) -> Option<Instant> {
        self.instant_before_lease_end(LEASE_MARGIN)
    }

    /// Returns the time at which half of the lease is over, or `None` if this process has no lease any more.
    fn renewal_time(&self) -> Option<Instant> {
        let end = self.work_end()?;
        if end <= Instant::now() {
            return None;
        }
        self.instant_before_lease_end(self.deps.config.rules.lease_duration / 2)
    }

    fn instant_before_lease_end(&self, margin: Duration) -> Option<Instant> {
        let now = Timestamp::now();
        let lease = self.held.as_ref()?.call.lease(now)?;
        if lease.holder != self.holder {
            return None;
        }
        let remaining = Duration::try_from(lease.until.duration_since(now)).unwrap_or_default();
        Some(Instant::now() + remaining.saturating_sub(margin))
    }
}
