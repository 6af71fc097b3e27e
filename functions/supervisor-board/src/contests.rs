//! Objections to answers of rules, of live conversations and of scorecards that were kept.

use backends::board::read_marks;
use backends::caller_keys::CallerSession;
use insights_core::board::{AlertMark, AlertReference, MarkKind};
use jiff::{SignedDuration, Timestamp};
use runtime::http::reply;
use runtime::{Failure, Request, Response, metrics};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::deps::Deps;
use crate::rules_view::KnownRules;
use crate::{alerts, session, unavailable};

/// Largest number of objections to the answers of one conversation.
const MAX_CONTESTS: usize = 100;

/// An objection, as the page sends it.
#[derive(Deserialize)]
struct ContestRequest {
    rule: String,
    reason: String,
}

/// An objection, for the page.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ContestView {
    /// The rule whose answer is contested.
    rule: String,
    /// The name that the one who objects gave.
    by: String,
    /// Why the answer is contested, with personal data masked.
    reason: String,
    /// When it was said, in milliseconds since the epoch.
    at: i64,
}

/// Stores the objection of somebody to the answer of a rule, and answers with all objections of the conversation.
///
/// # Errors
/// The failure 404 for a conversation that is not live and has no kept card, 400 for a rule that has no answer there or for what is
/// not allowed, 409 once too much was objected, and 503 while the store cannot be reached.
pub(crate) async fn contest(
    deps: &Deps,
    request: &Request,
    viewer: &CallerSession,
    id: &str,
) -> Result<Response, Failure> {
    session::check_change(request)?;
    let said: ContestRequest = serde_json::from_slice(request.body())
        .map_err(|_| Failure::invalid("invalid_contest", "the body has the rule and a reason"))?;
    let now = Timestamp::now();
    let alert = find_answer(deps, id, &said.rule, now).await?;
    let objection = AlertMark {
        alert,
        kind: MarkKind::Contested,
        by: viewer.person.clone(),
        key: viewer.key_name.clone(),
        at_ms: now.as_millisecond(),
        until_ms: None,
        reason: Some(said.reason),
    };
    let objection = objection
        .checked()
        .map_err(|error| Failure::invalid("invalid_contest", error.to_string()))?;
    let mut contests = read(deps, id, now).await?;
    let view = ContestView::from(&objection);
    let is_said_already = contests.iter().any(|known| {
        (&known.rule, &known.by, &known.reason) == (&view.rule, &view.by, &view.reason)
    });
    if !is_said_already {
        if contests.len() >= MAX_CONTESTS {
            let message = "no more can be objected to the answers of this conversation";
            return Err(Failure::conflict("too_many_contests", message));
        }
        let retention = SignedDuration::from_hours(24 * i64::from(deps.config.mark_retention_days));
        backends::board::contest(&deps.state, id, &objection, retention, now)
            .await
            .map_err(unavailable)?;
        metrics::count("board_contests", 1);
        tracing::info!(
            viewer = objection.by,
            conversation_id = id,
            rule = objection.alert.rule,
            "the answer of a rule was contested on the board"
        );
        contests.push(view);
    }
    reply::ok(&json!({ "contests": contests }))
}

/// Reads what was objected to the answers of a conversation, oldest first.
///
/// # Errors
/// The failure 503 while the store cannot be reached.
pub(crate) async fn read(
    deps: &Deps,
    id: &str,
    now: Timestamp,
) -> Result<Vec<ContestView>, Failure> {
    let marks = read_marks(&deps.state, id, now)
        .await
        .map_err(unavailable)?;
    let contests = marks
        .iter()
        .filter(|mark| mark.kind == MarkKind::Contested)
        .map(ContestView::from);
    Ok(contests.collect())
}

impl From<&AlertMark> for ContestView {
    fn from(mark: &AlertMark) -> Self {
        Self {
            rule: mark.alert.rule.clone(),
            by: mark.by.clone(),
            reason: mark.reason.clone().unwrap_or_default(),
            at: mark.at_ms,
        }
    }
}

/// Finds the answer of a rule that is meant: its newest hit in a live conversation, or the answer of the card that was kept.
async fn find_answer(
    deps: &Deps,
    id: &str,
    rule: &str,
    now: Timestamp,
) -> Result<AlertReference, Failure> {
    let entry = alerts::look_up(deps, id, now).await?;
    if let Some(entry) = &entry {
        let (known, _) = KnownRules::of_live(deps, entry, now).await?;
        if let Some(hit) = known.hits.iter().find(|hit| hit.rule == rule) {
            return Ok(reference(rule, &hit.version, hit.at));
        }
    }
    let record = deps.calls.card(id, now).await.map_err(unavailable)?;
    if entry.is_none() && record.is_none() {
        return Err(Failure::not_found(
            "this conversation is not live, and no card of it is kept",
        ));
    }
    let found = record.and_then(|record| {
        let hit = record.hits.iter().find(|hit| hit.rule == rule);
        let scorecard = record.scorecard.iter().flat_map(|card| &card.answers);
        let answer = scorecard
            .filter(|answer| answer.rule == rule)
            .map(|answer| answer.version.as_str());
        let version = answer.chain(hit.map(|hit| hit.version.as_str())).next()?;
        Some(reference(rule, version, hit.map_or(0, |hit| hit.at)))
    });
    found.ok_or_else(|| {
        let message = "the conversation has no answer of this rule that can be contested";
        Failure::invalid("no_such_answer", message)
    })
}

fn reference(rule: &str, version: &str, at_ms: i64) -> AlertReference {
    AlertReference {
        rule: rule.to_owned(),
        version: version.to_owned(),
        at_ms,
    }
}
