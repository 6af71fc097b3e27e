//! `POST /studio/contact-ended`: a script or an automation of the contact center says that a contact has ended.
//!
//! The message brings numbers and no text, which is not there yet. It is kept as a notice, once per contact, until the texts are
//! fetched. A script repeats what fails and cannot correct what it sends, so a message that can never be understood is
//! answered with 200 and `error_code`; a wrong key and a store that is away keep their status.

use std::collections::HashMap;

use backends::ended_contacts::{EndedContact, EndedContacts};
use http::StatusCode;
use insights_core::lenient_json;
use jiff::Timestamp;
use runtime::http::reply;
use runtime::{Failure, Request, RequestExt, Response, metrics};
use serde::Serialize;
use serde_json::Value;

use crate::deps::Deps;
use crate::proof::prove;

/// Largest body of a message, in bytes.
const MAX_BYTES: usize = 8 << 10;

/// Most digits of a contact's number; numbers have 64 bits.
const MAX_DIGITS: usize = 19;

/// Largest number of characters of a skill's name and of a media type.
const MAX_NAME_CHARS: usize = 100;

/// The answer to a script. Each field is always there, and none is a list.
#[derive(Debug, Serialize)]
struct Noted {
    /// `1` if the notice is kept.
    accepted: &'static str,
    /// `1` if the contact was noted before.
    repeated: &'static str,
    contact_id: String,
    error_code: &'static str,
}

/// Keeps the notice of a contact that has ended.
///
/// # Errors
/// A [`Failure`] with status 401 or 403 for a sender that does not prove itself, and 503 while the store is away.
pub(crate) async fn receive(
    deps: &Deps,
    request: &Request,
    now: Timestamp,
) -> Result<Response, Failure> {
    if request.body().len() > MAX_BYTES {
        return Err(Failure::too_large(MAX_BYTES));
    }
    prove(deps, request, now).await?;
    let contact = match read(request, now) {
        Ok(contact) => contact,
        Err(code) => {
            tracing::info!(
                code,
                "the script was answered that its message is not understood"
            );
            return noted("0", "0", String::new(), code);
        }
    };
    let notices = EndedContacts::new(deps.state.clone());
    let is_first = notices.note(&contact, now).await.map_err(|error| {
        metrics::count_store_error();
        Failure::unavailable("state_unavailable", "nothing was accepted, try again")
            .with_cause(error)
    })?;
    let contact_id = contact.contact_id;
    tracing::info!(contact_id, is_first, "the end of a contact was noted");
    noted("1", if is_first { "0" } else { "1" }, contact_id, "")
}

fn noted(
    accepted: &'static str,
    repeated: &'static str,
    contact_id: String,
    error_code: &'static str,
) -> Result<Response, Failure> {
    let answer = Noted {
        accepted,
        repeated,
        contact_id,
        error_code,
    };
    reply::json(StatusCode::OK, &answer)
}

/// Reads a message out of JSON or a form, or the code of what is wrong with it.
fn read(request: &Request, now: Timestamp) -> Result<EndedContact, &'static str> {
    let body = lenient_json::decode(request.body()).map_err(|_| "invalid_utf8")?;
    let media_type = request.media_type();
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    let is_form = media_type == "application/x-www-form-urlencoded";
    // An automation may name no type or a wrong one; a script names a form even when it sends JSON.
    let message = if is_json || body.trim_start().starts_with('{') {
        lenient_json::from_str::<Value>(&body).map_err(|_| "invalid_json")?
    } else if is_form {
        let fields: HashMap<String, String> = url::form_urlencoded::parse(body.trim().as_bytes())
            .into_owned()
            .collect();
        serde_json::to_value(fields).map_err(|_| "invalid_form")?
    } else {
        return Err("unsupported_media_type");
    };
    // A digital automation tells of a case that has a number and a status.
    let case = &message["case"];
    if let Some(status) = case["status"].as_str()
        && !matches!(status, "closed" | "resolved" | "trashed")
    {
        return Err("contact_is_open");
    }
    let contact_id = [&message["contactId"], &message["contact_id"], &case["id"]]
        .into_iter()
        .find_map(number)
        .ok_or("missing_contact_id")?;
    let master_id = number(&message["masterId"])
        .or_else(|| number(&message["master_id"]))
        .unwrap_or_else(|| contact_id.clone());
    Ok(EndedContact {
        contact_id,
        master_id,
        media_type: name(&message["mediaType"]),
        skill: name(&message["skill"]),
        told_at: now,
    })
}

/// Returns the digits of a number that came as a number or a text; `None` for zero and for everything else.
fn number(value: &Value) -> Option<String> {
    let digits = match value {
        Value::Number(number) => number.as_u64()?.to_string(),
        Value::String(text) => text.trim().trim_start_matches('0').to_owned(),
        _ => return None,
    };
    let is_number = (1..=MAX_DIGITS).contains(&digits.len())
        && digits != "0"
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(digits)
}

/// Returns a short text in one line; empty for anything else.
fn name(value: &Value) -> String {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => String::new(),
    };
    let words: Vec<&str> = text
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ").chars().take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_come_as_numbers_or_texts_of_up_to_19_digits() {
        for (value, expected) in [
            (json!(480_000_000_001_u64), Some("480000000001")),
            (json!(" 480000000001 "), Some("480000000001")),
            (json!("00480"), Some("480")),
            (json!("9223372036854775807"), Some("9223372036854775807")),
            (json!("92233720368547758070"), None),
            (json!(0), None),
            (json!("0"), None),
            (json!(-1), None),
            (json!(1.5), None),
            (json!("12a"), None),
            (json!("１２"), None),
            (json!(null), None),
            (json!(["1"]), None),
        ] {
            assert_eq!(number(&value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn names_are_short_and_in_one_line() {
        assert_eq!(
            name(&json!(" Billing\n and\u{0} more ")),
            "Billing and more"
        );
        assert_eq!(name(&json!(9)), "9");
        assert_eq!(name(&json!({"a": 1})), "");
        assert_eq!(name(&json!("x".repeat(1000))).len(), MAX_NAME_CHARS);
    }
}
