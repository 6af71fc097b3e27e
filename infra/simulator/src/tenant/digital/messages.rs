//! Messages of digital contacts. A list has shortened texts; the single message has its whole text.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::case::{Case, Writer, number_in};
use super::contacts::find;
use super::facts::TAGS;
use crate::tenant::clock::{with_millis_and_offset, with_offset};
use crate::tenant::params::Params;
use crate::tenant::quirks::Quirk;
use crate::tenant::refusal::Refusal;
use crate::tenant::world::TenantWorld;

/// Every so many messages, one has more content than a list shows.
const SHORTENED: usize = 5;
/// Shortest text that is shortened, in characters.
const LONG_TEXT: usize = 20;

pub(super) async fn of_contact(
    State(world): State<Arc<TenantWorld>>,
    Path(number): Path<String>,
) -> Result<Json<Value>, Refusal> {
    messages_of(&world, &number).map(Json)
}

pub(super) async fn list(
    State(world): State<Arc<TenantWorld>>,
    params: Params,
) -> Result<Json<Value>, Refusal> {
    let number = params
        .get("contactNumber")
        .ok_or_else(|| Refusal::invalid("contactNumber is needed"))?;
    messages_of(&world, number).map(Json)
}

fn messages_of(world: &TenantWorld, number: &str) -> Result<Value, Refusal> {
    let known = find(world, number)?.number;
    if world.has(Quirk::RemovedContent) {
        world.digital.count_read(known);
    }
    let case = find(world, number)?;
    let strips = world.has(Quirk::StrippedMessages);
    let data: Vec<Value> = (0..case.messages.len())
        .map(|place| message(&case, place, strips))
        .collect();
    Ok(json!({"hits": data.len(), "data": data}))
}

pub(super) async fn one(
    State(world): State<Arc<TenantWorld>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let missing = || Refusal::not_found("there is no such message");
    let number = number_in(&id).ok_or_else(missing)?;
    let case = world.digital.case(number).ok_or_else(missing)?;
    let place = case.messages.iter().position(|message| message.id == id);
    let place = place.ok_or_else(missing)?;
    Ok(Json(message(&case, place, false)))
}

/// Returns a message as the API writes it; with `strips`, some texts are shortened.
pub(in crate::tenant) fn message(case: &Case, place: usize, strips: bool) -> Value {
    let message = &case.messages[place];
    let is_long = message.text.chars().count() >= LONG_TEXT;
    let is_shortened = strips && is_long && place % SHORTENED == 2;
    let text: String = match (case.removed, is_shortened) {
        (Some(_), _) => String::new(),
        (None, true) => message.text.chars().take(LONG_TEXT / 2).collect(),
        (None, false) => message.text.clone(),
    };
    let is_inbound = message.writer == Writer::Customer;
    let tags: Vec<Value> = TAGS
        .iter()
        .filter(|(id, _)| message.tags.contains(id))
        .map(|(id, title)| json!({"id": id, "title": title, "color": "#ff0000"}))
        .collect();
    let mut answer = json!({
        "id": message.id, "idOnExternalPlatform": format!("m{}", place + 1), "postId": format!("post_{}", case.number),
        "threadId": case.thread(), "contactNumber": case.number.to_string(),
        "direction": if is_inbound { "inbound" } else { "outbound" },
        "createdAt": with_offset(message.at), "createdAtWithMilliseconds": with_millis_and_offset(message.at),
        "messageContent": {"type": "TEXT", "payload": {"text": text}, "fallbackText": text, "postback": ""},
        "attachments": [], "sentiment": message.sentiment, "tags": tags,
        "hasAdditionalMessageContent": is_shortened,
        "isDeletedOnExternalPlatform": false, "isHiddenOnExternalPlatform": false, "title": null,
    });
    if is_inbound {
        answer["authorUser"] = Value::Null;
        answer["authorEndUserIdentity"] =
            json!({"idOnExternalPlatform": format!("u{}", case.number), "nickname": "guest"});
    } else {
        answer["authorUser"] = json!({
            "id": case.agent.digital_id, "isBotUser": message.writer == Writer::Bot,
            "firstName": case.agent.first_name, "surname": case.agent.last_name,
        });
    }
    if let Some(at) = case.removed {
        answer["contentRemoved"] = json!({"reason": "GDPR", "removedAt": with_offset(at)});
        answer["authorNameRemoved"] = json!(true);
    }
    answer
}
