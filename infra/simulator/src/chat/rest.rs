//! Presence, routing and transcripts over REST, and messages that tests and scripts add.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::state::now_ms;
use crate::auth;
use crate::problem::{self, Problem};
use crate::world::World;

pub(super) async fn presence(
    Shared(world): Shared<Arc<World>>,
    Path(user): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    auth::require(&world, &headers, "presence:write")?;
    let body: Value = problem::json(&body)?;
    let status = body["status"]["statusName"]
        .as_str()
        .filter(|status| !status.is_empty());
    let status = status.ok_or_else(|| {
        Problem::bad_request("status.statusName must be a string that is not empty")
    })?;
    world.chat.set_presence(&user, status);
    Ok(Json(
        json!({ "userId": user, "status": { "statusName": status } }),
    ))
}

pub(super) async fn routing(
    Shared(world): Shared<Arc<World>>,
    Path(user): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    auth::require(&world, &headers, "routing:write")?;
    let body: Value = problem::json(&body)?;
    if !body["availability"]
        .as_f64()
        .is_some_and(|availability| (0.0..=1.0).contains(&availability))
    {
        return Err(Problem::bad_request(
            "availability must be a number from 0 to 1",
        ));
    }
    if !body["skills"]
        .as_array()
        .is_some_and(|skills| skills.iter().all(Value::is_object))
    {
        return Err(Problem::bad_request("skills must be a list of objects"));
    }
    world.chat.set_routing(&user, body.clone());
    Ok(Json(body))
}

/// The index of the first message of a page.
#[derive(Deserialize)]
pub(super) struct PageStart {
    #[serde(default)]
    from: usize,
}

pub(super) async fn transcript(
    Shared(world): Shared<Arc<World>>,
    Path(conversation): Path<String>,
    Query(start): Query<PageStart>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    auth::require(&world, &headers, "chat:read")?;
    let missing = || {
        Problem::new(
            StatusCode::NOT_FOUND,
            "no_transcript",
            "the conversation has no transcript",
        )
    };
    let (messages, next) = world
        .chat
        .page(&conversation, start.from)
        .ok_or_else(missing)?;
    let link = next.map(|next| format!("?from={next}"));
    Ok(Json(
        json!({ "conversationId": conversation, "messages": messages, "nextLink": link }),
    ))
}

/// A message that a test or a script adds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AddedMessage {
    conversation_id: String,
    #[serde(default = "customer")]
    from: String,
    text: String,
    timestamp: Option<i64>,
}

fn customer() -> String {
    "customer".to_owned()
}

pub(super) async fn say(
    Shared(world): Shared<Arc<World>>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let said: AddedMessage = problem::json(&body)?;
    let timestamp = said.timestamp.unwrap_or_else(now_ms);
    Ok(Json(world.chat.say_at(
        &said.conversation_id,
        &said.from,
        &said.text,
        timestamp,
    )))
}

pub(super) async fn agents(Shared(world): Shared<Arc<World>>) -> Json<Value> {
    Json(world.chat.agents())
}
