//! The request and reply of an HTTP function, whatever brought them: API Gateway (payload format 1.0 or 2.0, a function URL),
//! the local server, or a test.

mod event;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::event::{body, headers, query, text, without_stage};
use crate::Failure;

/// CXone Studio's REST action reads at most 32 KB of a reply.
pub const MAX_REPLY_BYTES: usize = 32 * 1024;

/// A request to an HTTP function.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path without the stage, percent-encoded as sent, e.g. `/data-actions/sentiment`.
    pub path: String,
    /// The query's decoded pairs, in order.
    pub query: Vec<(String, String)>,
    /// The headers; names are lower case.
    pub headers: HeaderMap,
    /// The body's bytes, base64 undone.
    pub body: Bytes,
    /// When the reply must be there.
    pub deadline: Instant,
    /// The caller's or API Gateway's id of the request, for the log.
    pub request_id: String,
}

/// An event that is no HTTP request, or a broken one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EventError {
    /// Not an event of API Gateway.
    #[error("the event is not an API Gateway request (payload format 1.0 or 2.0): {0}")]
    NotHttp(&'static str),
    /// The body says it is base64 and is not.
    #[error("the body is not valid base64")]
    Body,
}

impl Request {
    /// A request with no headers, query or body, due in five seconds.
    #[must_use]
    pub fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            deadline: Instant::now() + Duration::from_secs(5),
            request_id: String::new(),
        }
    }

    /// The request of an API Gateway event. Headers that are not valid HTTP are left out.
    ///
    /// # Errors
    /// [`EventError`] if the event has no method and path, or a body that cannot be decoded.
    pub fn from_event(event: &Value, deadline: Instant) -> Result<Self, EventError> {
        let event = event
            .as_object()
            .ok_or(EventError::NotHttp("it is not an object"))?;
        let context = event.get("requestContext").and_then(Value::as_object);
        let http = context
            .and_then(|context| context.get("http"))
            .and_then(Value::as_object);
        // First where format 2.0 has it: `cargo lambda` adds the other name to such events, always with GET.
        let method = http
            .and_then(|http| text(http, "method"))
            .or_else(|| text(event, "httpMethod"));
        let method = method.ok_or(EventError::NotHttp("it has no method"))?;
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| EventError::NotHttp("its method is invalid"))?;
        let path = text(event, "rawPath").or_else(|| text(event, "path"));
        let path = path.ok_or(EventError::NotHttp("it has no path"))?;
        let stage = context
            .and_then(|context| text(context, "stage"))
            .unwrap_or("$default");
        let request_id = context
            .and_then(|context| text(context, "requestId"))
            .unwrap_or_default();
        Ok(Self {
            method,
            path: without_stage(path, stage).to_owned(),
            query: query(event),
            headers: headers(event),
            body: body(event)?,
            deadline,
            request_id: request_id.chars().take(128).collect(),
        })
    }

    /// A header's text, if it is there and visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The first query parameter of a name.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The media type of the body without its parameters, lower case; empty if there is none.
    #[must_use]
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    }

    /// The path's segments, percent-decoded, without empty ones.
    #[must_use]
    pub fn segments(&self) -> Vec<String> {
        let parts = self.path.split('/').filter(|part| !part.is_empty());
        parts.map(percent_decode).collect()
    }
}

/// The decoded pairs of an `application/x-www-form-urlencoded` text.
#[must_use]
pub fn parse_form(form: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(form)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}

/// The form decoder is the one at hand; what it treats specially is escaped before, so that a plus sign stays one.
fn percent_decode(part: &str) -> String {
    let escaped = part
        .replace('+', "%2B")
        .replace('=', "%3D")
        .replace('&', "%26");
    parse_form(escaped.as_bytes())
        .into_iter()
        .next()
        .map(|(key, _)| key)
        .unwrap_or_default()
}

/// The reply of an HTTP function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers; names are lower case.
    pub headers: Vec<(String, String)>,
    /// The body, JSON text.
    pub body: String,
}

impl Response {
    /// A JSON reply. One larger than [`MAX_REPLY_BYTES`] becomes a 500: Studio could not read it.
    #[must_use]
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) if body.len() <= MAX_REPLY_BYTES => Self {
                status: status.as_u16(),
                headers: vec![
                    ("content-type".to_owned(), "application/json".to_owned()),
                    ("cache-control".to_owned(), "no-store".to_owned()),
                ],
                body,
            },
            Ok(body) => Failure::internal(anyhow::anyhow!("the reply has {} bytes", body.len()))
                .into_response(),
            Err(error) => Failure::internal(error).into_response(),
        }
    }

    /// 200 with a JSON body.
    #[must_use]
    pub fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// The same reply with one header more.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers
            .push((name.as_str().to_owned(), value.to_owned()));
        self
    }

    /// The first header of a name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The reply as API Gateway reads it, in the format of an event's payload.
    #[must_use]
    pub fn into_event(self, event: &Value) -> Value {
        let headers: Map<_, _> = self
            .headers
            .into_iter()
            .map(|(k, v)| (k, Value::String(v)))
            .collect();
        let mut reply = json!({
            "statusCode": self.status, "headers": headers, "body": self.body, "isBase64Encoded": false
        });
        if event["version"] == "2.0" {
            // Optional, but `cargo lambda` takes no reply without it.
            reply["cookies"] = json!([]);
        }
        reply
    }
}

#[cfg(test)]
mod tests;
