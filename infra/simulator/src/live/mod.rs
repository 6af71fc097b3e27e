//! Live calls, whose segments appear as time passes, with attributes and suggestions.
//!
//! | request | effect |
//! |---|---|
//! | `GET /api/v2/interactions/{id}/transcripts` | returns the segments so far that end at or after `startTime`; 404 for an unknown call |
//! | `PATCH /api/v2/interactions/{id}/attributes` | merges attributes |
//! | `POST /api/v2/agentassist/suggestions` | shows a suggestion, once per `Idempotency-Key` |
//! | `POST /_simulator/calls` | starts a [`Call`] now |
//! | `GET /_simulator/calls/{id}` | returns the attributes and suggestions of a call |
//! | `GET /_simulator/lag` | returns the [`Lag`] over all calls |

mod demo;
mod lag;
pub(crate) mod script;
pub(crate) mod state;

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use demo::demo_calls;
pub use lag::Lag;
pub use script::{Call, Line, Segment};
pub use state::{State, Suggestion};

use self::state::now_ms;
use crate::auth;
use crate::problem::{self, Problem};
use crate::world::World;

const SUGGESTIONS: &str = "/api/v2/agentassist/suggestions";

/// Longest suggestion that an agent's desktop shows, in characters.
const MAX_SUGGESTION_CHARS: usize = 1000;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/api/v2/interactions/{id}/transcripts", get(transcripts))
        .route(
            "/api/v2/interactions/{id}/attributes",
            patch(set_attributes),
        )
        .route(SUGGESTIONS, post(suggest))
}

/// Returns the routes of live calls below `/_simulator`.
pub(crate) fn admin_router() -> Router<Arc<World>> {
    Router::new()
        .route("/_simulator/calls", post(begin))
        .route("/_simulator/calls/{id}", get(show))
        .route("/_simulator/lag", get(lag))
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "no such interaction")
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TranscriptQuery {
    direction: Option<String>,
    include_final: Option<bool>,
    start_time: Option<i64>,
}

async fn transcripts(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(asked): Query<TranscriptQuery>,
) -> Result<Json<Vec<Segment>>, Problem> {
    auth::require(&world, &headers, "interactions:view")?;
    let from = asked
        .start_time
        .ok_or_else(|| Problem::bad_request("startTime is needed, in epoch ms"))?;
    let direction = asked.direction.unwrap_or_else(|| "both".to_owned());
    if !["both", "customer", "agent"].contains(&direction.as_str()) {
        return Err(Problem::bad_request(
            "direction must be both, customer or agent",
        ));
    }
    let now = now_ms();
    let mut calls = world.live.lock();
    let running = calls.get_mut(&id).ok_or_else(unknown)?;
    let began = *running.began.get_or_insert(now);
    let (segments, shown) = running.call.segments(began, now, from);
    running.lag.shown(shown);
    let wanted = |segment: &Segment| {
        (direction == "both" || segment.direction == direction)
            && (asked.include_final != Some(false) || !segment.is_final)
    };
    Ok(Json(segments.into_iter().filter(wanted).collect()))
}

#[derive(Debug, Deserialize)]
struct Attributes {
    attributes: Map<String, Value>,
}

async fn set_attributes(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    auth::require(&world, &headers, "interactions:write")?;
    let Attributes { attributes } = problem::json(&body)?;
    if let Some((name, _)) = attributes.iter().find(|(_, value)| !value.is_string()) {
        return Err(Problem::bad_request(format!(
            "attribute {name} must be a string"
        )));
    }
    let mut calls = world.live.lock();
    let running = calls.get_mut(&id).ok_or_else(unknown)?;
    running.attributes.extend(attributes);
    running.lag.patched(now_ms());
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SuggestionRequest {
    interaction_id: String,
    suggestions: Vec<Content>,
}

#[derive(Debug, Deserialize)]
struct Content {
    r#type: String,
    content: String,
}

async fn suggest(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    auth::require(&world, &headers, "agentassist:write")?;
    let SuggestionRequest {
        interaction_id,
        suggestions,
    } = problem::json(&body)?;
    let good = |one: &Content| {
        one.r#type == "text" && (1..=MAX_SUGGESTION_CHARS).contains(&one.content.chars().count())
    };
    if suggestions.is_empty() || !suggestions.iter().all(good) {
        let wanted = format!(
            "suggestions must be a list of {{type: text, content}} of 1 to {MAX_SUGGESTION_CHARS} characters"
        );
        return Err(Problem::bad_request(wanted));
    }
    let key = headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok())
        .map(str::to_owned);
    Ok(world.idempotency.once(&headers, SUGGESTIONS, || {
        let mut calls = world.live.lock();
        let running = calls.get_mut(&interaction_id).ok_or_else(unknown)?;
        let id = uuid::Uuid::new_v4().to_string();
        let shown = suggestions.into_iter().map(|one| Suggestion {
            id: id.clone(),
            content: one.content,
            key: key.clone(),
        });
        running.suggestions.extend(shown);
        Ok((StatusCode::OK, json!({ "id": id })))
    }))
}

async fn begin(Shared(world): Shared<Arc<World>>, body: Bytes) -> Result<StatusCode, Problem> {
    world.live.begin(problem::json(&body)?);
    Ok(StatusCode::CREATED)
}

async fn show(
    Shared(world): Shared<Arc<World>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    if !world.live.lock().contains_key(&id) {
        return Err(unknown());
    }
    let (attributes, suggestions) = (world.live.attributes(&id), world.live.suggestions(&id));
    Ok(Json(
        json!({ "id": id, "attributes": attributes, "suggestions": suggestions }),
    ))
}

async fn lag(Shared(world): Shared<Arc<World>>) -> Json<Lag> {
    Json(world.live.lag())
}
