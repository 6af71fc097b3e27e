//! Live calls: `PUT /interactions/{id}` starts scoring, `DELETE` stops it, `GET` shows where the call stands.
//!
//! The transcript poller does the work; here a call is put on its list, and its state is read.

use backends::caller_keys::Scope;
use http::Method;
use jiff::Timestamp;
use runtime::http::reply;
use runtime::{Failure, Request, Response, metrics};
use serde_json::json;

use crate::Deps;

/// The longest id in bytes; real ones have 36.
const MAX_ID: usize = 128;

/// Answers a request for one call.
pub(crate) async fn handle(deps: &Deps, request: &Request, id: &str) -> Result<Response, Failure> {
    deps.callers.require(request, Scope::Calls).await?;
    check(id)?;
    let now = Timestamp::now();
    match *request.method() {
        Method::PUT => {
            let started = deps.calls.register(id, now).await.map_err(unavailable)?;
            tracing::info!(interaction_id = id, started, "the live call was registered");
            show(deps, id, now).await
        }
        Method::DELETE => {
            let stopped = deps.calls.stop(id, now).await.map_err(unavailable)?;
            tracing::info!(interaction_id = id, stopped, "the live call was stopped");
            reply::ok(&json!({ "interaction_id": id, "status": "stopped" }))
        }
        Method::GET => show(deps, id, now).await,
        _ => Err(Failure::method_not_allowed("PUT, DELETE, GET")),
    }
}

async fn show(deps: &Deps, id: &str, now: Timestamp) -> Result<Response, Failure> {
    match deps.calls.view(id, now).await.map_err(unavailable)? {
        Some(view) => reply::ok(&view),
        None => Err(Failure::not_found(
            "no such interaction; PUT it first, and look within a day of its end",
        )),
    }
}

fn check(id: &str) -> Result<(), Failure> {
    // U+FFFD stands where a sender or gateway could not represent what was there: one id of many calls.
    let is_printable =
        |c: char| !c.is_control() && !c.is_whitespace() && c != char::REPLACEMENT_CHARACTER;
    let printable = id.chars().all(is_printable);
    if (1..=MAX_ID).contains(&id.len()) && printable && id != "." && id != ".." {
        return Ok(());
    }
    let allowed = format!(
        "an interaction's id has 1 to {MAX_ID} bytes, without white space, control characters and U+FFFD"
    );
    Err(Failure::invalid("invalid_interaction_id", allowed))
}

fn unavailable(error: store::Error) -> Failure {
    metrics::count_store_error();
    let message = "the state of live calls cannot be reached, try again";
    if error.is_retryable() || matches!(error, store::Error::Conflict { .. }) {
        Failure::unavailable("state_unavailable", message).with_cause(error)
    } else {
        Failure::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_bounded_and_printable() {
        let long = "x".repeat(MAX_ID);
        for good in [
            "call-1",
            "123e4567-e89b-12d3-a456-426614174000",
            "käse",
            "a/b",
            "%41",
            long.as_str(),
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        let longer = "x".repeat(MAX_ID + 1);
        for bad in [
            "",
            ".",
            "..",
            "a b",
            "a\nb",
            "a\u{0}",
            "a\u{fffd}",
            longer.as_str(),
        ] {
            assert_eq!(
                check(bad).unwrap_err().code(),
                "invalid_interaction_id",
                "{bad:?}"
            );
        }
    }
}
