//! The erasure of a conversation by an HTTP request.
//!
//! `DELETE /conversations/{id}`, with an API key that has the scope `admin`, erases the conversation from every store and replies how much was
//! removed. Where the time of a request is too short, it replies 202 and `"done": false`, and the same request goes on.

use std::time::Duration;

use backends::caller_keys::Scope;
use http::{Method, StatusCode};
use insights_core::webhook::MAX_ID_BYTES;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::http::reply;
use runtime::{Failure, Request, RequestExt, Response, metrics};
use serde_json::json;

use crate::Deps;

/// Time limit of a request, which is less than the 30 s that API Gateway waits for a reply.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(25);
/// Time kept back for the object that is being looked through when the time of a request ends.
const LAST_OBJECT_MARGIN: Duration = Duration::from_secs(5);

/// Answers one HTTP request to the function.
///
/// # Errors
/// A [`Failure`] with the status and code that the caller sees.
pub async fn handle_request(deps: &Deps, request: Request) -> Result<Response, Failure> {
    let segments = request.path_segments()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["conversations", conversation] = segments[..] else {
        return Err(Failure::not_found(
            "no such path; try DELETE /conversations/ID",
        ));
    };
    if request.method() != Method::DELETE {
        return Err(Failure::method_not_allowed("DELETE"));
    }
    deps.callers.require(&request, Scope::Admin).await?;
    let conversation = conversation.trim();
    if conversation.is_empty() || conversation.len() > MAX_ID_BYTES {
        let message = format!("the id of a conversation has 1 to {MAX_ID_BYTES} bytes");
        return Err(Failure::invalid("invalid_id", message));
    }
    let deadline = Deadline::at(request.deadline().into()).or_within(REQUEST_TIMEOUT);
    let stop = deadline.earlier_by(LAST_OBJECT_MARGIN.min(deadline.remaining() / 4));
    let removed = deps
        .eraser
        .erase(conversation, Timestamp::now(), stop, deadline)
        .await
        .map_err(|error| {
            metrics::count_store_error();
            let message = "a store is out of reach, the same request goes on";
            Failure::unavailable("store_unavailable", message).with_cause(error)
        })?;
    let mut response = reply::ok(&json!({
        "conversation_id": conversation,
        "done": removed.done,
        "state_items": removed.state_items,
        "objects": removed.objects,
        "vectors": removed.vectors,
        "queue_messages": removed.queue_messages,
    }))?;
    if !removed.done {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    Ok(response)
}
