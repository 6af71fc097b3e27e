//! Active and completed contacts, and single ones.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Call;
use super::lists::{only, page, wanted_fields};
use crate::tenant::clock::with_millis;
use crate::tenant::contact::Contact;
use crate::tenant::people;
use crate::tenant::quirks::Quirk;
use crate::tenant::refusal::Refusal;

/// Longest window of one call.
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Time after a contact's end at which its disposition appears.
const DISPOSITION_DELAY: SignedDuration = SignedDuration::from_mins(2);
/// Time after a contact's end at which its row is complete, if its disposition comes at once.
const AFTER_WORK: SignedDuration = SignedDuration::from_secs(14);
/// Highest version that uses the old names of members.
const LAST_OLD_NAMES: u32 = 21;
/// Old names of members, each after its new name.
const OLD_NAMES: [(&str, &str); 6] = [
    ("contactStartDate", "contactStart"),
    ("acwSeconds", "ACWSeconds"),
    ("conferenceSeconds", "confSeconds"),
    ("fromAddress", "fromAddr"),
    ("toAddress", "toAddr"),
    ("agentStartDate", "agentStart"),
];

pub(super) fn active(call: &Call<'_>) -> Result<Response, Refusal> {
    let since = call.params.time("updatedSince")?;
    let mut rows = Vec::new();
    for contact in call.world.running() {
        if matches(call, &contact)? && since.is_none_or(|since| contact.start >= since) {
            rows.push(renamed(call, active_row(&contact)));
        }
    }
    page(call, "activeContacts", rows)
}

fn active_row(contact: &Contact) -> Value {
    let answered = contact.start + SignedDuration::from_secs(29);
    json!({
        "contactId": contact.id, "masterContactId": contact.master_id,
        "contactStartDate": with_millis(contact.start),
        "mediaTypeId": contact.channel.media_type_id(), "mediaTypeName": contact.channel.media_type_name(),
        "mediaSubTypeId": null, "stateId": 4, "stateName": "Active", "contactStateCategory": "Active",
        "skillId": contact.skill.id, "skillName": contact.skill.name,
        "teamId": contact.agent.team_id, "teamName": contact.agent.team_name,
        "agentId": contact.agent.id, "firstName": contact.agent.first_name, "lastName": contact.agent.last_name,
        "agentStartDate": with_millis(answered), "fromAddress": "+15550100", "toAddress": "+15550199",
        "isOutbound": false, "isLogged": true, "isTakeover": false, "holdCount": 0, "routingAttribute": 0,
        "digitalContactStateId": null, "digitalContactStateName": null, "pointOfContactId": 7,
        "pointOfContactName": "Main", "campaignId": 3, "campaignName": "Inbound",
        "transferIndicatorId": null, "lastUpdateTime": with_millis(answered),
    })
}

pub(super) async fn completed(call: &Call<'_>) -> Result<Response, Refusal> {
    let world = call.world;
    let now = world.clock.now();
    let (from, to) = (call.params.time("startDate")?, call.params.time("endDate")?);
    let since = call.params.time("updatedSince")?;
    let earliest = from.or(since.map(|since| since - LONGEST_WINDOW));
    let Some(earliest) = earliest else {
        return Err(Refusal::invalid("startDate or updatedSince is needed"));
    };
    if from.is_some_and(|from| to.unwrap_or(now).duration_since(from) > LONGEST_WINDOW) {
        return Err(Refusal::invalid("the window must be at most 31 days"));
    }
    let analyzed = call.params.flag("analyticsProcessed")?;
    let mut contacts = world.contacts(earliest, to.unwrap_or(now));
    contacts.retain(|contact| {
        contact.end <= now
            && since.is_none_or(|since| updated_at(call, contact, now) >= since)
            && analyzed.is_none_or(|wanted| annotated_at(call, contact, now).is_some() == wanted)
    });
    if call
        .params
        .get("orderBy")
        .is_some_and(|order| order.to_ascii_lowercase().starts_with("lastupdatetime"))
    {
        contacts.sort_by_key(|contact| updated_at(call, contact, now));
    }
    take_time(call, contacts.len()).await?;
    let mut rows = Vec::new();
    for contact in contacts {
        if matches(call, &contact)? {
            rows.push(renamed(call, completed_row(call, &contact, now)));
        }
    }
    page(call, "completedContacts", rows)
}

