//! One conversation, opened: its transcript so far, its scores, and why its alert was raised.

use backends::board::BoardEntry;
use backends::caller_keys::CallerSession;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use insights_core::WithCauses;
use insights_core::board::ConversationKind;
use insights_core::live::{CallState, CallView};
use insights_core::scale::round_score;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::{Failure, Request, RequestExt, Response, metrics};
use serde_json::{Value, json};

use crate::deps::Deps;
use crate::transcript::{self, Transcript};
use crate::{alerts, row_view, unavailable};

/// Number of turns that are shown as what raised an alert.
const MAX_SHOWN_CAUSES: usize = 5;

/// Time that the window of an alert covers before it, in milliseconds.
const CAUSE_WINDOW_MS: i64 = 30_000;

/// Answers with one conversation. Who opened it is logged first, so that nobody reads a transcript unseen.
///
/// # Errors
/// The failure 404 for a conversation that is not live, and that of the store. A contact center that does not answer leaves the transcript
/// empty.
pub(crate) async fn open(
    deps: &Deps,
    request: &Request,
    viewer: &CallerSession,
    id: &str,
) -> Result<Response, Failure> {
    let now = Timestamp::now();
    let entry = alerts::find(deps, id, now).await?;
    tracing::info!(
        viewer = viewer.person,
        conversation_id = id,
        "a transcript was opened on the board"
    );
    metrics::count("board_transcripts", 1);
    let deadline = Deadline::at(request.deadline().into());
    let (state, read) = match entry.row.kind {
        ConversationKind::Call => {
            let loaded = deps.calls.load(id, now).await.map_err(unavailable)?;
            let state = loaded.map(|loaded| loaded.call);
            let read = transcript::of_call(deps, id, state.as_ref(), deadline).await;
            (state, read)
        }
        ConversationKind::Chat => (None, transcript::of_chat(deps, id, deadline).await),
    };
    let is_readable = read.is_ok();
    let transcript = read.unwrap_or_else(|error| {
        tracing::warn!(
            conversation_id = id,
            cause = %WithCauses(&error),
            "the transcript of a conversation was not read"
        );
        Transcript::default()
    });
    let (row, _) = row_view::view(&entry, now.as_millisecond());
    let body = json!({
        "row": row,
        "readable": is_readable,
        "transcript": transcript,
        "why": why(&entry, &transcript),
        "call": state.as_ref().map(about_call),
    });
    let mut response = Response::new(body.to_string());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Returns what the state of a call adds: the customer's quarters, the time both have talked, and the suggestions.
fn about_call(state: &CallState) -> Value {
    let view = CallView::from(state);
    let speech = state.speech();
    json!({
        "quarters": state.history().quarters().map(|quarter| quarter.map(round_score)),
        "customer_ms": speech.customer_ms,
        "agent_ms": speech.agent_ms,
        "unscored_ms": speech.unscored_ms,
        "customer_average": view.customer.call_average,
        "agent_average": view.agent.call_average,
        "suggestions": view.suggestions,
    })
}

/// Returns why the alert of a conversation was raised: its rule, the second, and the customer's lowest turns of the time before it.
fn why(entry: &BoardEntry, transcript: &Transcript) -> Option<Value> {
    let alert = entry.row.alert.as_ref()?;
    let covered = alert.at_ms.saturating_sub(CAUSE_WINDOW_MS)..=alert.at_ms;
    let mut causes: Vec<_> = transcript
        .turns
        .iter()
        .filter(|turn| turn.speaker == "customer" && covered.contains(&turn.at))
        .collect();
    causes.sort_by(|one, other| {
        let score = |turn: &transcript::Turn| turn.score.unwrap_or(1.0);
        score(one).total_cmp(&score(other))
    });
    causes.truncate(MAX_SHOWN_CAUSES);
    causes.sort_by_key(|turn| turn.at);
    Some(json!({
        "rule": alert.rule,
        "version": alert.version,
        "at": alert.at_ms,
        "second": alert.at_ms.saturating_sub(entry.row.started_ms) / 1000,
        "average": f64::from(alert.average) / 1000.0,
        "model": alert.model,
        "turns": causes,
    }))
}
