//! The transition of a live call: state, event and time in, next state and actions out.
//!
//! The function is pure, so that tests can try every schedule of crashes, repeated answers and competing processes.

use std::time::Duration;

use jiff::Timestamp;

use super::action::{CallAction, LeaveReason};
use super::batch::count_batch;
use super::call_rules::{close_rules, decide_rules};
use super::call_state::{CallEnd, CallState, EndReason};
use super::delivery;
use super::event::{CallEvent, ScoredBatch};
use super::lease::Lease;
use super::segment::Segment;
use super::selection::select_new_segments;
use super::settings::LiveSettings;
use super::suggestion::SuggestionStatus;

/// Shortest time between two registrations of a live call that are both written. A script that registers its call again and
/// again costs no write each time.
const REGISTRATION_INTERVAL: Duration = Duration::from_secs(30);

/// Applies an event to the state of a call, and returns the next state with the actions to carry out, in order.
#[must_use]
pub fn apply_event(
    mut state: CallState,
    event: CallEvent,
    settings: &LiveSettings,
    now: Timestamp,
) -> (CallState, Vec<CallAction>) {
    let actions = match event {
        CallEvent::RegistrationRequested => register(&mut state, now),
        CallEvent::StopRequested => stop(&mut state, now),
        CallEvent::ClaimRequested { holder } => claim(&mut state, holder, settings, now),
        CallEvent::HandOverRequested => {
            state.lease = None;
            vec![CallAction::SaveState]
        }
        CallEvent::RoundStarted => start_round(&mut state, settings, now),
        CallEvent::SegmentsFetched { segments, is_sweep } => {
            take_answer(&mut state, segments, is_sweep, settings, now)
        }
        CallEvent::LeaseRenewalRequested => renew_lease(&mut state, settings, now),
        CallEvent::DeliveryRequested => delivery::pending(&state),
        CallEvent::PollFailed => {
            state.listening.interrupt();
            Vec::new()
        }
        CallEvent::BatchScored(batch) => take_scores(&mut state, batch, settings, now),
        CallEvent::AttributesSettled { revision } => {
            delivery::settle_attributes(&mut state, revision);
            Vec::new()
        }
        CallEvent::SuggestionAccepted { key, id } => {
            delivery::settle_suggestion(&mut state, &key, SuggestionStatus::Sent(id))
        }
        CallEvent::SuggestionRefused { key } => {
            delivery::settle_suggestion(&mut state, &key, SuggestionStatus::Refused)
        }
    };
    (state, actions)
}

/// Makes a call that has ended live again. For a live call, the silence begins anew, because somebody just said that the call
/// goes on.
fn register(state: &mut CallState, now: Timestamp) -> Vec<CallAction> {
    let was_live = state.ended.take().is_none();
    if was_live && now < state.last_segment_at + REGISTRATION_INTERVAL {
        return Vec::new();
    }
    state.last_segment_at = now;
    vec![CallAction::SaveState]
}

/// Ends a live call. A call that has ended keeps its first reason.
fn stop(state: &mut CallState, now: Timestamp) -> Vec<CallAction> {
    if state.ended.is_some() {
        return Vec::new();
    }
    state.ended = Some(CallEnd {
        reason: EndReason::Stopped,
        at: now,
    });
    vec![CallAction::SaveState]
}

/// Gives the lease to `holder`, unless another process has it or the call is over.
fn claim(
    state: &mut CallState,
    holder: String,
    settings: &LiveSettings,
    now: Timestamp,
) -> Vec<CallAction> {
    match state.lease(now) {
        Some(other) if other.holder != holder => {
            return vec![CallAction::LeaveCall(LeaveReason::LeasedUntil(other.until))];
        }
        _ => {}
    }
    if let Some(ended) = state.ended
        && !is_delivering_after_end(state, settings, now)
    {
        return vec![CallAction::LeaveCall(LeaveReason::Ended(ended.reason))];
    }
    state.lease = Some(Lease {
        holder,
        until: now + settings.lease_duration,
    });
    state.listening.interrupt();
    vec![CallAction::SaveState]
}

/// Renews the lease if half of it is over.
fn renew_lease(state: &mut CallState, settings: &LiveSettings, now: Timestamp) -> Vec<CallAction> {
    let is_renewed = state
        .lease
        .as_mut()
        .is_some_and(|lease| lease.renew_if_half_over(settings.lease_duration, now));
    is_renewed
        .then_some(CallAction::SaveState)
        .into_iter()
        .collect()
}

