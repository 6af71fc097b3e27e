//! Events of API Gateway and of function URLs: an event becomes a [`Request`], a [`Response`] becomes the reply to the event.
//!
//! `lambda_http` reads the events of all payload formats. Before `lambda_http` sees an event, this module takes out or mends
//! what makes `lambda_http` 1.3 panic or refuse the whole event: a body whose base64 is broken, a header that is not valid HTTP,
//! a host that makes no URL, a query with characters that a URI may not have.
//!
//! After `lambda_http`, this module settles the path. API Gateway's HTTP APIs deliver `rawPath` percent-decoded, whereas REST
//! APIs, function URLs and `cargo lambda watch` deliver the path as the caller encoded it. The request's URI always has the
//! encoded form, so that [`RequestExt::path_segments`](super::RequestExt::path_segments) decodes every path exactly once.

use std::time::Instant;

use aws_lambda_events::apigw::{
    ApiGatewayProxyResponse, ApiGatewayV2httpRequestContext, ApiGatewayV2httpResponse,
};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::query_map::QueryMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue, Uri};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::request::Request;
use crate::http::response::Response;
use crate::invocation::Invocation;

/// Longest path and query together, in bytes. API Gateway allows 10 KB for the request line and all headers; `lambda_http`
/// panics at a URI of more than 64 KB.
const MAX_TARGET_BYTES: usize = 16 * 1024;

/// Longest request identifier that is kept for the log, in characters.
const MAX_REQUEST_ID_CHARS: usize = 128;

/// Characters that a URI's query may not have. The percent sign stays: the query is encoded already.
const NOT_IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// Characters that a URI's path may not have. The percent sign stays: the path is encoded already.
const NOT_IN_PATH: &AsciiSet = &NOT_IN_QUERY
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Characters to encode in a path that API Gateway has decoded.
const NOT_IN_DECODED_PATH: &AsciiSet = &NOT_IN_PATH.add(b'%');

/// Characters to encode in one decoded segment of a path.
const NOT_IN_SEGMENT: &AsciiSet = &NOT_IN_DECODED_PATH.add(b'/');

/// Why an event cannot become a request.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// A required part of the event is missing or has the wrong type.
    #[error("the event is not an API Gateway request (payload format 1.0 or 2.0): {0}")]
    NotHttp(&'static str),
    /// `lambda_http` does not recognize the event.
    #[error("the event is not an API Gateway request (payload format 1.0 or 2.0)")]
    Unrecognized(#[from] serde_json::Error),
    /// The event says that the body is base64, but the body is not.
    #[error("the body is not valid base64")]
    InvalidBody(#[source] base64::DecodeError),
}

/// The version of API Gateway's payload format, which decides how the reply is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadFormat {
    /// Format 1.0: REST APIs, and HTTP APIs that ask for this format.
    V1,
    /// Format 2.0: HTTP APIs and function URLs.
    V2,
}

impl PayloadFormat {
    /// Returns the format of an event. An event that is not an HTTP request counts as format 1.0.
    #[must_use]
    pub fn of(event: &Value) -> Self {
        // Not `version`, which function URLs' test events leave out, and not `httpMethod`, which `cargo lambda` adds to events
        // of format 2.0, always as GET.
        if event["requestContext"]["http"].is_object() {
            Self::V2
        } else {
            Self::V1
        }
    }

    /// Returns the reply as API Gateway reads it.
    #[must_use]
    pub fn reply(self, response: Response) -> ReplyEvent {
        let (parts, body) = response.into_parts();
        let status_code = i64::from(parts.status.as_u16());
        match self {
            Self::V1 => {
                let mut reply = ApiGatewayProxyResponse::default();
                reply.status_code = status_code;
                reply.headers = parts.headers;
                reply.body = Some(Body::Text(body));
                ReplyEvent::V1(reply)
            }
            Self::V2 => {
                // Cookies have a list of their own, because a header has one value in this format. The list is there also when it is
                // empty: `cargo lambda` takes no reply without it.
                let mut headers = parts.headers;
                let cookies = headers.get_all(SET_COOKIE).iter();
                let cookies = cookies.filter_map(|cookie| Some(cookie.to_str().ok()?.to_owned()));
                let mut reply = ApiGatewayV2httpResponse::default();
                reply.cookies = cookies.collect();
                headers.remove(SET_COOKIE);
                reply.status_code = status_code;
                reply.headers = headers;
                reply.body = Some(Body::Text(body));
                ReplyEvent::V2(reply)
            }
        }
    }
}

/// The reply to an event, in the event's payload format.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum ReplyEvent {
    /// The reply to an event of format 1.0.
    V1(ApiGatewayProxyResponse),
    /// The reply to an event of format 2.0.
    V2(ApiGatewayV2httpResponse),
}

