//! Live calls: segments that appear as time passes, attributes, suggestions.
//!
//! | call | does |
//! |---|---|
//! | `GET /api/v2/interactions/{id}/transcripts` | the segments so far that end at or after `startTime`; 404 for an unknown call |
//! | `PATCH /api/v2/interactions/{id}/attributes` | merges attributes |
//! | `POST /api/v2/agentassist/suggestions` | shows a suggestion, once an `Idempotency-Key` |
//! | `POST /_simulator/calls` | begins a [`Call`] now |
//! | `GET /_simulator/calls/{id}` | its attributes and suggestions |
//! | `GET /_simulator/lag` | how long segments took from becoming final to the next attributes of their call |

mod demo;
mod lag;
mod script;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use demo::demo_calls;
pub use lag::Lag;
pub use script::{Call, Line, Segment};

use crate::auth;
use crate::problem::{self, Problem};
use crate::world::World;

const SUGGESTIONS: &str = "/api/v2/agentassist/suggestions";

/// The longest suggestion that an agent's desktop shows, in characters.
const MAX_CONTENT: usize = 1000;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/api/v2/interactions/{id}/transcripts", get(transcripts))
        .route(
            "/api/v2/interactions/{id}/attributes",
            patch(set_attributes),
        )
        .route(SUGGESTIONS, post(suggest))
}

/// The simulator's own calls, for its admin API.
pub(crate) fn admin() -> Router<Arc<World>> {
    Router::new()
        .route("/_simulator/calls", post(begin))
        .route("/_simulator/calls/{id}", get(show))
        .route("/_simulator/lag", get(lag))
}

/// A suggestion as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// The id it was given.
    pub id: String,
    /// The text.
    pub content: String,
    /// The `Idempotency-Key` it came with.
    pub key: Option<String>,
}

#[derive(Debug)]
struct Running {
    call: Call,
    /// Epoch ms; `None` while the call waits to be asked for.
    began: Option<i64>,
    attributes: Map<String, Value>,
    suggestions: Vec<Suggestion>,
    lag: lag::Watch,
}

/// The live calls by id.
#[derive(Debug, Default)]
pub struct State(Mutex<BTreeMap<String, Running>>);

impl State {
    /// Calls that all begin now.
    #[must_use]
    pub fn new(calls: Vec<Call>) -> Self {
        let state = Self::default();
        calls.into_iter().for_each(|call| state.begin(call));
        state
    }

    /// Begins a call now; one with the same id starts over.
    pub fn begin(&self, call: Call) {
        let (lag, began) = (lag::Watch::default(), (!call.waits).then(now_ms));
        let running = Running {
            began,
            attributes: Map::new(),
            suggestions: Vec::new(),
            lag,
            call,
        };
        self.lock().insert(running.call.id.clone(), running);
    }

    /// The attributes of a call; none if it is unknown.
    #[must_use]
    pub fn attributes(&self, id: &str) -> Map<String, Value> {
        self.lock()
            .get(id)
            .map(|call| call.attributes.clone())
            .unwrap_or_default()
    }

    /// The suggestions of a call, in order.
    #[must_use]
    pub fn suggestions(&self, id: &str) -> Vec<Suggestion> {
        self.lock()
            .get(id)
            .map(|call| call.suggestions.clone())
            .unwrap_or_default()
    }

    /// The segments of a call that are final by now.
    #[must_use]
    pub fn finals(&self, id: &str) -> Vec<Segment> {
        let now = now_ms();
        let calls = self.lock();
        calls
            .get(id)
            .map(|call| call.call.finals(call.began.unwrap_or(now), now))
            .unwrap_or_default()
    }

    /// How many segments a call's script has; none if it is unknown.
    #[must_use]
    pub fn lines(&self, id: &str) -> usize {
        self.lock().get(id).map_or(0, |call| call.call.lines.len())
    }

    /// How long segments took to reach the attributes, over all calls.
    #[must_use]
    pub fn lag(&self) -> Lag {
        Lag::of(
            self.lock()
                .values()
                .flat_map(|call| call.lag.done().iter().copied()),
        )
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "no such interaction")
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    direction: Option<String>,
    include_final: Option<bool>,
    start_time: Option<i64>,
}

async fn transcripts(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
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
struct Suggested {
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
    let Suggested {
        interaction_id,
        suggestions,
    } = problem::json(&body)?;
    let good = |one: &Content| {
        one.r#type == "text" && (1..=MAX_CONTENT).contains(&one.content.chars().count())
    };
    if suggestions.is_empty() || !suggestions.iter().all(good) {
        let wanted = format!(
            "suggestions must be a list of {{type: text, content}} of 1 to {MAX_CONTENT} characters"
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
