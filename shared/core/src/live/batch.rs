//! Counts a scored batch into the state of a call, and raises a suggestion if the call has become bad.

use jiff::Timestamp;

use super::action::{BatchReport, CallAction, ReportedSegment};
use super::call_rules::decide_rules;
use super::call_state::CallState;
use super::event::{ScoredBatch, ScoredSegment};
use super::segment::{Segment, Speaker};
use super::settings::{AlertSubject, LiveSettings, whole_millis};
use super::suggestion::{Suggestion, SuggestionStatus};
use crate::unscored::Unscored;

/// Largest number of pending suggestions. While so many are not acknowledged, no further one is raised: the agent could not
/// read them all either.
pub(super) const MAX_PENDING_SUGGESTIONS: usize = 4;

/// Counts a scored batch into the state, and returns the actions that follow from it: write and report.
pub(super) fn count_batch(
    state: &mut CallState,
    batch: ScoredBatch,
    settings: &LiveSettings,
    now: Timestamp,
) -> Vec<CallAction> {
    let ScoredBatch {
        scored,
        unscored,
        failed,
        has_more,
    } = batch;
    // Segments that are fetched again must be recognized as new then, however far the others move the cursor.
    state.unresolved_from = failed
        .iter()
        .filter(|segment| !segment.is_ahead_of(now))
        .map(|segment| segment.end)
        .min();
    if let Some(file) = &settings.rules {
        // What was said counts for the rules although its score is still to come.
        for segment in &failed {
            state.rules.add_segment(file, segment, now);
        }
    }
    // Another answer may have brought the same segments while these were scored.
    let scored: Vec<ScoredSegment> = scored
        .into_iter()
        .filter(|scored| count_segment(state, scored, now))
        .collect();
    let unscored: Vec<&Segment> = unscored
        .iter()
        .filter(|segment| state.remember_unscored(segment, now))
        .collect();
    count_speech(state, &scored, &unscored);
    let unscored_count = unscored.len();
    if scored.is_empty() && unscored_count == 0 {
        return Vec::new();
    }
    state.unscored_count += unscored_count as u64;
    add_to_rules(state, &scored, &unscored, settings, now);
    state.last_segment_at = now;
    if let Some(lease) = &mut state.lease {
        // The state is written anyway, so the renewal costs nothing.
        lease.until = now + settings.lease_duration;
    }
    let mut actions = vec![CallAction::SaveState];
    if unscored_count > 0 {
        actions.push(CallAction::ReportUnscored {
            count: unscored_count,
        });
    }
    if !scored.is_empty() {
        let report = count_scores(state, &scored, has_more, settings);
        actions.push(CallAction::ReportBatch(report));
    }
    if !has_more {
        actions.extend(decide_rules(
            state,
            &scored,
            state.unfinished_since,
            settings,
            now,
        ));
    }
    state
        .memory
        .forget_older_than(whole_millis(settings.memory_horizon), state.unresolved_from);
    actions
}

/// Adds the spoken time of segments that are new, in the order of their ends.
fn count_speech(state: &mut CallState, scored: &[ScoredSegment], unscored: &[&Segment]) {
    // A segment without words says nothing; one in another language was said and has no score.
    let said = scored
        .iter()
        .filter(|scored| scored.unscored != Some(Unscored::NoWords));
    let with_score = said.map(|scored| (&scored.segment, scored.is_counted()));
    let mut all: Vec<(&Segment, bool)> = with_score
        .chain(unscored.iter().map(|segment| (*segment, false)))
        .collect();
    all.sort_by_key(|(segment, _)| segment.end);
    for (segment, has_score) in all {
        if has_score {
            state.speech.count_scored(segment);
        } else {
            state.speech.count_unscored(segment);
        }
    }
}

/// Adds the words of counted segments to the facts of the rules.
fn add_to_rules(
    state: &mut CallState,
    scored: &[ScoredSegment],
    unscored: &[&Segment],
    settings: &LiveSettings,
    now: Timestamp,
) {
    let Some(file) = &settings.rules else { return };
    for segment in unscored {
        state.rules.add_segment(file, segment, now);
    }
    for scored in scored {
        state.rules.add_scored(file, scored, now);
    }
}

/// Computes the sentiment after scored segments that were remembered, and raises a suggestion if the call has become bad.
fn count_scores(
    state: &mut CallState,
    batch: &[ScoredSegment],
    has_more: bool,
    settings: &LiveSettings,
) -> BatchReport {
    let speakers: Vec<Speaker> = batch
        .iter()
        .filter(|scored| scored.is_counted())
        .map(|scored| scored.segment.speaker)
        .collect();
    state.sentiment = state
        .sentiment
        .after_batch(&state.memory, &speakers, settings);
    // What has no sentiment of its own changes no average, so there is nothing to send.
    let has_news = state.note_customer(batch);
    if has_news || !speakers.is_empty() {
        state.revision += 1;
    }
    // In the middle of a catch-up the sentiment is that of the past. The agent is helped by where the call stands now, so
    // only the last batch of an answer may raise a suggestion.
    let suggestion = if has_more || settings.rules.is_some() {
        None
    } else {
        raise_suggestion(state, batch, settings)
    };
    BatchReport {
        segments: batch.iter().map(ReportedSegment::from).collect(),
        sentiment: state.sentiment,
        suggestion,
    }
}

/// Remembers a segment and adds it to the total of its speaker. Returns whether the segment was new.
fn count_segment(state: &mut CallState, scored: &ScoredSegment, now: Timestamp) -> bool {
    let Some(remembered) = state.remember(scored, now) else {
        return false;
    };
    if !scored.is_counted() {
        return true;
    }
    let total = match scored.segment.speaker {
        Speaker::Customer => &mut state.customer_total,
        Speaker::Agent => &mut state.agent_total,
    };
    total.segments += 1;
    total.score_sum += u64::from(remembered.score);
    if scored.segment.speaker == Speaker::Customer {
        state.history.count(remembered.end, remembered.score);
    }
    true
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
            .filter(|scored| scored.is_counted() && subject.includes(scored.segment.speaker))
    };
    // If no counted speaker spoke in this batch, their sentiment is that of an earlier batch, which was decided on then.
    counted().next()?;
    let sentiment = match subject {
        AlertSubject::Customer => state.sentiment.customer.unwrap_or_default(),
        AlertSubject::Both => state.sentiment.both,
    };
    let at = state.memory.latest_end()?;
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
