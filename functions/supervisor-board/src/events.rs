//! The conversations as a stream of server-sent events.
//!
//! A browser names the last event that it has seen. It gets what has changed since, or everything where that is no longer known. Where
//! replies cannot stay open, the reply ends there, and `retry:` tells the browser when to ask again; the page is the same.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use insights_core::WithCauses;
use jiff::Timestamp;
use runtime::http::LiveBody;
use runtime::{Failure, Request, RequestExt, Response, metrics};

use crate::deps::{Delivery, Deps};
use crate::ended_sessions::{EndedSessions, SessionMark};
use crate::snapshots::{Snapshot, Snapshots};
use crate::unavailable;

/// Time after which an open stream says that nothing has changed: the page calls itself stale after 10 s without a word.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// How long an open stream lasts before the browser comes again: a session that has ended meanwhile is noticed then.
const MAX_STREAM: Duration = Duration::from_secs(300);

/// Answers with the conversations.
///
/// # Errors
/// The failure of the store.
pub(crate) async fn stream(
    deps: &Deps,
    request: &Request,
    session: SessionMark,
) -> Result<Response, Failure> {
    let last = request
        .header_text("last-event-id")
        .map(str::to_owned)
        .or_else(|| request.query_value("after").map(|id| id.into_owned()));
    let newest = deps.snapshots.newest().await.map_err(unavailable)?;
    let known = match &last {
        Some(id) => deps.snapshots.find(id).await,
        None => None,
    };
    let retry_ms = deps.config.retry.as_millis();
    let first = match &known {
        Some(earlier) => event("changes", &newest.id, &newest.since(earlier)),
        None => event("snapshot", &newest.id, &newest.whole()),
    };
    let mut response = Response::new(format!("retry: {retry_ms}\n\n{first}"));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-store, no-transform"),
    );
    if deps.delivery == Delivery::Open {
        let watched = WatchedSession {
            ended: Arc::clone(&deps.ended_sessions),
            session,
        };
        let rest = further_events(
            deps.snapshots.clone(),
            newest,
            deps.config.refresh,
            Arc::new(watched),
        );
        response.extensions_mut().insert(LiveBody::new(rest));
    }
    metrics::count("board_streams", 1);
    Ok(response)
}

/// The session that an open stream belongs to, with which the stream ends.
struct WatchedSession {
    ended: Arc<EndedSessions>,
    session: SessionMark,
}

impl WatchedSession {
    /// Returns whether the session was ended. While the store cannot be reached it goes on: no rows can be read then either.
    async fn has_ended(&self) -> bool {
        let ended = self.ended.contains(&self.session, Timestamp::now()).await;
        ended.unwrap_or(false)
    }
}

/// Returns the events that follow a snapshot: what changes, or a word that nothing has.
fn further_events(
    snapshots: Arc<Snapshots>,
    shown: Arc<Snapshot>,
    refresh: Duration,
    watched: Arc<WatchedSession>,
) -> impl futures::Stream<Item = String> + Send + 'static {
    let end = tokio::time::Instant::now() + MAX_STREAM;
    futures::stream::unfold(shown, move |shown| {
        let snapshots = Arc::clone(&snapshots);
        let watched = Arc::clone(&watched);
        async move {
            let mut waited = Duration::ZERO;
            loop {
                if tokio::time::Instant::now() >= end {
                    return None;
                }
                tokio::time::sleep(refresh).await;
                waited += refresh;
                if watched.has_ended().await {
                    return None;
                }
                match snapshots.newest().await {
                    Ok(newest) if newest.id != shown.id || waited >= HEARTBEAT => {
                        let text = event("changes", &newest.id, &newest.since(&shown));
                        return Some((text, newest));
                    }
                    Ok(_) => {}
                    Err(error) => {
                        metrics::count_store_error();
                        // Nothing is sent, so that the page calls itself stale.
                        tracing::warn!(
                            cause = %WithCauses(&error),
                            "the rows of the board were not read"
                        );
                    }
                }
            }
        }
    })
}

/// Returns the text of an event. Its data is one line, as JSON is.
fn event(name: &str, id: &str, data: &str) -> String {
    format!("event: {name}\nid: {id}\ndata: {data}\n\n")
}