/// Waits as long as the list of so many contacts takes, and ends the connection if that is too long.
async fn take_time(call: &Call<'_>, rows: usize) -> Result<(), Refusal> {
    if !call.world.has(Quirk::SlowCompleted) {
        return Ok(());
    }
    let settings = call.world.settings();
    let takes = settings.completed_row_ms.saturating_mul(rows as u64);
    let limit = settings.completed_limit_ms;
    tokio::time::sleep(Duration::from_millis(takes.min(limit))).await;
    if takes > limit {
        call.connection.cut();
        return Err(Refusal::new(
            StatusCode::GATEWAY_TIMEOUT,
            "Timeout",
            "the list takes too long",
        ));
    }
    Ok(())
}

/// Returns when the row of a contact last changed.
fn updated_at(call: &Call<'_>, contact: &Contact, now: Timestamp) -> Timestamp {
    let settled = contact.end + DISPOSITION_DELAY;
    if call.world.has(Quirk::LateDispositions) && settled <= now {
        settled
    } else {
        contact.end + AFTER_WORK
    }
}

/// Returns when analytics has finished a contact, if it has.
fn annotated_at(call: &Call<'_>, contact: &Contact, now: Timestamp) -> Option<Timestamp> {
    let late = call.world.has(Quirk::LateSegments);
    let ties = call.world.has(Quirk::InclusiveCursor);
    let at = contact.annotated_at(late, ties);
    (contact.has_segment && at <= now).then_some(at)
}

fn completed_row(call: &Call<'_>, contact: &Contact, now: Timestamp) -> Value {
    let total = contact.end.duration_since(contact.start).as_secs_f64();
    let is_abandoned = contact.outcome == "abandoned";
    let analyzed = annotated_at(call, contact, now);
    let disposition = disposition_of(call, contact, now).map(|(id, _)| id);
    let agent_seconds = if is_abandoned {
        0.0
    } else {
        (total - 29.0).max(0.0)
    };
    json!({
        "contactId": contact.id, "masterContactId": contact.master_id,
        "contactStartDate": with_millis(contact.start),
        "mediaTypeId": contact.channel.media_type_id(), "mediaTypeName": contact.channel.media_type_name(),
        "skillId": contact.skill.id, "skillName": contact.skill.name,
        "teamId": contact.agent.team_id, "teamName": contact.agent.team_name,
        "agentId": contact.agent.id, "firstName": contact.agent.first_name, "lastName": contact.agent.last_name,
        "fromAddress": "+15550100", "toAddress": "+15550199", "isOutbound": false,
        "abandoned": is_abandoned, "abandonSeconds": if is_abandoned { total } else { 0.0 },
        "agentSeconds": agent_seconds, "acwSeconds": 14.0, "holdCount": contact.noise % 2,
        "holdSeconds": (contact.noise % 2) as f64 * 22.0, "conferenceSeconds": 0.0, "inQueueSeconds": 9.1,
        "preQueueSeconds": 19.9, "postQueueSeconds": 0.0, "releaseSeconds": 0.0, "routingTime": 0.0,
        "totalDurationSeconds": total,
        "endReason": if is_abandoned { "Contact Hung Up" } else { "Agent Hung Up" },
        "primaryDispositionId": disposition, "secondaryDispositionId": null, "dispositionNotes": null,
        "isAnalyticsProcessed": analyzed.is_some(), "analyticsProcessedDate": analyzed.map(with_millis),
        "isShortAbandon": false, "isRefused": false, "refuseReason": null, "refuseTime": null,
        "serviceLevelFlag": 1, "isLogged": true, "isTakeover": false,
        "transferIndicatorId": null, "pointOfContactId": 7, "pointOfContactName": "Main",
        "lastUpdateTime": with_millis(updated_at(call, contact, now)), "tags": [],
    })
}

