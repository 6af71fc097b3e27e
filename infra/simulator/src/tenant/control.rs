//! What tests and people at a terminal do to a simulated tenant, below `/_simulator/tenant` on each of its hosts.
//!
//! | request | effect |
//! |---|---|
//! | `GET /_simulator/tenant/hosts` | returns the addresses of the hosts |
//! | `GET`, `PUT /_simulator/tenant/settings` | returns or replaces the [`TenantSettings`]; those that are left out become the defaults |
//! | `POST /_simulator/tenant/clock` | moves the time forward by `{"seconds": n}` |
//! | `GET /_simulator/tenant/writes` | returns what clients wrote to the contact lists |
//! | `POST /_simulator/tenant/contacts` | begins a digital contact and returns its number as `{"number": n}` |
//! | `POST /_simulator/tenant/contacts/{n}/messages` | adds `{"from": "customer", "text": "..."}`; also from `agent` and `bot` |
//! | `POST /_simulator/tenant/contacts/{n}/close` | ends a digital contact |

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::clock::with_millis;
use super::digital::case::Writer;
use super::hosts::Hosts;
use super::settings::TenantSettings;
use super::world::TenantWorld;
use super::writes::Write;
use crate::problem::{self, Problem};

pub(super) fn router() -> Router<Arc<TenantWorld>> {
    Router::new()
        .route("/_simulator/tenant/hosts", get(hosts))
        .route(
            "/_simulator/tenant/settings",
            get(settings).put(change_settings),
        )
        .route("/_simulator/tenant/clock", post(advance))
        .route("/_simulator/tenant/writes", get(writes))
        .route("/_simulator/tenant/contacts", post(open))
        .route("/_simulator/tenant/contacts/{number}/messages", post(say))
        .route("/_simulator/tenant/contacts/{number}/close", post(close))
}

async fn hosts(State(world): State<Arc<TenantWorld>>) -> Json<Hosts> {
    Json(world.hosts())
}

async fn settings(State(world): State<Arc<TenantWorld>>) -> Json<TenantSettings> {
    Json(world.settings())
}

async fn change_settings(
    State(world): State<Arc<TenantWorld>>,
    body: Bytes,
) -> Result<Json<TenantSettings>, Problem> {
    let settings: TenantSettings = problem::json(&body)?;
    world.change(|current| current.clone_from(&settings));
    Ok(Json(settings))
}

/// How far the time moves.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u32,
}

async fn advance(
    State(world): State<Arc<TenantWorld>>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let Advance { seconds } = problem::json(&body)?;
    world.clock.advance(Duration::from_secs(seconds.into()));
    Ok(Json(json!({"now": with_millis(world.clock.now())})))
}

async fn writes(State(world): State<Arc<TenantWorld>>) -> Json<Vec<Write>> {
    Json(world.writes.all())
}

async fn open(State(world): State<Arc<TenantWorld>>) -> Json<Value> {
    Json(json!({"number": world.digital.open()}))
}

/// A message that a test or a person adds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(default)]
    from: Sender,
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sender {
    #[default]
    Customer,
    Agent,
    Bot,
}

fn no_such_contact() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is no such digital contact",
    )
}

async fn say(
    State(world): State<Arc<TenantWorld>>,
    Path(number): Path<i64>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let said: Said = problem::json(&body)?;
    let writer = match said.from {
        Sender::Customer => Writer::Customer,
        Sender::Agent => Writer::Agent,
        Sender::Bot => Writer::Bot,
    };
    let id = world.digital.say(number, writer, &said.text);
    Ok(Json(json!({"id": id.ok_or_else(no_such_contact)?})))
}

async fn close(State(world): State<Arc<TenantWorld>>, Path(number): Path<i64>) -> StatusCode {
    world.digital.close(number);
    StatusCode::NO_CONTENT
}
