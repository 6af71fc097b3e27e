//! Data Actions: registration, with the validation of the platform, and listing.

pub(crate) mod state;

pub use state::State;

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::auth;
use crate::problem::{self, Problem};
use crate::world::World;

const PATH: &str = "/api/v2/data-actions";

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new().route(PATH, get(list).post(register))
}

async fn list(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    auth::require(&world, &headers, "data-actions:read")?;
    Ok(Json(json!({ "dataActions": world.data_actions.all() })))
}

async fn register(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    auth::require(&world, &headers, "data-actions:write")?;
    let definition: Value = problem::json(&body)?;
    check(&definition).map_err(Problem::bad_request)?;
    Ok(world.idempotency.once(&headers, PATH, || {
        let mut actions = world.data_actions.lock();
        if actions
            .iter()
            .any(|action| action["name"] == definition["name"])
        {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "conflict",
                "an action of that name exists",
            ));
        }
        let id = uuid::Uuid::new_v4().to_string();
        let mut action = definition.clone();
        action["id"] = json!(id);
        actions.push(action.clone());
        Ok((StatusCode::CREATED, action))
    }))
}

/// Checks a definition against the platform's rules. They are written independently of the client's rules, so that the two
/// implementations check each other.
fn check(definition: &Value) -> Result<(), String> {
    let name = definition["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        return Err("name must be a string that is not empty".to_owned());
    }
    if !definition["description"].is_string() {
        return Err("description must be a string".to_owned());
    }
    if definition["executionTimeoutMs"].as_u64().unwrap_or(0) == 0 {
        return Err("executionTimeoutMs must be a positive whole number".to_owned());
    }
    for side in ["inputSchema", "outputSchema"] {
        schema(&definition[side]).map_err(|error| format!("{side}: {error}"))?;
    }
    Ok(())
}

fn schema(schema: &Value) -> Result<(), String> {
    if !jsonschema::draft7::meta::is_valid(schema) {
        return Err("not JSON Schema draft-07".to_owned());
    }
    if schema["type"] != "object" {
        return Err("type must be object".to_owned());
    }
    let properties = schema["properties"]
        .as_object()
        .filter(|properties| !properties.is_empty());
    let properties = properties.ok_or("properties must be an object that is not empty")?;
    for (name, property) in properties {
        let kind = property["type"].as_str().unwrap_or_default();
        if !["number", "string", "boolean", "array"].contains(&kind) {
            return Err(format!(
                "property {name}: type must be number, string, boolean or array"
            ));
        }
    }
    let text = schema.to_string();
    match ["\"anyOf\":", "\"oneOf\":", "\"allOf\":", "\"$ref\":"]
        .iter()
        .find(|keyword| text.contains(**keyword))
    {
        Some(keyword) => Err(format!("{} is not allowed", keyword.trim_end_matches(':'))),
        None => Ok(()),
    }
}
