//! One conversation, opened: its transcript so far, its scores, its rules, its card, and why its alert was raised.

use backends::board::BoardEntry;
use backends::caller_keys::CallerSession;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use insights_core::WithCauses;
use insights_core::board::{ConversationKind, RowAlert};
use insights_core::live::{CallState, CallView};
use insights_core::rules::RuleHit;
use insights_core::scale::round_score;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::{Failure, Request, RequestExt, Response, metrics};
use serde_json::{Value, json};

use crate::card_view::card;
use crate::deps::Deps;
use crate::rules_view::KnownRules;
use crate::transcript::{self, Transcript, Turn};
use crate::{alerts, contests, row_view};

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
    let (rules, state) = KnownRules::of_live(deps, &entry, now).await?;
    let contests = contests::read(deps, id, now).await?;
    let read = match entry.row.kind {
        ConversationKind::Call => transcript::of_call(deps, id, state.as_ref(), deadline).await,
        ConversationKind::Chat => transcript::of_chat(deps, id, deadline).await,
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
    // Scoring may have begun later than the conversation.
    let first = transcript.turns.first().map(|turn| turn.at);
    let began_ms = first.map_or(entry.row.started_ms, |at| at.min(entry.row.started_ms));
    let body = json!({
        "row": row,
        "began": began_ms,
        "readable": is_readable,
        "transcript": transcript,
        "why": why(&entry, &rules.hits, &transcript),
        "rules": rules.view(&transcript),
        "contests": contests,
        "card": (!transcript.turns.is_empty()).then(|| card(deps, &transcript, &rules.hits)),
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

/// Returns why the alert of a conversation was raised: its rule, when, and the turns that raised it.
fn why(entry: &BoardEntry, hits: &[RuleHit], transcript: &Transcript) -> Option<Value> {
    let alert = entry.row.current_alert(&entry.marks)?;
    let hit = hits
        .iter()
        .find(|hit| hit.rule == alert.rule && hit.at == alert.at_ms);
    let turns = match hit {
        Some(hit) => quoted_turns(hit, transcript),
        None => lowest_turns(alert, transcript),
    };
    Some(json!({
        "rule": alert.rule,
        "version": alert.version,
        "severity": alert.severity,
        "at": alert.at_ms,
        "average": f64::from(alert.average) / 1000.0,
        "model": alert.model,
        "is_rule_hit": hit.is_some(),
        "turns": turns,
    }))
}

/// Returns the turns whose words made a rule hold.
fn quoted_turns<'t>(hit: &RuleHit, transcript: &'t Transcript) -> Vec<&'t Turn> {
    let is_quoted = |turn: &&Turn| {
        let id = turn.id.map(|id| id.to_string());
        hit.quotes
            .iter()
            .any(|place| Some(&place.segment) == id.as_ref())
    };
    let quoted = transcript.turns.iter().filter(is_quoted);
    quoted.take(MAX_SHOWN_CAUSES).collect()
}

/// Returns the customer's lowest turns of the time before an alert.
fn lowest_turns<'t>(alert: &RowAlert, transcript: &'t Transcript) -> Vec<&'t Turn> {
    let covered = alert.at_ms.saturating_sub(CAUSE_WINDOW_MS)..=alert.at_ms;
    let mut causes: Vec<_> = transcript
        .turns
        .iter()
        .filter(|turn| turn.speaker == "customer" && covered.contains(&turn.at))
        .collect();
    causes.sort_by(|one, other| {
        let score = |turn: &Turn| turn.score.unwrap_or(1.0);
        score(one).total_cmp(&score(other))
    });
    causes.truncate(MAX_SHOWN_CAUSES);
    causes.sort_by_key(|turn| turn.at);
    causes
}
