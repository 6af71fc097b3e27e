//! The simulator's own API below `/_simulator`. It needs no token, and neither faults nor counters apply to it.
//!
//! | request | effect |
//! |---|---|
//! | `GET /_simulator/health` | `{"status": "ok"}` |
//! | `GET`, `DELETE /_simulator/requests` | returns counts by `METHOD /path` and status (0: no answer); resets them |
//! | `GET`, `POST`, `DELETE /_simulator/faults` | returns the rules in force; adds one rule or a list, written as in [`scenario`](crate::scenario); removes all rules |
//! | `POST /_simulator/tokens/revoke`, `/expire` | ends the validity of all tokens and returns their number as `{"tokens": n}` |
//! | `GET`, `PUT /_simulator/settings` | returns or replaces the [`Settings`]; those that are left out become the defaults |
//! | `/_simulator/calls`, `/_simulator/lag` | see [`live`](crate::live) |

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::fault::FaultRule;
use crate::problem::{self, Problem};
use crate::settings::Settings;
use crate::world::World;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route(
            "/_simulator/health",
            get(async || Json(json!({ "status": "ok" }))),
        )
        .route(
            "/_simulator/requests",
            get(requests).delete(forget_requests),
        )
        .route(
            "/_simulator/faults",
            get(faults).post(add_faults).delete(clear_faults),
        )
        .route("/_simulator/tokens/revoke", post(revoke))
        .route("/_simulator/tokens/expire", post(expire))
        .route("/_simulator/settings", get(settings).put(change_settings))
        .merge(crate::live::admin_router())
}

async fn requests(State(world): State<Arc<World>>) -> Json<BTreeMap<String, BTreeMap<u16, u64>>> {
    Json(world.traffic.all())
}

async fn forget_requests(State(world): State<Arc<World>>) -> StatusCode {
    world.traffic.clear();
    StatusCode::NO_CONTENT
}

async fn faults(State(world): State<Arc<World>>) -> Json<Vec<FaultRule>> {
    Json(world.faults.rules())
}

async fn add_faults(State(world): State<Arc<World>>, body: Bytes) -> Result<Json<Value>, Problem> {
    // The first byte decides between one rule and a list, so that an error names the place inside the rule.
    let rules = if body.trim_ascii_start().starts_with(b"[") {
        problem::json::<Vec<FaultRule>>(&body)?
    } else {
        vec![problem::json::<FaultRule>(&body)?]
    };
    let added = rules.len();
    rules.into_iter().for_each(|rule| world.faults.add(rule));
    Ok(Json(json!({ "added": added })))
}

async fn clear_faults(State(world): State<Arc<World>>) -> StatusCode {
    world.faults.clear();
    StatusCode::NO_CONTENT
}

async fn revoke(State(world): State<Arc<World>>) -> Json<Value> {
    Json(json!({ "tokens": world.tokens.revoke_all() }))
}

async fn expire(State(world): State<Arc<World>>) -> Json<Value> {
    Json(json!({ "tokens": world.tokens.expire_all() }))
}

async fn settings(State(world): State<Arc<World>>) -> Json<Settings> {
    Json(world.settings())
}

async fn change_settings(
    State(world): State<Arc<World>>,
    body: Bytes,
) -> Result<Json<Settings>, Problem> {
    let settings: Settings = problem::json(&body)?;
    world.change(|current| current.clone_from(&settings));
    Ok(Json(settings))
}
