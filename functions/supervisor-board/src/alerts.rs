//! What supervisors say about alerts.

use backends::board::BoardEntry;
use backends::caller_keys::CallerSession;
use insights_core::board::{AlertMark, AlertMarks, AlertReference, ConversationKind, MarkKind};
use jiff::{SignedDuration, Timestamp};
use runtime::http::reply;
use runtime::{Failure, Request, Response, metrics};
use serde::Deserialize;
use serde_json::json;

use crate::deps::Deps;
use crate::{row_view, session, unavailable};

/// What a supervisor says, as the page sends it.
#[derive(Deserialize)]
struct MarkRequest {
    action: Action,
    alert: MeantAlert,
    #[serde(default)]
    minutes: Option<u32>,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Acknowledge,
    Snooze,
    Wrong,
    Reopen,
}

/// The alert that the supervisor saw.
#[derive(Deserialize)]
struct MeantAlert {
    rule: String,
    at: i64,
}

/// Stores what a supervisor says about the alert of a conversation, and answers with the conversation as it is then.
///
/// # Errors
/// The failure 404 for a conversation that is not live, 409 for an alert that is not the one it has now, and 400 for what is
/// not allowed.
pub(crate) async fn mark(
    deps: &Deps,
    request: &Request,
    viewer: &CallerSession,
    id: &str,
) -> Result<Response, Failure> {
    session::check_change(request)?;
    let said: MarkRequest = serde_json::from_slice(request.body()).map_err(|_| {
        let allowed = "the body has an action (acknowledge, snooze, wrong, reopen) and the alert's rule and at";
        Failure::invalid("invalid_mark", allowed)
    })?;
    let now = Timestamp::now();
    let mut entry = find(deps, id, now).await?;
    let alert = entry
        .row
        .alerts()
        .find(|alert| alert.rule == said.alert.rule && alert.at_ms == said.alert.at)
        .ok_or_else(|| {
            let message = "the conversation has another alert now, or none; look again";
            Failure::conflict("alert_changed", message)
        })?;
    let mark = AlertMark {
        alert: AlertReference::from(alert),
        kind: match said.action {
            Action::Acknowledge => MarkKind::Acknowledged,
            Action::Snooze => MarkKind::Snoozed,
            Action::Wrong => MarkKind::Wrong,
            Action::Reopen => MarkKind::Reopened,
        },
        by: viewer.person.clone(),
        key: viewer.key_name.clone(),
        at_ms: now.as_millisecond(),
        until_ms: said
            .minutes
            .map(|minutes| now.as_millisecond() + i64::from(minutes) * 60_000),
        reason: said.reason,
    };
    let mark = mark
        .checked()
        .map_err(|error| Failure::invalid("invalid_mark", error.to_string()))?;
    if !is_said_already(&entry.marks, &mark) {
        let retention = SignedDuration::from_hours(24 * i64::from(deps.config.mark_retention_days));
        let stored = deps
            .board
            .mark(id, entry.row.kind, &mark, retention, now)
            .await;
        entry.marks = stored.map_err(unavailable)?;
        deps.snapshots.expire().await;
        metrics::count("board_marks", 1);
        tracing::info!(
            viewer = mark.by,
            conversation_id = id,
            rule = mark.alert.rule,
            mark = mark.kind.name(),
            "an alert was marked on the board"
        );
    }
    let (row, _) = row_view::view(&entry, now.as_millisecond());
    reply::ok(&json!({ "row": row }))
}

/// Returns whether the newest mark of this kind says the same, so that a repetition is not counted twice.
fn is_said_already(marks: &AlertMarks, mark: &AlertMark) -> bool {
    let newest = match mark.kind {
        MarkKind::Acknowledged => &marks.acknowledged,
        MarkKind::Wrong => &marks.wrong,
        MarkKind::Snoozed | MarkKind::Contested => return false,
        MarkKind::Reopened => return *marks == AlertMarks::default(),
    };
    newest.as_ref().is_some_and(|newest| {
        newest.alert == mark.alert && newest.by == mark.by && newest.reason == mark.reason
    })
}

/// Finds a conversation on the board.
///
/// # Errors
/// The failure 404 if it is not there, so that nobody opens what is not live.
pub(crate) async fn find(deps: &Deps, id: &str, now: Timestamp) -> Result<BoardEntry, Failure> {
    let found = look_up(deps, id, now).await?;
    found.ok_or_else(|| Failure::not_found("this conversation is not live any more"))
}

/// Looks a conversation up on the board; `None` if it is not live.
///
/// # Errors
/// The failure 503 while the store cannot be reached.
pub(crate) async fn look_up(
    deps: &Deps,
    id: &str,
    now: Timestamp,
) -> Result<Option<BoardEntry>, Failure> {
    for kind in [ConversationKind::Call, ConversationKind::Chat] {
        let row = deps.board.row(id, kind, now).await.map_err(unavailable)?;
        if let Some(row) = row {
            let marks = deps.board.marks(id, kind, now).await.map_err(unavailable)?;
            return Ok(Some(BoardEntry {
                id: id.to_owned(),
                row,
                marks,
            }));
        }
    }
    Ok(None)
}
