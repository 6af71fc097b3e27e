//! The text of a request: out of a JSON or a form-encoded body, with a clear error for everything else.

use std::borrow::Cow;

use insights_core::lenient_json::{self, NotUtf8};
use percent_encoding::percent_decode;
use runtime::{Failure, Request, RequestExt};
use serde_json::Value;

/// The one field that is read.
pub const FIELD: &str = "interaction_text";

/// The byte order mark that some editors and tools write before a text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

const ALLOWED_TYPES: &str = "application/json or application/x-www-form-urlencoded";

/// Reads the customer's words from the body, trimmed and not empty.
///
/// # Errors
/// 413 if the body is larger than `max_bytes`, 415 for another content type, 400 for a body that cannot be read, a
/// missing field, one that is no string, or a blank one. No message repeats any of the text.
pub fn interaction_text(request: &Request, max_bytes: usize) -> Result<String, Failure> {
    if request.body().len() > max_bytes {
        return Err(Failure::too_large(max_bytes));
    }
    let media_type = request.media_type();
    let text = match media_type.as_str() {
        "application/x-www-form-urlencoded" => from_form(request.body())?,
        json if json == "application/json"
            || (json.starts_with("application/") && json.ends_with("+json")) =>
        {
            from_json(request.body())?
        }
        _ => return Err(Failure::unsupported_media_type(ALLOWED_TYPES)),
    };
    match text.trim() {
        "" => Err(Failure::invalid(
            "empty_text",
            format!("'{FIELD}' must not be empty or only white space"),
        )),
        trimmed => Ok(trimmed.to_owned()),
    }
}

fn from_json(body: &[u8]) -> Result<String, Failure> {
    let body = lenient_json::decode(body).map_err(|NotUtf8 { at }| not_utf8(at))?;
    let value: Value = lenient_json::from_str(&body).map_err(|error| {
        // serde's message may quote a piece of the body; its place is enough to find it.
        let place = format!("line {} column {}", error.line(), error.column());
        Failure::invalid(
            "invalid_json",
            format!("the body is not valid JSON ({place})"),
        )
    })?;
    match value {
        Value::Object(mut object) => match object.remove(FIELD) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(wrong_type(&other)),
            None => Err(missing("the JSON object has no such key")),
        },
        other => {
            let message = format!(
                "the body must be a JSON object with '{FIELD}', not {}",
                kind(&other)
            );
            Err(Failure::invalid("invalid_json", message))
        }
    }
}

fn from_form(body: &[u8]) -> Result<String, Failure> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    for pair in body.split(|byte| *byte == b'&') {
        let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &[][..]),
        };
        if decode(name).is_ok_and(|name| name == FIELD) {
            return decode(value);
        }
    }
    let looks_like_json = body.trim_ascii_start().first() == Some(&b'{');
    Err(missing(if looks_like_json {
        "the body looks like JSON, so send 'content-type: application/json'"
    } else {
        "the form has no such field"
    }))
}

/// One name or value of a form, as bytes that must be UTF-8: the usual decoder would replace whatever is not. A byte order
/// mark and a character that was cut off are no reason to refuse a text.
fn decode(part: &[u8]) -> Result<String, Failure> {
    let spaced: Vec<u8> = part
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let bytes: Vec<u8> = percent_decode(&spaced).collect();
    lenient_json::decode(&bytes)
        .map(Cow::into_owned)
        .map_err(|NotUtf8 { at }| not_utf8(at))
}

fn not_utf8(byte: usize) -> Failure {
    Failure::invalid(
        "invalid_utf8",
        format!("the text is not valid UTF-8 (byte {byte})"),
    )
}

fn missing(why: &str) -> Failure {
    Failure::invalid("missing_text", format!("'{FIELD}' is missing: {why}"))
}

