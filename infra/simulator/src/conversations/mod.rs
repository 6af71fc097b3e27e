//! Past conversations: the paged analytics list and the transcripts.
//!
//! Conversations are generated. The same seed and day give the same conversations. A scenario may add others (`fixed`):
//!
//! ```toml
//! [conversations]
//! per_day = 400            # from Monday to Friday; a third of this at the weekend
//! page_size = 200
//! missing = 0.04           # share of conversations without a transcript (404)
//! empty = 0.01             # share of conversations whose transcript has only system lines
//! links = "absolute"       # or relative, loop (the last page leads to the first), foreign (leads to another host)
//!
//! [[conversations.fixed]]
//! conversation_id = "c-1"
//! start_time = "2026-11-02T09:00:00Z"
//! duration = 60
//! disposition = "resolved"
//! lines = [{ author = "customer", text = "Thanks!" }]   # without lines, the transcript is 404
//! ```

mod dialogue;
pub(crate) mod model;
mod phrases;
pub(crate) mod state;

pub use model::{Author, Conversations, Fixed, Line, Links};
pub use state::State;

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth;
use crate::problem::{self, Problem};
use crate::world::World;

const QUERY: &str = "/api/v1/analytics/conversations/details/query";
/// Largest number of days of one query, which is the platform's limit of a report.
const MAX_DAYS: i64 = 400;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route(QUERY, post(query))
        .route("/api/v1/conversations/{id}/transcripts", get(transcript))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    start_date: Timestamp,
    end_date: Timestamp,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    page: usize,
}

async fn query(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    Query(Page { page }): Query<Page>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    auth::require(&world, &headers, "read:analytics")?;
    let wanted: Wanted = problem::json(&body)?;
    let seconds = wanted.end_date.as_second() - wanted.start_date.as_second();
    if !(0..=MAX_DAYS * 86_400).contains(&seconds) {
        return Err(Problem::bad_request(format!(
            "endDate must be 0 to {MAX_DAYS} days after startDate"
        )));
    }
    let settings = &world.conversations.settings;
    let all = world
        .conversations
        .between(wanted.start_date, wanted.end_date);
    let size = settings.page_size.max(1);
    let rows: Vec<Value> = all.iter().skip(page * size).take(size).map(row).collect();
    let last = (page + 1) * size >= all.len();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let path = format!("{QUERY}?page={}", if last { 0 } else { page + 1 });
    let next = match settings.links {
        Links::Loop => json!(path),
        _ if last => Value::Null,
        Links::Relative => json!(path),
        Links::Absolute => json!(format!("http://{host}{path}")),
        Links::Foreign => json!(format!("http://elsewhere.example{path}")),
    };
    Ok(Json(json!({ "data": rows, "nextLink": next })))
}

fn row(conversation: &Fixed) -> Value {
    let disposition = Some(&conversation.disposition).filter(|disposition| !disposition.is_empty());
    json!({
        "conversationId": conversation.conversation_id,
        "start_time": conversation.start_time,
        "duration": conversation.duration,
        "disposition": disposition,
    })
}

async fn transcript(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    auth::require(&world, &headers, "read:conversation")?;
    let lines = world.conversations.find(&id).and_then(|found| found.lines);
    let lines =
        lines.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "not_found", "no transcript"))?;
    let line = |line: Line| json!({ "text": line.text, "author": { "type": line.author }, "timestamp": line.timestamp });
    Ok(Json(lines.into_iter().map(line).collect()))
}
