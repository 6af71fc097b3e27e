//! The card of a call that has ended: made once of the whole transcript, and kept as long as the state of the call.
//!
//! Nothing of the call depends on the card. Where the transcript is not served any more, there is none, and the command `card` makes
//! one from the archives of the contact center.

use insights_core::WithCauses;
use insights_core::card::CardRecord;
use insights_core::live::{CallState, Segment};
use insights_core::pii::RedactionPolicy;
use insights_core::rules::{Dialogue, Evaluation, RuleFile, Utterance};
use jiff::Timestamp;

use crate::contact_center::ContactCenter;
use crate::deps::Deps;

/// Makes the card of a call that has ended, and keeps it. A failure is logged and changes nothing.
pub(crate) async fn keep(deps: &Deps, contact_center: ContactCenter<'_>, interaction_id: &str) {
    let loaded = deps.calls.load(interaction_id, Timestamp::now()).await;
    let state = match loaded {
        Ok(Some(loaded)) => loaded.call,
        // Nothing was ever stored of the call, or it was erased.
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(
                interaction_id,
                cause = %WithCauses(&error),
                "the state of a call that has ended was not read, so it gets no card"
            );
            return;
        }
    };
    if state.ended().is_none() || has_no_words(&state) {
        return;
    }
    let segments = match contact_center.read_whole_transcript().await {
        Ok(segments) => segments,
        Err(error) => {
            tracing::warn!(
                interaction_id,
                cause = %WithCauses(&error),
                "the transcript of a call that has ended was not read, so it gets no card"
            );
            return;
        }
    };
    let settings = deps.live_settings();
    let file = settings
        .rules
        .as_deref()
        .unwrap_or_else(|| RuleFile::built_in());
    let record = record_of(interaction_id, &state, segments, file);
    let kept = deps
        .calls
        .keep_card(interaction_id, &record, Timestamp::now())
        .await;
    if let Err(error) = kept {
        tracing::warn!(
            interaction_id,
            cause = %WithCauses(&error),
            "the card of a call that has ended was not kept"
        );
    }
}

fn has_no_words(state: &CallState) -> bool {
    let speech = state.speech();
    speech.customer_ms == 0 && speech.agent_ms == 0
}

/// Makes the record of a call. Its hits are those that were decided live, so that nothing else is claimed afterwards.
fn record_of(
    interaction_id: &str,
    state: &CallState,
    segments: Vec<Segment>,
    file: &RuleFile,
) -> CardRecord {
    let dialogue = Dialogue {
        utterances: segments
            .iter()
            .filter(|segment| segment.is_final)
            .map(Utterance::from)
            .collect(),
        ..Dialogue::default()
    };
    let evaluation = state
        .rules()
        .evaluation(file)
        .unwrap_or_else(|| Evaluation {
            hits: state.rules().hits().to_vec(),
            answers: Vec::new(),
        });
    let policy = RedactionPolicy::default();
    CardRecord::new(interaction_id, &dialogue, file, evaluation, Some(&policy))
}
