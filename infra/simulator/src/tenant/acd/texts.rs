//! Texts of the old channels: chats and mails that the digital API does not know.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Call;
use super::contacts::find;
use crate::conversations::Author;
use crate::tenant::clock::with_millis;
use crate::tenant::contact::{Channel, Contact};
use crate::tenant::refusal::Refusal;

fn messages(contact: &Contact, until: jiff::Timestamp) -> Vec<Value> {
    contact
        .spoken()
        .filter(|(_, at, _)| *at <= until)
        .map(|(_, at, line)| {
            let party = if line.author == Author::Agent { "Agent" } else { "Client" };
            json!({"Text": line.text, "TimeStamp": with_millis(at), "PartyType": party, "Label": party, "RoomId": contact.id})
        })
        .collect()
}

pub(super) fn active_chat(call: &Call<'_>, id: &str) -> Result<Response, Refusal> {
    let (contact, now) = (
        of_channel(call, id, Channel::OldChat)?,
        call.world.clock.now(),
    );
    if contact.end <= now {
        return Err(Refusal::not_found("the chat is not active"));
    }
    Ok(Json(json!({"messages": messages(&contact, now)})).into_response())
}

pub(super) fn past_chat(call: &Call<'_>, id: &str) -> Result<Response, Refusal> {
    let contact = of_channel(call, id, Channel::OldChat)?;
    if contact.end > call.world.clock.now() {
        return Err(Refusal::not_found("the chat is active"));
    }
    let transcript =
        json!({"cloudState": "Available", "transcript": messages(&contact, contact.end)});
    Ok(Json(json!({"transcript": transcript})).into_response())
}

pub(super) fn mails(call: &Call<'_>, id: &str) -> Result<Response, Refusal> {
    let contact = of_channel(call, id, Channel::Mail)?;
    let mails: Vec<Value> = contact
        .spoken()
        .map(|(_, at, line)| {
            let is_agent = line.author == Author::Agent;
            let addresses = ("customer@example.com", "service@example.com");
            let (from, to) = if is_agent {
                (addresses.1, addresses.0)
            } else {
                addresses
            };
            json!({
                "emailTypeId": if is_agent { 2 } else { 1 }, "sentDate": with_millis(at),
                "fromAddress": from, "toAddress": to, "ccAddress": "", "bccAddress": "",
                "subject": "Your request", "bodyHtml": format!("<p>{}</p>", line.text),
            })
        })
        .collect();
    Ok(Json(json!({"emails": mails})).into_response())
}

fn of_channel(
    call: &Call<'_>,
    id: &str,
    channel: Channel,
) -> Result<std::sync::Arc<Contact>, Refusal> {
    let contact = find(call, id)?;
    if contact.channel == channel && contact.lines.is_some() {
        Ok(contact)
    } else {
        Err(Refusal::not_found("there is no transcript"))
    }
}
