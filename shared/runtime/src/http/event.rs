//! The parts of an API Gateway event.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::{EventError, parse_form};

pub(super) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

/// Format 2.0 puts the stage in front of the path unless it is `$default`.
pub(super) fn without_stage<'a>(path: &'a str, stage: &str) -> &'a str {
    let rest = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage));
    rest.filter(|rest| stage != "$default" && rest.starts_with('/'))
        .unwrap_or(path)
}

pub(super) fn headers(event: &Map<String, Value>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs(event, "multiValueHeaders", "headers") {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::try_from(value),
        ) {
            headers.append(name, value);
        }
    }
    headers
}

pub(super) fn query(event: &Map<String, Value>) -> Vec<(String, String)> {
    if let Some(raw) = text(event, "rawQueryString") {
        return parse_form(raw.as_bytes());
    }
    pairs(
        event,
        "multiValueQueryStringParameters",
        "queryStringParameters",
    )
}

/// The pairs of an object of lists, or else of an object of texts.
fn pairs(event: &Map<String, Value>, lists: &str, texts: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let found = event
        .get(lists)
        .and_then(Value::as_object)
        .or_else(|| event.get(texts)?.as_object());
    for (name, value) in found.into_iter().flatten() {
        match value {
            Value::String(value) => pairs.push((name.clone(), value.clone())),
            Value::Array(values) => {
                pairs.extend(
                    values
                        .iter()
                        .filter_map(|value| Some((name.clone(), value.as_str()?.to_owned()))),
                );
            }
            _ => {}
        }
    }
    pairs
}

pub(super) fn body(event: &Map<String, Value>) -> Result<Bytes, EventError> {
    let body = match event.get("body") {
        None | Some(Value::Null) => return Ok(Bytes::new()),
        Some(Value::String(body)) => body,
        Some(_) => return Err(EventError::NotHttp("its body is not a string")),
    };
    if event.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) {
        return STANDARD
            .decode(body.trim_ascii())
            .map(Bytes::from)
            .map_err(|_| EventError::Body);
    }
    Ok(Bytes::from(body.clone()))
}