/// Returns number and name of a contact's disposition, if the agent has chosen one by now.
fn disposition_of(
    call: &Call<'_>,
    contact: &Contact,
    now: Timestamp,
) -> Option<(i64, &'static str)> {
    let is_late = call.world.has(Quirk::LateDispositions);
    let is_chosen = !is_late || contact.end + DISPOSITION_DELAY <= now;
    is_chosen
        .then(|| people::disposition(&contact.outcome))
        .flatten()
}

pub(super) fn one(call: &Call<'_>, id: &str) -> Result<Response, Refusal> {
    let (contact, now) = (find(call, id)?, call.world.clock.now());
    let row = if contact.end > now {
        active_row(&contact)
    } else {
        completed_row(call, &contact, now)
    };
    let row = only(renamed(call, row), &wanted_fields(call));
    Ok(Json(json!({"contactId": row})).into_response())
}

pub(super) fn disposition(call: &Call<'_>, id: &str) -> Result<Response, Refusal> {
    let (contact, now) = (find(call, id)?, call.world.clock.now());
    let chosen = disposition_of(call, &contact, now);
    Ok(Json(json!({
        "dispositionId": chosen.map(|it| it.0), "dispositionName": chosen.map(|it| it.1),
        "dispositionByAgendId": contact.agent.id, "notes": null,
        "lastUpdated": with_millis(updated_at(call, &contact, now)),
    }))
    .into_response())
}

pub(super) fn custom_data(call: &Call<'_>, id: &str) -> Result<Response, Refusal> {
    find(call, id)?;
    Ok(Json(json!({"contactCustomData": [{"name": "score", "value": "0.28"}]})).into_response())
}

pub(super) fn state_history(call: &Call<'_>, id: &str) -> Result<Response, Refusal> {
    let contact = find(call, id)?;
    let states = [
        ("Queued", contact.start),
        ("Active", contact.start + SignedDuration::from_secs(29)),
    ];
    let rows =
        states.map(|(name, at)| json!({"contactStateName": name, "startDate": with_millis(at)}));
    Ok(Json(json!({"contactStateHistory": rows})).into_response())
}

/// Finds a contact that has started, by the number in a path.
pub(super) fn find(call: &Call<'_>, id: &str) -> Result<Arc<Contact>, Refusal> {
    let number: i64 = id.parse().map_err(|_| Refusal::invalid_contact())?;
    if number <= 0 {
        return Err(Refusal::invalid_contact());
    }
    call.world
        .contact(number)
        .ok_or_else(|| Refusal::not_found("there is no such contact"))
}

/// Returns whether a contact is one that the query asks for.
fn matches(call: &Call<'_>, contact: &Contact) -> Result<bool, Refusal> {
    let wanted = [
        ("mediaTypeId", contact.channel.media_type_id()),
        ("skillId", contact.skill.id),
        ("agentId", contact.agent.id),
        ("teamId", contact.agent.team_id),
        ("contactId", contact.id),
    ];
    for (name, value) in wanted {
        if call
            .params
            .number::<i64>(name)?
            .is_some_and(|it| it != value)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns a row with the names of the version that the call uses.
fn renamed(call: &Call<'_>, row: Value) -> Value {
    if call.version > LAST_OLD_NAMES || !call.world.has(Quirk::LooseScalars) {
        return row;
    }
    let Value::Object(members) = row else {
        return row;
    };
    let renamed = members.into_iter().map(|(name, value)| {
        let old = OLD_NAMES.iter().find(|(new, _)| *new == name);
        (old.map_or(name, |(_, old)| (*old).to_owned()), value)
    });
    Value::Object(renamed.collect())
}
