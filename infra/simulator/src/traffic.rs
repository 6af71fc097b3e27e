//! Around every request: it is counted, and the faults that concern it happen.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

use crate::fault::{Fault, Pattern, RetryAfter};
use crate::socket::Cut;
use crate::world::World;

/// The status under which a request is counted that has no answer: none yet, or none at all.
pub const UNANSWERED: u16 = 0;

/// By method and path, then by status.
type Counts = BTreeMap<(String, String), BTreeMap<u16, u64>>;

/// How many requests came, by method, path and status.
#[derive(Debug, Default)]
pub struct Traffic(Mutex<Counts>);

impl Traffic {
    /// The requests of a method on paths that match a pattern, whatever became of them.
    #[must_use]
    pub fn count(&self, method: &str, pattern: &str) -> u64 {
        self.statuses(method, pattern).values().sum()
    }

    /// The same by status; [`UNANSWERED`] for those under way or cut off.
    #[must_use]
    pub fn statuses(&self, method: &str, pattern: &str) -> BTreeMap<u16, u64> {
        let pattern = Pattern(pattern.to_owned());
        let mut sums = BTreeMap::new();
        for ((_, _), statuses) in self
            .lock()
            .iter()
            .filter(|((m, path), _)| m == method && pattern.matches(path))
        {
            for (status, count) in statuses {
                *sums.entry(*status).or_default() += count;
            }
        }
        sums
    }

    /// Everything, as `{"METHOD /path": {status: count}}`.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, BTreeMap<u16, u64>> {
        let named = |((method, path), statuses): (&(String, String), &BTreeMap<u16, u64>)| {
            (format!("{method} {path}"), statuses.clone())
        };
        self.lock().iter().map(named).collect()
    }

    /// Begins to count anew.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Counts a request as it comes in, so that one that is never answered counts too.
    fn arrived(&self, method: &str, path: &str) {
        let mut counts = self.lock();
        *counts
            .entry((method.to_owned(), path.to_owned()))
            .or_default()
            .entry(UNANSWERED)
            .or_default() += 1;
    }

    fn answered(&self, method: String, path: String, status: u16) {
        let mut counts = self.lock();
        let statuses = counts.entry((method, path)).or_default();
        let unanswered = statuses.remove(&UNANSWERED).unwrap_or(1) - 1;
        if unanswered > 0 {
            statuses.insert(UNANSWERED, unanswered);
        }
        *statuses.entry(status).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The layer around all systems.
pub(crate) async fn around(
    State(world): State<Arc<World>>,
    ConnectInfo(connection): ConnectInfo<Cut>,
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
        Some(fault) => happen(fault, &connection, request, next).await,
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

/// What a fault makes of a request; `None` for no answer at all.
async fn happen(fault: Fault, connection: &Cut, request: Request, next: Next) -> Option<Response> {
    Some(match fault {
        Fault::Status(status, retry_after) => refusal(status, retry_after),
        Fault::Answer(status, body) => (code(status), Json(body)).into_response(),
        Fault::Drop => return None,
        Fault::LoseAnswer => {
            next.run(request).await;
            return None;
        }
        Fault::Truncate => truncated(next.run(request).await, connection.clone()).await,
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

/// An HTTP date so many seconds from now.
fn http_date(seconds: i64) -> String {
    let offset = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    httpdate::fmt_http_date(if seconds < 0 {
        now - offset
    } else {
        now + offset
    })
}

/// The first half of an answer whose length promises the whole, then the end of the connection.
async fn truncated(response: Response, connection: Cut) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    // One byte more than there is keeps an empty answer from being complete.
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(whole.len() + 1));
    let half = whole.slice(..whole.len() / 2);
    let start = futures::stream::once(std::future::ready(Ok::<Bytes, std::io::Error>(half)));
    let end = futures::stream::once(async move {
        // The half must be on the wire before the connection ends.
        tokio::time::sleep(Duration::from_millis(10)).await;
        connection.cut();
        Err(std::io::Error::from(ErrorKind::ConnectionReset))
    });
    Response::from_parts(parts, Body::from_stream(start.chain(end)))
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
