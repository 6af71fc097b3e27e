//! What clients change on digital contacts and messages, within the budget of each contact.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::case::{Case, number_in};
use super::contacts::contact;
use super::facts::TAGS;
use super::messages::message;
use super::state::{Happened, message_mut};
use crate::tenant::quirks::Quirk;
use crate::tenant::refusal::Refusal;
use crate::tenant::world::TenantWorld;

/// Custom fields that the tenant has defined.
const DEFINED_FIELDS: [&str; 3] = ["ai_sentiment", "ai_trend", "ai_alert"];
/// Status values that a contact may have.
const STATUSES: [&str; 7] = [
    "new",
    "open",
    "pending",
    "escalated",
    "resolved",
    "closed",
    "trashed",
];

/// Changes a contact, if it has an update left.
fn update<T>(
    world: &TenantWorld,
    number: &str,
    change: impl FnOnce(&mut Case) -> (T, Vec<Happened>),
) -> Result<T, Refusal> {
    let now = world.clock.now();
    let is_limited = world.has(Quirk::ContactWriteBudget);
    let updated = number.parse().ok().and_then(|number| {
        world.digital.with(number, |case| {
            if is_limited && !case.take_update(now) {
                return (None, Vec::new());
            }
            let (result, happened) = change(case);
            (Some(result), happened)
        })
    });
    match updated {
        None => Err(Refusal::not_found("there is no such contact")),
        Some(None) => Err(Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyUpdates",
            "the contact has no update left",
        )),
        Some(Some(result)) => Ok(result),
    }
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::invalid("the body must be JSON"))
}

pub(super) async fn custom_fields(
    State(world): State<Arc<TenantWorld>>,
    Path(number): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let fields = parse(&body)?;
    let invalid = || Refusal::invalid("the body must be a list of {ident, value}");
    let mut values = Vec::new();
    for field in fields.as_array().ok_or_else(invalid)? {
        let pair = field["ident"].as_str().zip(field["value"].as_str());
        let (ident, value) = pair.ok_or_else(invalid)?;
        if !DEFINED_FIELDS.contains(&ident) {
            return Err(Refusal::invalid(format!(
                "the field {ident} is not defined"
            )));
        }
        values.push((ident.to_owned(), value.to_owned()));
    }
    let now = world.clock.now();
    let updated = update(&world, &number, |case| {
        for (ident, value) in values {
            case.custom_fields.insert(ident, (value, now));
        }
        (contact(case), Vec::new())
    })?;
    Ok(Json(updated["customFields"].clone()).into_response())
}

pub(super) async fn remove_field(
    State(world): State<Arc<TenantWorld>>,
    Path((number, ident)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    update(&world, &number, |case| {
        case.custom_fields.remove(&ident);
        ((), Vec::new())
    })?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn priority(
    State(world): State<Arc<TenantWorld>>,
    Path(number): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let priority = parse(&body)?["routingQueuePriority"].as_i64();
    let priority =
        priority.ok_or_else(|| Refusal::invalid("routingQueuePriority must be a number"))?;
    update(&world, &number, |case| {
        case.priority = priority;
        ((), Vec::new())
    })?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn queue(
    State(world): State<Arc<TenantWorld>>,
    Path(number): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let body = parse(&body)?;
    let queue = body["routingQueueId"].as_str().map(str::to_owned);
    let queue = queue.ok_or_else(|| Refusal::invalid("routingQueueId must be a text"))?;
    update(&world, &number, |case| {
        case.queue = queue;
        ((), Vec::new())
    })?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn status(
    State(world): State<Arc<TenantWorld>>,
    Path(number): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let body = parse(&body)?;
    let status = body["status"]
        .as_str()
        .filter(|status| STATUSES.contains(status));
    let status = status.ok_or_else(|| Refusal::invalid("status is not known"))?;
    let now = world.clock.now();
    let updated = update(&world, &number, |case| {
        case.set_status(status, now);
        (contact(case), vec![Happened::Status])
    })?;
    Ok(Json(updated))
}

/// Changes a message, if its contact has an update left.
fn update_message(
    world: &TenantWorld,
    id: &str,
    change: impl FnOnce(&mut super::case::Message),
) -> Result<Value, Refusal> {
    let missing = || Refusal::not_found("there is no such message");
    let number = number_in(id).ok_or_else(missing)?;
    let changed = update(world, &number.to_string(), |case| {
        let place = message_mut(case, id).map(|(place, message)| {
            change(message);
            place
        });
        let shown = place.map(|place| message(case, place, false));
        (shown, place.map(Happened::Changed).into_iter().collect())
    })?;
    changed.ok_or_else(missing)
}

pub(super) async fn sentiment(
    State(world): State<Arc<TenantWorld>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let body = parse(&body)?;
    let sentiment = body["sentiment"].as_str();
    let known = sentiment.filter(|it| ["neutral", "positive", "negative"].contains(it));
    let known =
        known.ok_or_else(|| Refusal::invalid("sentiment must be neutral, positive or negative"))?;
    update_message(&world, &id, |message| {
        message.sentiment = Some(known.to_owned())
    })
    .map(Json)
}

pub(super) async fn tag(
    State(world): State<Arc<TenantWorld>>,
    Path((id, tag)): Path<(String, i64)>,
) -> Result<Json<Value>, Refusal> {
    if !TAGS.iter().any(|(known, _)| *known == tag) {
        return Err(Refusal::not_found("there is no such tag"));
    }
    update_message(&world, &id, |message| {
        if !message.tags.contains(&tag) {
            message.tags.push(tag);
        }
    })
    .map(Json)
}

pub(super) async fn note(
    State(world): State<Arc<TenantWorld>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let body = parse(&body)?;
    let content = body["content"].as_str().map(str::to_owned);
    let content = content.ok_or_else(|| Refusal::invalid("content must be a text"))?;
    update_message(&world, &id, |message| message.notes.push(content))?;
    let id = uuid::Uuid::new_v4().to_string();
    Ok((StatusCode::CREATED, Json(json!({"id": id}))).into_response())
}
