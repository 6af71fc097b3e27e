//! The layer around all requests: it counts them and applies the fault rules.

pub(crate) mod counts;

pub use counts::{Traffic, UNANSWERED};

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::json;

use crate::fault::{Fault, RetryAfter};
use crate::socket::ConnectionSwitch;
use crate::world::World;

/// Counts a request, applies the faults that match it, and passes it to its system.
pub(crate) async fn count_and_disturb(
    State(world): State<Arc<World>>,
    ConnectInfo(connection): ConnectInfo<ConnectionSwitch>,
    request: Request,
    next: Next,
) -> Response {
    let (method, path) = (
        request.method().to_string(),
        request.uri().path().to_owned(),
    );
    world.traffic.arrived(&method, &path);
    let mut last = None;
    for fault in world.faults.hit(&method, &path) {
        match fault {
            Fault::Delay(delay) => tokio::time::sleep(delay).await,
            Fault::RevokeTokens => {
                world.tokens.revoke_all();
            }
            other => last = Some(other),
        }
    }
    let response = match last {
        Some(fault) => apply_fault(fault, &connection, request, next).await,
        None => Some(next.run(request).await),
    };
    let Some(response) = response else {
        connection.cut();
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    world
        .traffic
        .answered(method, path, response.status().as_u16());
    response
}

/// Applies a fault to a request. `None` means that the connection ends without an answer.
async fn apply_fault(
    fault: Fault,
    connection: &ConnectionSwitch,
    request: Request,
    next: Next,
) -> Option<Response> {
    Some(match fault {
        Fault::Status(status, retry_after) => refusal(status, retry_after),
        Fault::Answer(status, body) => (code(status), Json(body)).into_response(),
        Fault::Drop => return None,
        Fault::LoseAnswer => {
            next.run(request).await;
            return None;
        }
        Fault::Truncate => truncate(next.run(request).await, connection.clone()).await,
        Fault::MalformedJson => {
            let status = next.run(request).await.status();
            (
                status,
                [(CONTENT_TYPE, "application/json")],
                "{\"broken\": [1, ",
            )
                .into_response()
        }
        Fault::WrongContent => {
            next.run(request).await;
            Html("<html><body>Service page</body></html>").into_response()
        }
        Fault::Delay(_) | Fault::RevokeTokens => next.run(request).await,
    })
}

fn refusal(status: u16, retry_after: RetryAfter) -> Response {
    let body = json!({ "error": "fault", "message": "a fault of the scenario" });
    let mut response = (code(status), Json(body)).into_response();
    let value = match retry_after {
        RetryAfter::Absent => None,
        RetryAfter::Seconds(seconds) => Some(HeaderValue::from(seconds)),
        RetryAfter::DateIn(seconds) => HeaderValue::from_str(&http_date(seconds)).ok(),
    };
    if let Some(value) = value {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    response
}

/// Returns the HTTP date that is this number of seconds from now.
fn http_date(seconds: i64) -> String {
    let offset = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    httpdate::fmt_http_date(if seconds < 0 {
        now - offset
    } else {
        now + offset
    })
}

/// Sends the first half of an answer with the `Content-Length` of the whole, then ends the connection.
async fn truncate(response: Response, connection: ConnectionSwitch) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    // One byte more than the answer has, so that even an empty answer is incomplete.
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(whole.len() + 1));
    let half = whole.slice(..whole.len() / 2);
    let start = futures::stream::once(std::future::ready(Ok::<Bytes, std::io::Error>(half)));
    let end = futures::stream::once(async move {
        // The half must have been sent before the connection ends.
        tokio::time::sleep(Duration::from_millis(10)).await;
        connection.cut();
        Err(std::io::Error::from(ErrorKind::ConnectionReset))
    });
    Response::from_parts(parts, Body::from_stream(start.chain(end)))
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
