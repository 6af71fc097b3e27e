//! Why the contact center refused a call, in words that may stand in a log.
//!
//! The older parts of the contact center explain an error in the header `icStatusDescription` alone. Newer ones name it in the
//! body, under one of several members. What is quoted is bounded, and holds neither numbers that may be somebody's nor free
//! text of a body.

use insights_core::lenient_json;
use insights_http::Answer;
use serde_json::Value;

/// The header in which the older parts of the contact center explain an error.
const HEADER: &str = "icStatusDescription";

/// Longest explanation in characters.
const MAX_CHARACTERS: usize = 160;

/// The shortest run of digits that may be a number of somebody or something.
const MASKED_DIGITS: usize = 5;

/// The members of a body that name an error.
const MEMBERS: &[&str] = &[
    "error",
    "errorCode",
    "code",
    "message",
    "error_description",
    "error_Description",
    "errorDescription",
];

/// Words that tell a product without a license from a user without a permission.
const LICENSE_WORDS: &[&str] = &[
    "licen",
    "entitle",
    "not provisioned",
    "not subscribed",
    "subscription",
    "not enabled for",
    "feature",
];

/// Returns why a call was refused, if the answer says so in words that may be shown.
pub(crate) fn explanation_of(answer: &Answer) -> Option<String> {
    let header = answer.headers.get(HEADER);
    header
        .and_then(|value| value.to_str().ok())
        .and_then(presentable)
        .or_else(|| name_in_body(&answer.body))
}

/// Returns whether an answer says that the tenant has no license for what was asked for.
pub(crate) fn is_about_license(answer: &Answer) -> bool {
    let header = answer.headers.get(HEADER);
    let header = header.and_then(|value| value.to_str().ok());
    let body = lenient_json::from_slice::<Value>(&answer.body).ok();
    let mut texts: Vec<String> = header.into_iter().map(str::to_ascii_lowercase).collect();
    if let Some(body) = body {
        collect_members(&body, &mut texts);
    }
    texts
        .iter()
        .any(|text| LICENSE_WORDS.iter().any(|word| text.contains(word)))
}

/// Adds the lower-case texts of the members that name an error, in the body and in its list of errors.
fn collect_members(body: &Value, texts: &mut Vec<String>) {
    let named = MEMBERS.iter().filter_map(|name| body.get(name)?.as_str());
    texts.extend(named.map(str::to_ascii_lowercase));
    let errors = body.get("errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten() {
        collect_members(error, texts);
    }
}

/// Returns the name of the error in a body: a single word, such as `InvalidContactId`. A sentence may quote what somebody said.
fn name_in_body(body: &[u8]) -> Option<String> {
    let body: Value = lenient_json::from_slice(body).ok()?;
    let first = body.get("errors").and_then(|errors| errors.get(0));
    [Some(&body), first]
        .into_iter()
        .flatten()
        .find_map(|value| {
            let texts = MEMBERS.iter().filter_map(|name| value.get(name)?.as_str());
            texts
                .map(str::trim)
                .find(|text| is_name(text))
                .map(str::to_owned)
        })
}

/// Returns whether a text is the name of an error.
fn is_name(text: &str) -> bool {
    (3..=60).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        && !has_long_number(text)
}

fn has_long_number(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() >= MASKED_DIGITS)
}

/// Returns a text of the server with its long numbers and addresses masked; `None` if nothing is left to read.
fn presentable(text: &str) -> Option<String> {
    let words = text.split_whitespace().map(|word| {
        if word.contains('@') || has_long_number(word) {
            "…".to_owned()
        } else {
            word.chars()
                .filter(|c| c.is_ascii_alphanumeric() || "_.,:;'()/-".contains(*c))
                .collect()
        }
    });
    let text = words.collect::<Vec<String>>().join(" ");
    let text: String = text.chars().take(MAX_CHARACTERS).collect();
    text.contains(|c: char| c.is_ascii_alphabetic())
        .then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn answer(header: Option<&'static str>, body: &'static str) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert("icstatusdescription", HeaderValue::from_static(header));
        }
        Answer {
            endpoint: "{acd}/contacts/{id}".to_owned(),
            status: StatusCode::BAD_REQUEST,
            headers,
            body: body.as_bytes().into(),
        }
    }

    #[test]
    fn the_header_goes_before_the_body_and_hides_numbers_and_addresses() {
        let said = |header, body| explanation_of(&answer(header, body));
        assert_eq!(
            said(Some("startDate is invalid"), r#"{"message": "other"}"#).as_deref(),
            Some("startDate is invalid")
        );
        assert_eq!(
            said(
                Some("Contact 480000000001 of ada@example.com <b>unknown</b>"),
                ""
            )
            .as_deref(),
            Some("Contact … of … bunknown/b")
        );
        assert_eq!(said(Some("  480000000001 "), ""), None);
    }

    #[test]
    fn a_body_gives_a_name_and_never_a_sentence() {
        for (body, expected) in [
            (r#"{"error": "InvalidContactId"}"#, Some("InvalidContactId")),
            (
                r#"{"message": "InvalidParameter"}"#,
                Some("InvalidParameter"),
            ),
            (
                r#"{"errors": [{"message": "no such thing", "errorCode": "not_found"}]}"#,
                Some("not_found"),
            ),
            (r#"{"message": "the customer said I hate you"}"#, None),
            (r#"{"message": "x480000000001"}"#, None),
            (r#"{"error": {"nested": true}}"#, None),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(
                explanation_of(&answer(None, body)).as_deref(),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn a_license_is_told_from_a_permission_by_its_words() {
        for (header, body, expected) in [
            (
                None,
                r#"{"message": "Tenant is not licensed for Interaction Analytics"}"#,
                true,
            ),
            (
                None,
                r#"{"errors": [{"message": "License missing"}]}"#,
                true,
            ),
            (Some("Feature not enabled"), "", true),
            (None, r#"{"message": "Forbidden"}"#, false),
            (None, "", false),
        ] {
            assert_eq!(is_about_license(&answer(header, body)), expected, "{body}");
        }
    }
}