/// Reads the request of an event. Headers that are not valid HTTP are left out, and so is `host`.
///
/// # Errors
/// [`EventError`] if the event is not an HTTP request, or its body cannot be decoded.
pub fn read_request(event: Value, deadline: Instant) -> Result<Request, EventError> {
    let Value::Object(mut event) = event else {
        return Err(EventError::NotHttp("it is not an object"));
    };
    let body = take_body(&mut event)?;
    check_target(&event)?;
    keep_valid_headers(&mut event);
    escape_query(&mut event);
    let domain_name = take_domain_name(&mut event);
    let request = lambda_http::request::from_str(&Value::Object(event).to_string())?;
    let (path, request_id) = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => {
            let path = without_stage(request.raw_http_path(), context.stage.as_deref());
            let path = utf8_percent_encode(path, NOT_IN_PATH).to_string();
            (path, context.request_id.as_deref())
        }
        Some(RequestContext::ApiGatewayV2(context)) => {
            let path = without_stage(request.raw_http_path(), context.stage.as_deref());
            let path = if is_http_api(context, &domain_name) {
                encode_decoded_path(
                    path,
                    context.route_key.as_deref(),
                    &request.path_parameters(),
                )
            } else {
                utf8_percent_encode(path, NOT_IN_PATH).to_string()
            };
            (path, context.request_id.as_deref())
        }
        _ => return Err(EventError::NotHttp("its payload format is unknown")),
    };
    let target = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let uri: Uri = target
        .parse()
        .map_err(|_| EventError::NotHttp("its path and query make no URI"))?;
    let request_id = request_id.unwrap_or_default();
    let invocation = Invocation {
        request_id: request_id.chars().take(MAX_REQUEST_ID_CHARS).collect(),
        deadline,
    };
    let mut request = request.map(|_empty| body);
    *request.uri_mut() = uri;
    request.extensions_mut().insert(invocation);
    Ok(request)
}

/// Takes the body out of an event and decodes it: `lambda_http` panics at invalid base64.
fn take_body(event: &mut Map<String, Value>) -> Result<Bytes, EventError> {
    let is_base64 = event.remove("isBase64Encoded") == Some(Value::Bool(true));
    match event.remove("body") {
        None | Some(Value::Null) => Ok(Bytes::new()),
        Some(Value::String(body)) if is_base64 => STANDARD
            .decode(body.trim_ascii())
            .map(Bytes::from)
            .map_err(EventError::InvalidBody),
        Some(Value::String(body)) => Ok(Bytes::from(body)),
        Some(_) => Err(EventError::NotHttp("its body is not a string")),
    }
}

/// Checks that path and query can become a URI, at which `lambda_http` panics otherwise.
fn check_target(event: &Map<String, Value>) -> Result<(), EventError> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let path = text("rawPath").or_else(|| text("path"));
    let path = path.ok_or(EventError::NotHttp("it has no path"))?;
    if !path.starts_with('/') {
        return Err(EventError::NotHttp("its path does not begin with a slash"));
    }
    let query = text("rawQueryString").unwrap_or_default();
    if path.len() + query.len() > MAX_TARGET_BYTES {
        return Err(EventError::NotHttp("its path and query are too long"));
    }
    Ok(())
}

