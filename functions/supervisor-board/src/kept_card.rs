//! A call that has ended, opened: the card, the rules and the scorecard that were kept of it.

use backends::caller_keys::CallerSession;
use insights_core::card::{CardRecord, Scorecard, ScorecardAnswer};
use insights_core::live::CallState;
use jiff::Timestamp;
use runtime::http::reply;
use runtime::{Failure, Response, metrics};
use serde_json::{Value, json};

use crate::card_view::kept_lines;
use crate::deps::Deps;
use crate::rules_view::KnownRules;
use crate::transcript::Transcript;
use crate::{contests, unavailable};

/// Answers with what was kept of a call that has ended. Who opened it is logged, as for transcripts, because it quotes the call.
///
/// # Errors
/// The failure 404 where nothing is kept, and 503 while the store cannot be reached.
pub(crate) async fn open(
    deps: &Deps,
    viewer: &CallerSession,
    id: &str,
) -> Result<Response, Failure> {
    let now = Timestamp::now();
    let record = deps.calls.card(id, now).await.map_err(unavailable)?;
    let record =
        record.ok_or_else(|| Failure::not_found("no card of this conversation is kept"))?;
    tracing::info!(
        viewer = viewer.person,
        conversation_id = id,
        "the card of an ended call was opened on the board"
    );
    metrics::count("board_cards", 1);
    let loaded = deps.calls.load(id, now).await.map_err(unavailable)?;
    let state = loaded.map(|loaded| loaded.call);
    let details = state.as_ref().map(CallState::details);
    let began = began_ms(&record, state.as_ref());
    let rules = KnownRules::of_kept(&record);
    reply::ok(&json!({
        "row": {
            "id": id,
            "kind": "call",
            "agent_id": details.and_then(|details| details.agent_id.as_ref()),
            "agent_name": details.and_then(|details| details.agent_name.as_ref()),
            "skill": details.and_then(|details| details.skill.as_ref()),
        },
        "began": began,
        "ended": state.as_ref().and_then(CallState::ended).map(|ended| ended.at.as_millisecond()),
        "card": kept_lines(&record.card, began),
        "rules": rules.view(&Transcript::default()),
        "scorecard": record.scorecard.as_ref().map(scorecard_json),
        "contests": contests::read(deps, id, now).await?,
    }))
}

/// Returns when a call began, in milliseconds since the epoch, as its card counts the seconds.
fn began_ms(record: &CardRecord, state: Option<&CallState>) -> i64 {
    let by_hit = record.hits.first().map(|hit| hit.at - hit.offset_ms);
    let registered = || state.map(|state| state.registered_at().as_millisecond());
    by_hit.or_else(registered).unwrap_or_default()
}

fn scorecard_json(scorecard: &Scorecard) -> Value {
    let answer_json = |answer: &ScorecardAnswer| {
        let places = answer.quotes.iter().map(|place| place.at);
        json!({
            "rule": answer.rule,
            "version": answer.version,
            "title": answer.title,
            "answer": answer.answer.name(),
            "passed": answer.passed,
            "weight": answer.weight,
            "fails": answer.fails_scorecard,
            "at": places.collect::<Vec<_>>(),
        })
    };
    json!({
        "score": scorecard.score,
        "is_failed": scorecard.is_failed,
        "answers": scorecard.answers.iter().map(answer_json).collect::<Vec<_>>(),
    })
}