fn wrong_type(value: &Value) -> Failure {
    Failure::invalid(
        "invalid_text",
        format!("'{FIELD}' must be a string, not {}", kind(value)),
    )
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    const LIMIT: usize = 1000;

    fn read(content_type: &str, body: &[u8]) -> Result<String, Failure> {
        let mut request = Request::new(body.to_vec().into());
        if !content_type.is_empty() {
            let content_type = content_type.parse().unwrap();
            request.headers_mut().insert("content-type", content_type);
        }
        interaction_text(&request, LIMIT)
    }

    #[test]
    fn both_body_formats_give_the_same_text() {
        for (content_type, body) in [
            (
                JSON,
                r#"{"interaction_text": " I want a refund & an apology – now "}"#,
            ),
            (
                "application/json; charset=utf-8",
                "\u{feff}{\"x\":1,\"interaction_text\":\"I want a refund & an apology – now\"}",
            ),
            (
                "application/vnd.x+json",
                r#"{"interaction_text":"I want a refund \u0026 an apology – now"}"#,
            ),
            (
                FORM,
                "a=1&interaction_text=I+want+a+refund+%26+an+apology+%E2%80%93+now&b",
            ),
            (
                "Application/X-WWW-Form-Urlencoded",
                "interaction%5Ftext=I%20want a refund %26 an apology – now",
            ),
        ] {
            let text = read(content_type, body.as_bytes()).unwrap();
            assert_eq!(text, "I want a refund & an apology – now", "{content_type}");
        }
    }

    #[test]
    fn each_bad_body_has_its_own_status_and_code() {
        let too_long = format!(r#"{{"interaction_text":"{}"}}"#, "x".repeat(LIMIT));
        let cases: &[(&str, &[u8], u16, &str)] = &[
            (JSON, b"", 400, "invalid_json"),
            (JSON, b"{", 400, "invalid_json"),
            (JSON, b"[]", 400, "invalid_json"),
            (
                JSON,
                b"{\"interaction_text\":\"\xff\"}",
                400,
                "invalid_utf8",
            ),
            (JSON, b"{}", 400, "missing_text"),
            (JSON, br#"{"Interaction_Text":"x"}"#, 400, "missing_text"),
            (JSON, br#"{"interaction_text":5}"#, 400, "invalid_text"),
            (JSON, br#"{"interaction_text":null}"#, 400, "invalid_text"),
            (JSON, br#"{"interaction_text":["x"]}"#, 400, "invalid_text"),
            (JSON, br#"{"interaction_text":""}"#, 400, "empty_text"),
            (
                JSON,
                "{\"interaction_text\":\" \\n\\t\u{2003}\"}".as_bytes(),
                400,
                "empty_text",
            ),
            (JSON, too_long.as_bytes(), 413, "payload_too_large"),
            (FORM, b"", 400, "missing_text"),
            (FORM, b"text=hello", 400, "missing_text"),
            (FORM, br#"{"interaction_text":"x"}"#, 400, "missing_text"),
            (FORM, b"interaction_text", 400, "empty_text"),
            (FORM, b"interaction_text=+%20", 400, "empty_text"),
            (FORM, b"interaction_text=%ff%fe", 400, "invalid_utf8"),
            (
                "",
                br#"{"interaction_text":"x"}"#,
                415,
                "unsupported_media_type",
            ),
            ("text/plain", b"x", 415, "unsupported_media_type"),
            (
                "multipart/form-data; boundary=x",
                b"x",
                415,
                "unsupported_media_type",
            ),
        ];
        for (content_type, body, status, code) in cases {
            let failure = read(content_type, body).unwrap_err();
            let shown = String::from_utf8_lossy(body);
            assert_eq!(
                (failure.status().as_u16(), failure.code()),
                (*status, *code),
                "{content_type} {shown}"
            );
            assert!(!failure.is_retryable());
        }
    }

    #[test]
    fn odd_characters_and_numbers_do_not_make_a_body_unreadable() {
        let cases: &[(&str, &[u8], &str)] = &[
            (
                JSON,
                br#"{"interaction_text":"I am furious \ud83d"}"#,
                "I am furious \u{fffd}",
            ),
            (
                JSON,
                br#"{"interaction_text":"\ude21 furious","x":"\ud83d"}"#,
                "\u{fffd} furious",
            ),
            (
                JSON,
                br#"{"unread":1e400,"interaction_text":"furious","other":-1e999}"#,
                "furious",
            ),
            (
                JSON,
                b"\xef\xbb\xbf{\"interaction_text\":\"furious \xf0\x9f\x98\"}",
                "furious \u{fffd}",
            ),
            (FORM, b"\xef\xbb\xbfinteraction_text=furious", "furious"),
            (FORM, b"%EF%BB%BFinteraction_text=furious", "furious"),
            (
                FORM,
                b"interaction_text=furious+%F0%9F%98",
                "furious \u{fffd}",
            ),
            (FORM, b"a=1&interaction_text=%EF%BB%BFfurious", "furious"),
        ];
        for (content_type, body, text) in cases {
            let shown = String::from_utf8_lossy(body);
            assert_eq!(read(content_type, body).unwrap(), *text, "{shown}");
        }
    }

    #[test]
    fn json_sent_as_a_form_is_told_what_to_do() {
        let failure = read(FORM, br#"{"interaction_text":"hello"}"#).unwrap_err();
        assert!(
            failure
                .into_response()
                .body()
                .contains("content-type: application/json")
        );
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_the_answer_is_a_text_or_a_client_error(
            body in prop::collection::vec(any::<u8>(), 0..200),
            prefix in prop_oneof![Just(""), Just("interaction_text="), Just("{\"interaction_text\":\"")],
            content_type in prop_oneof![Just(JSON), Just(FORM), Just("x/y")],
        ) {
            let body = [prefix.as_bytes(), &body].concat();
            match read(content_type, &body) {
                Ok(text) => prop_assert!(!text.trim().is_empty()),
                Err(failure) => prop_assert!(failure.status().is_client_error()),
            }
        }

        #[test]
        fn any_text_survives_both_encodings(text in "\\PC{1,80}") {
            prop_assume!(!text.trim().is_empty());
            let json = serde_json::json!({ FIELD: text }).to_string();
            prop_assert_eq!(&read(JSON, json.as_bytes()).unwrap(), text.trim());
            let form = format!("{FIELD}={}", percent_encoding::percent_encode(text.as_bytes(), percent_encoding::NON_ALPHANUMERIC));
            prop_assert_eq!(&read(FORM, form.as_bytes()).unwrap(), text.trim());
        }
    }
}