/// Leaves out headers that `lambda_http` would refuse the whole event for. The lists of values win over the single values,
/// which `lambda_http` would put in their place. `host` goes too, since `lambda_http` panics if a URL cannot have it, and no
/// function reads it.
fn keep_valid_headers(event: &mut Map<String, Value>) {
    if event.get("multiValueHeaders").is_some_and(Value::is_object) {
        event.remove("headers");
    }
    for field in ["headers", "multiValueHeaders"] {
        let Some(Value::Object(headers)) = event.get_mut(field) else {
            continue;
        };
        headers.retain(|name, value| {
            if let Value::Array(values) = value {
                values.retain(is_header_value);
            }
            HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| name != http::header::HOST)
                && (value.is_array() || is_header_value(value))
        });
    }
}

fn is_header_value(value: &Value) -> bool {
    let text = value.as_str();
    text.is_some_and(|text| HeaderValue::from_str(text).is_ok())
}

/// Escapes what a URI's query may not have. API Gateway passes the query on as the caller sent it.
fn escape_query(event: &mut Map<String, Value>) {
    if let Some(Value::String(query)) = event.get_mut("rawQueryString") {
        *query = utf8_percent_encode(query, NOT_IN_QUERY).to_string();
    }
}

/// Takes out the domain name, from which `lambda_http` would build a URL, and panic if there is no such URL.
fn take_domain_name(event: &mut Map<String, Value>) -> String {
    let context = event
        .get_mut("requestContext")
        .and_then(Value::as_object_mut);
    match context.and_then(|context| context.remove("domainName")) {
        Some(Value::String(domain_name)) => domain_name,
        _ => String::new(),
    }
}

/// Returns the path without the stage, which HTTP APIs put in front of the path unless it is `$default`.
fn without_stage<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    let stage = stage.unwrap_or("$default");
    let rest = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage));
    rest.filter(|rest| stage != "$default" && rest.starts_with('/'))
        .unwrap_or(path)
}

/// Returns whether an HTTP API made an event of format 2.0. Function URLs and `cargo lambda watch` know no routes.
fn is_http_api(context: &ApiGatewayV2httpRequestContext, domain_name: &str) -> bool {
    let route_key = context.route_key.as_deref().unwrap_or("$default");
    route_key != "$default" || domain_name.contains(".execute-api.")
}

/// Returns the percent-encoded form of a path that an HTTP API has decoded. Where the route has parameters, a slash inside a
/// parameter becomes `%2F`; elsewhere it cannot be distinguished from a slash between two segments.
fn encode_decoded_path(path: &str, route_key: Option<&str>, parameters: &QueryMap) -> String {
    route_key
        .and_then(|route_key| encode_route(route_key, parameters, path))
        .unwrap_or_else(|| utf8_percent_encode(path, NOT_IN_DECODED_PATH).to_string())
}

/// Returns the route with its parameters encoded, if the route with its plain parameters is the path. A parameter that takes
/// several segments (`{proxy+}`) has slashes of its own, so that there is nothing to gain.
fn encode_route(route_key: &str, parameters: &QueryMap, path: &str) -> Option<String> {
    let (_method, route) = route_key.split_once(' ')?;
    let (mut encoded, mut plain) = (String::new(), String::new());
    for segment in route.strip_prefix('/')?.split('/') {
        let parameter = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let value = match parameter {
            Some(name) => parameters.first(name)?,
            None => segment,
        };
        plain.extend(["/", value]);
        encoded.push('/');
        encoded.extend(utf8_percent_encode(value, NOT_IN_SEGMENT));
    }
    (plain == path).then_some(encoded)
}

#[cfg(test)]
mod tests;
