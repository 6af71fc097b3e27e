//! Calls that change something. They are kept for assertions.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Call;
use super::contacts::find;
use crate::tenant::refusal::Refusal;

fn body(call: &Call<'_>) -> Result<Value, Refusal> {
    let parsed = serde_json::from_slice::<Value>(&call.body).ok();
    parsed
        .filter(Value::is_object)
        .ok_or_else(|| Refusal::invalid("the body must be a JSON object"))
}

pub(super) fn signal(call: &Call<'_>, id: &str) -> Result<Response, Refusal> {
    let contact = find(call, id)?;
    if contact.end <= call.world.clock.now() {
        return Err(Refusal::invalid_contact());
    }
    call.world
        .writes
        .add("signal", contact.id, call.params.to_json());
    Ok(StatusCode::ACCEPTED.into_response())
}

pub(super) fn work_item(call: &Call<'_>) -> Result<Response, Refusal> {
    call.world.writes.add("work-item", 0, body(call)?);
    Ok(StatusCode::ACCEPTED.into_response())
}

pub(super) fn agent_message(call: &Call<'_>) -> Result<Response, Refusal> {
    let message = body(call)?;
    if message["message"].as_str().is_none_or(str::is_empty) {
        return Err(Refusal::invalid("message must be a text that is not empty"));
    }
    let targets = message["targetIds"].clone();
    call.world.writes.add("agent-message", 0, message);
    Ok(Json(json!({
        "messageGroupGuid": uuid::Uuid::new_v4().to_string(),
        "assignedTargetIds": targets, "invalidTargetIds": [],
    }))
    .into_response())
}

pub(super) fn tags(call: &Call<'_>, id: &str) -> Result<Response, Refusal> {
    let contact = find(call, id)?;
    if contact.channel.is_digital() {
        return Err(Refusal::invalid_contact());
    }
    call.world.writes.add("tags", contact.id, body(call)?);
    Ok(StatusCode::OK.into_response())
}
