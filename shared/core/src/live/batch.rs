//! Counts a scored batch into the state of a call, and raises a suggestion if the call has become bad.

use jiff::Timestamp;

use super::action::{BatchReport, CallAction, ReportedSegment};
use super::call_state::CallState;
use super::delivery;
use super::event::ScoredSegment;
use super::segment::Speaker;
use super::segment_memory::RememberedSegment;
use super::settings::{AlertSubject, LiveSettings, whole_millis};
use super::suggestion::{Suggestion, SuggestionStatus};

/// Largest number of pending suggestions. While so many are not acknowledged, no further one is raised: the agent could not
/// read them all either.
pub(super) const MAX_PENDING_SUGGESTIONS: usize = 4;

/// Counts a scored batch into the state, and returns the actions that follow from it: write, report, send.
pub(super) fn count_batch(
    state: &mut CallState,
    batch: Vec<ScoredSegment>,
    has_more: bool,
    settings: &LiveSettings,
    now: Timestamp,
) -> Vec<CallAction> {
    // Another answer may have brought the same segments while these were scored.
    let batch: Vec<ScoredSegment> = batch
        .into_iter()
        .filter(|scored| count_segment(state, scored))
        .collect();
    if batch.is_empty() {
        return Vec::new();
    }
    let speakers: Vec<Speaker> = batch.iter().map(|scored| scored.segment.speaker).collect();
    state.sentiment = state
        .sentiment
        .after_batch(&state.memory, &speakers, settings);
    state
        .memory
        .forget_older_than(whole_millis(settings.memory_horizon));
    state.revision += 1;
    state.last_segment_at = now;
    // In the middle of a catch-up the sentiment is that of the past. The agent is helped by where the call stands now, so
    // only the last batch of an answer may raise a suggestion.
    let suggestion = if has_more {
        None
    } else {
        raise_suggestion(state, &batch, settings)
    };
    if let Some(lease) = &mut state.lease {
        // The state is written anyway, so the renewal costs nothing.
        lease.until = now + settings.lease_duration;
    }
    let report = BatchReport {
        segments: batch.iter().map(ReportedSegment::from).collect(),
        sentiment: state.sentiment,
        suggestion,
    };
    let mut actions = vec![CallAction::SaveState, CallAction::ReportBatch(report)];
    actions.extend(delivery::pending(state));
    actions
}

/// Remembers a segment and adds it to the total of its speaker. Returns whether the segment was new.
fn count_segment(state: &mut CallState, scored: &ScoredSegment) -> bool {
    let ScoredSegment { segment, score, .. } = scored;
    let remembered = RememberedSegment::new(segment.id(), segment.end, segment.speaker, *score);
    let is_new = state.memory.insert(remembered);
    if is_new {
        let total = match segment.speaker {
            Speaker::Customer => &mut state.customer_total,
            Speaker::Agent => &mut state.agent_total,
        };
        total.segments += 1;
        total.score_sum += u64::from(remembered.score);
    }
    is_new
}

/// Adds a suggestion to the state if the alert rule asks for one, and returns the suggestion.
fn raise_suggestion(
    state: &mut CallState,
    batch: &[ScoredSegment],
    settings: &LiveSettings,
) -> Option<Suggestion> {
    let subject = settings.alert.subject;
    let counted = || {
        batch
            .iter()
            .filter(|scored| subject.includes(scored.segment.speaker))
    };
    // If no counted speaker spoke in this batch, their sentiment is that of an earlier batch, which was decided on then.
    counted().next()?;
    let sentiment = match subject {
        AlertSubject::Customer => state.sentiment.customer.unwrap_or_default(),
        AlertSubject::Both => state.sentiment.both,
    };
    let at = state.memory.newest_end()?;
    if state.pending_suggestions().count() >= MAX_PENDING_SUGGESTIONS
        || !state.alert.decide(sentiment, at, settings)
    {
        return None;
    }
    let emotions: Vec<String> = counted()
        .flat_map(|scored| scored.emotions.clone())
        .collect();
    let intents: Vec<String> = counted()
        .filter_map(|scored| scored.intent.clone())
        .collect();
    let template = settings.templates.choose(&emotions, &intents)?;
    let suggestion = Suggestion {
        key: state.next_suggestion_key(),
        content: template.content.clone(),
        template: template.name.clone(),
        average: sentiment.average,
        at,
        status: SuggestionStatus::Pending,
    };
    state.add_suggestion(suggestion.clone());
    Some(suggestion)
}
