//! Pages of rows with absolute links, and the lists of names.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::Call;
use crate::tenant::clock::with_millis;
use crate::tenant::people::DISPOSITIONS;
use crate::tenant::refusal::Refusal;

/// Rows of a page, unless the call says otherwise.
const DEFAULT_PAGE: usize = 1000;
/// Largest number of rows of a page.
const LARGEST_PAGE: usize = 10_000;

/// Answers one page of rows: 204 without any, otherwise with links to the pages around it.
pub(super) fn page(call: &Call<'_>, name: &str, rows: Vec<Value>) -> Result<Response, Refusal> {
    let top = call.params.number::<usize>("top")?.unwrap_or(DEFAULT_PAGE);
    let skip = call.params.number::<usize>("skip")?.unwrap_or(0);
    if !(1..=LARGEST_PAGE).contains(&top) {
        let message = format!("top must be 1 to {LARGEST_PAGE}");
        return Err(Refusal::invalid(message));
    }
    let total = rows.len();
    if skip >= total {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let fields = wanted_fields(call);
    let rows: Vec<Value> = rows
        .into_iter()
        .skip(skip)
        .take(top)
        .map(|row| only(row, &fields))
        .collect();
    let link = |skip: usize| {
        let query = call.params.with("skip", &skip.to_string(), &[]);
        json!(format!("{}{}?{query}", call.world.hosts().api, call.path))
    };
    let next = if skip + top < total {
        link(skip + top)
    } else {
        Value::Null
    };
    let previous = if skip > 0 {
        link(skip.saturating_sub(top))
    } else {
        Value::Null
    };
    let mut answer = Map::new();
    answer.insert("totalRecords".to_owned(), json!(total));
    answer.insert(
        "_links".to_owned(),
        json!({"self": link(skip), "next": next, "previous": previous}),
    );
    answer.insert(
        "businessUnitId".to_owned(),
        json!(call.world.settings().business_unit),
    );
    answer.insert(
        "lastPollTime".to_owned(),
        json!(with_millis(call.world.clock.now())),
    );
    answer.insert(name.to_owned(), Value::Array(rows));
    Ok(Json(Value::Object(answer)).into_response())
}

/// Returns the members that the call asks for; none for all of them.
pub(super) fn wanted_fields(call: &Call<'_>) -> Vec<String> {
    let fields = call.params.get("fields").unwrap_or_default();
    let fields = fields.split(',').map(str::trim);
    fields
        .filter(|field| !field.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Returns a row with these members alone, or all of them if none is named.
pub(super) fn only(mut row: Value, fields: &[String]) -> Value {
    if let (false, Some(members)) = (fields.is_empty(), row.as_object_mut()) {
        members.retain(|name, _| fields.iter().any(|field| field.eq_ignore_ascii_case(name)));
    }
    row
}

pub(super) fn dispositions(call: &Call<'_>) -> Result<Response, Refusal> {
    let rows = DISPOSITIONS.map(|(id, name, _)| {
        json!({"dispositionId": id, "dispositionName": name, "isPreviewDisposition": false, "isActive": true})
    });
    page(call, "dispositions", rows.into())
}

pub(super) fn states(call: &Call<'_>) -> Result<Response, Refusal> {
    let rows = STATES.map(|(id, name)| json!({"contactStateId": id, "contactStateName": name}));
    page(call, "contactStateDescriptions", rows.into())
}

/// States of a contact with their numbers.
pub(super) const STATES: [(i64, &str); 4] =
    [(2, "Queued"), (3, "Routing"), (4, "Active"), (5, "On Hold")];

pub(super) fn media_types(call: &Call<'_>) -> Result<Response, Refusal> {
    let rows = [
        (1, "Email"),
        (3, "Chat"),
        (4, "Phone Call"),
        (5, "Voice Mail"),
        (6, "Work Item"),
        (7, "SMS"),
        (8, "Social"),
        (9, "Digital"),
    ];
    let rows = rows.map(|(id, name)| json!({"mediaTypeId": id, "mediaTypeName": name}));
    page(call, "mediaTypes", rows.into())
}
