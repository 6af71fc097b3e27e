//! Lists of digital contacts, 25 a page, and single ones.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::case::{Case, Writer};
use super::messages;
use super::state::Scroll;
use crate::tenant::clock::with_offset;
use crate::tenant::params::Params;
use crate::tenant::quirks::Quirk;
use crate::tenant::refusal::Refusal;
use crate::tenant::world::TenantWorld;

/// Contacts of a page, which no client chooses.
const PAGE: usize = 25;

pub(super) async fn list(
    State(world): State<Arc<TenantWorld>>,
    params: Params,
) -> Result<Json<Value>, Refusal> {
    let transfers = world.has(Quirk::Transfers);
    let days = world.settings().history_days;
    let mut scroll = match params.get("scrollToken") {
        Some(token) => world
            .digital
            .kept(token)
            .ok_or_else(|| Refusal::invalid("the scroll token is not valid"))?,
        None => {
            let filter = Filter::read(&params)?;
            let mut cases = world.digital.list(days, transfers);
            cases.retain(|case| filter.matches(case));
            if params.get("sortingType") != Some("asc") {
                cases.reverse();
            }
            let rest: Vec<i64> = cases.iter().map(|case| case.number).collect();
            Scroll {
                hits: rest.len(),
                rest,
            }
        }
    };
    let later = scroll.rest.split_off(scroll.rest.len().min(PAGE));
    let page = std::mem::replace(&mut scroll.rest, later);
    // Without the empty page, the last page with contacts has no token.
    let follows = if world.has(Quirk::EmptyLastPage) {
        !page.is_empty()
    } else {
        !scroll.rest.is_empty()
    };
    let hits = scroll.hits;
    let token = follows.then(|| world.digital.keep(scroll));
    let data: Vec<Value> = page
        .iter()
        .filter_map(|number| world.digital.case(*number))
        .map(|case| contact(&case))
        .collect();
    Ok(Json(
        json!({"hits": hits, "scrollToken": token, "data": data}),
    ))
}

/// Which contacts a list asks for.
struct Filter {
    statuses: Vec<String>,
    channels: Vec<String>,
    queues: Vec<String>,
    dates: (Option<Date>, Option<Date>),
}

impl Filter {
    fn read(params: &Params) -> Result<Self, Refusal> {
        let all = |name: &str| params.all(name).map(str::to_owned).collect::<Vec<_>>();
        let date = |name: &str| {
            let parse = |text: &str| {
                text.parse::<Date>()
                    .map_err(|_| Refusal::invalid(format!("{name} must be YYYY-MM-DD")))
            };
            params.get(name).map(parse).transpose()
        };
        Ok(Self {
            statuses: all("status[]"),
            channels: all("channel[]"),
            queues: all("routingQueueId[]"),
            dates: (date("date[from]")?, date("date[to]")?),
        })
    }

    fn matches(&self, case: &Case) -> bool {
        let one_of =
            |list: &[String], value: &str| list.is_empty() || list.iter().any(|it| it == value);
        let day = case.created.to_zoned(jiff::tz::TimeZone::UTC).date();
        one_of(&self.statuses, &case.status)
            && one_of(&self.channels, case.channel())
            && one_of(&self.queues, &case.queue)
            && self.dates.0.is_none_or(|from| day >= from)
            && self.dates.1.is_none_or(|to| day <= to)
    }
}

/// Finds a contact by the number in a path.
pub(super) fn find(world: &TenantWorld, number: &str) -> Result<Case, Refusal> {
    number
        .parse()
        .ok()
        .and_then(|number| world.digital.case(number))
        .ok_or_else(|| Refusal::not_found("there is no such contact"))
}

pub(super) async fn one(
    State(world): State<Arc<TenantWorld>>,
    Path(number): Path<String>,
) -> Result<Json<Value>, Refusal> {
    find(&world, &number).map(|case| Json(contact(&case)))
}

pub(super) async fn detail(
    State(world): State<Arc<TenantWorld>>,
    Path(number): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let case = find(&world, &number)?;
    let strips = world.has(Quirk::StrippedMessages);
    let shown = |place| messages::message(&case, place, strips);
    Ok(Json(json!({
        "contact": contact(&case), "channel": {"id": case.channel()},
        "thread": {"id": case.thread(), "idOnExternalPlatform": case.thread()},
        "customerContact": {"id": case.number.to_string(), "skillId": case.skill.id.to_string()},
        "routingQueue": {"id": case.queue, "skillId": case.skill.id.to_string()},
        "messages": (0..case.messages.len()).map(shown).collect::<Vec<_>>(),
    })))
}

pub(super) async fn detail_pages(
    State(world): State<Arc<TenantWorld>>,
    Path(number): Path<String>,
) -> Result<Json<Value>, Refusal> {
    find(&world, &number)?;
    Ok(Json(json!({"previous": null, "next": null})))
}

/// Returns a contact as the API writes it.
pub(in crate::tenant) fn contact(case: &Case) -> Value {
    let agent = case.agent;
    let count = |is_inbound: bool| {
        let messages = case.messages.iter();
        messages
            .filter(|message| (message.writer == Writer::Customer) == is_inbound)
            .count()
    };
    let fields: Vec<Value> = case
        .custom_fields
        .iter()
        .map(|(ident, (value, at))| json!({"ident": ident, "value": value, "updatedAt": with_offset(*at)}))
        .collect();
    let mood = |name: &str| {
        let messages = case.messages.iter();
        messages
            .filter(|message| message.sentiment.as_deref() == Some(name))
            .count()
    };
    let mut contact = json!({
        "id": case.number.to_string(),
        "contactId": format!("5d0a0000-0000-4000-8000-{:012}", case.number.rem_euclid(1_000_000_000_000)),
        "customerContactId": format!("5d0b0000-0000-4000-8000-{:012}", case.number.rem_euclid(1_000_000_000_000)),
        "interactionId": null, "threadId": case.thread(), "threadIdOnExternalPlatform": case.thread(),
        "channelId": case.channel(), "direction": "inbound", "status": case.status,
        "statusUpdatedAt": with_offset(case.status_updated), "createdAt": with_offset(case.created),
        "routingQueueId": case.queue, "routingQueuePriority": case.priority,
        "inboxAssigneeUser": {
            "id": agent.digital_id, "incontactId": agent.user_id(), "firstName": agent.first_name,
            "surname": agent.last_name, "emailAddress": "agent@example.com", "loginUsername": "agent@example.com",
            "isBotUser": false, "isSurveyUser": false,
        },
        "customFields": fields, "recipients": [],
        "endUser": {
            "id": format!("end-user-{}", case.number), "fullName": "Guest", "identities": [],
            "messageStatistics": {"inbound": count(true), "outbound": count(false)},
            "sentimentStatistics": {"positive": mood("positive"), "neutral": mood("neutral"), "negative": mood("negative")},
        },
    });
    if case.channel() == "chat_bot"
        && let Some(members) = contact.as_object_mut()
    {
        // A bot has no assignee.
        members.shift_remove("inboxAssigneeUser");
    }
    contact
}
