//! The transition of a live call: state, event and time in, next state and actions out.
//!
//! The function is pure, so that tests can try every schedule of crashes, repeated answers and competing processes.

use jiff::Timestamp;

use super::action::{CallAction, LeaveReason};
use super::batch::count_batch;
use super::call_state::{CallEnd, CallState, EndReason};
use super::delivery;
use super::event::CallEvent;
use super::lease::Lease;
use super::segment::Segment;
use super::selection::select_new_segments;
use super::settings::LiveSettings;
use super::suggestion::SuggestionStatus;

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
        CallEvent::BatchScored { batch, has_more } => {
            if !has_more {
                state.sweep.complete(now);
            }
            count_batch(&mut state, batch, has_more, settings, now)
        }
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

/// Makes a call that has ended live again. A live call stays as it is.
fn register(state: &mut CallState, now: Timestamp) -> Vec<CallAction> {
    if state.ended.take().is_none() {
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
    vec![CallAction::SaveState]
}

/// Begins a round: ends a silent call, renews the lease, repeats what was not acknowledged, and polls.
fn start_round(state: &mut CallState, settings: &LiveSettings, now: Timestamp) -> Vec<CallAction> {
    let mut actions = Vec::new();
    if let Some(silence_timeout) = settings.silence_timeout
        && state.ended.is_none()
        && now >= state.last_segment_at + silence_timeout
    {
        state.ended = Some(CallEnd {
            reason: EndReason::Silence,
            at: now,
        });
        actions.push(CallAction::SaveState);
    }
    if let Some(ended) = state.ended
        && !is_delivering_after_end(state, settings, now)
    {
        state.lease = None;
        return vec![
            CallAction::SaveState,
            CallAction::LeaveCall(LeaveReason::Ended(ended.reason)),
        ];
    }
    let is_renewed = state
        .lease
        .as_mut()
        .is_some_and(|lease| lease.renew_if_half_over(settings.lease_duration, now));
    if is_renewed && actions.is_empty() {
        actions.push(CallAction::SaveState);
    }
    actions.extend(delivery::pending(state));
    if state.ended.is_none() {
        let range = state.sweep.next_fetch(&state.memory, settings, now);
        actions.push(CallAction::FetchSegments {
            from: range.from,
            is_sweep: range.is_sweep,
        });
    }
    actions
}

/// Returns whether a call that has ended still has something to send, and is still within the grace period for it.
fn is_delivering_after_end(state: &CallState, settings: &LiveSettings, now: Timestamp) -> bool {
    state
        .ended
        .is_some_and(|ended| state.has_unacknowledged() && now < ended.at + settings.delivery_grace)
}

/// Takes the answer to a poll, and returns the actions that score its new segments.
fn take_answer(
    state: &mut CallState,
    segments: Vec<Segment>,
    is_sweep: bool,
    settings: &LiveSettings,
    now: Timestamp,
) -> Vec<CallAction> {
    state.sweep.note_answer(is_sweep, &state.memory);
    let selection = select_new_segments(segments, &state.memory, settings.batch_size, now);
    let mut actions = Vec::new();
    if selection.late + selection.implausible > 0 {
        actions.push(CallAction::ReportSkipped {
            late: selection.late,
            implausible: selection.implausible,
        });
    }
    if selection.segments.is_empty() {
        state.sweep.complete(now);
    } else {
        actions.push(CallAction::ScoreSegments {
            segments: selection.segments,
            has_more: selection.has_more,
        });
    }
    actions
}

#[cfg(test)]
mod tests;