/// Begins a round: leaves a call that is over, renews the lease, and polls. What is not acknowledged is sent beside the polls.
fn start_round(state: &mut CallState, settings: &LiveSettings, now: Timestamp) -> Vec<CallAction> {
    let mut closing = Vec::new();
    if state.ended.is_some() {
        closing = close_rules(state, settings);
    }
    if state.ended.is_some() && !is_delivering_after_end(state, settings, now) {
        closing.extend(leave(state));
        return closing;
    }
    let mut actions = renew_lease(state, settings, now);
    actions.extend(closing);
    if state.ended.is_none() {
        let range = state
            .sweep
            .next_fetch(&state.memory, state.unresolved_from, settings, now);
        actions.push(CallAction::FetchSegments {
            from: range.from,
            is_sweep: range.is_sweep,
        });
    }
    actions
}

/// Ends a call in which nothing was said for as long as the settings allow, while it was listened to all the time.
fn end_if_silent(
    state: &mut CallState,
    settings: &LiveSettings,
    now: Timestamp,
) -> Vec<CallAction> {
    let Some(silence_timeout) = settings.silence_timeout else {
        return Vec::new();
    };
    let listened_since = state.listening.note_answer(now, silence_timeout);
    if now < state.last_segment_at.max(listened_since) + silence_timeout {
        return Vec::new();
    }
    state.ended = Some(CallEnd {
        reason: EndReason::Silence,
        at: now,
    });
    let mut closing = close_rules(state, settings);
    if !closing.is_empty() && is_delivering_after_end(state, settings, now) {
        return closing;
    }
    if is_delivering_after_end(state, settings, now) {
        vec![CallAction::SaveState]
    } else {
        closing.extend(leave(state));
        closing
    }
}

/// Gives the lease of a call that has ended back, and leaves the call.
fn leave(state: &mut CallState) -> Vec<CallAction> {
    let Some(ended) = state.ended else {
        return Vec::new();
    };
    state.lease = None;
    vec![
        CallAction::SaveState,
        CallAction::LeaveCall(LeaveReason::Ended(ended.reason)),
    ]
}

/// Returns whether a call that has ended still has something to send, and is still within the grace period for it.
fn is_delivering_after_end(state: &CallState, settings: &LiveSettings, now: Timestamp) -> bool {
    let has_work = state.has_unacknowledged() || state.rules.must_be_closed(settings);
    state
        .ended
        .is_some_and(|ended| has_work && now < ended.at + settings.delivery_grace)
}

/// Takes the answer to a poll, and returns the actions that score its new segments.
fn take_answer(
    state: &mut CallState,
    segments: Vec<Segment>,
    is_sweep: bool,
    settings: &LiveSettings,
    now: Timestamp,
) -> Vec<CallAction> {
    state.sweep.note_answer(is_sweep, &state.memory, now);
    state.unfinished_since = find_unfinished(&segments);
    let selection = select_new_segments(state, segments, settings.batch_size, now);
    let mut actions = Vec::new();
    if selection.late + selection.misdated > 0 {
        actions.push(CallAction::ReportOddSegments {
            late: selection.late,
            misdated: selection.misdated,
        });
    }
    if selection.segments.is_empty() {
        state.sweep.complete(now);
        state.unresolved_from = None;
        actions.extend(decide_rules(
            state,
            &[],
            state.unfinished_since,
            settings,
            now,
        ));
        actions.extend(end_if_silent(state, settings, now));
    } else {
        if let Some(silence_timeout) = settings.silence_timeout {
            state.listening.note_answer(now, silence_timeout);
        }
        actions.push(CallAction::ScoreSegments {
            segments: selection.segments,
            has_more: selection.has_more,
        });
    }
    actions
}

/// Returns the start of the earliest partial segment that no final one of the same speaker has replaced yet.
fn find_unfinished(segments: &[Segment]) -> Option<i64> {
    let is_replaced = |partial: &Segment| {
        segments.iter().any(|other| {
            other.is_final
                && other.speaker == partial.speaker
                && (other.start == partial.start
                    || other.start < partial.start && other.end > partial.start)
        })
    };
    segments
        .iter()
        .filter(|segment| !segment.is_final && !is_replaced(segment))
        .map(|segment| segment.start)
        .min()
}

/// Counts what was scored. The sweep is complete once nothing of its answer is left.
fn take_scores(
    state: &mut CallState,
    batch: ScoredBatch,
    settings: &LiveSettings,
    now: Timestamp,
) -> Vec<CallAction> {
    if !batch.has_more && batch.failed.is_empty() {
        state.sweep.complete(now);
    }
    count_batch(state, batch, settings, now)
}

#[cfg(test)]
mod tests;
