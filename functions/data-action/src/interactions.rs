//! Live calls: `PUT /interactions/{id}` starts scoring, `DELETE` stops it, `GET` shows where the call stands. The body of `PUT` may
//! say who works on the call, for the board of supervisors.
//!
//! The transcript poller does the work; here a call is put on its list, and its state is read.

use backends::caller_keys::Scope;
use http::Method;
use insights_core::WithCauses;
use insights_core::board::BoardRow;
use insights_core::live::CallDetails;
use jiff::Timestamp;
use runtime::http::reply;
use runtime::{Failure, Request, Response, metrics};
use serde_json::json;

use crate::Deps;

/// The longest id in bytes; real ones have 36.
const MAX_ID: usize = 128;

/// The largest body of a registration in bytes.
const MAX_DETAILS_BYTES: usize = 8 << 10;

/// Answers a request for one call.
pub(crate) async fn handle(deps: &Deps, request: &Request, id: &str) -> Result<Response, Failure> {
    deps.callers.require(request, Scope::Calls).await?;
    check(id)?;
    let now = Timestamp::now();
    match *request.method() {
        Method::PUT => {
            let details = read_details(request)?;
            let registered = deps.calls.register_with(id, details.clone(), now).await;
            let started = registered.map_err(unavailable)?;
            if started {
                show_on_board(deps, id, &details, now).await;
            }
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

/// Reads what the caller says about the call: an optional JSON object with `agent_id`, `agent_name`, `skill`, `team` and `language`.
fn read_details(request: &Request) -> Result<CallDetails, Failure> {
    let body = request.body();
    if body.len() > MAX_DETAILS_BYTES {
        return Err(Failure::too_large(MAX_DETAILS_BYTES));
    }
    if body.trim_ascii().is_empty() {
        return Ok(CallDetails::default());
    }
    let details: Result<CallDetails, _> = serde_json::from_slice(body);
    details.map(CallDetails::bounded).map_err(|_| {
        let allowed = "the body is empty or a JSON object with the texts agent_id, agent_name, skill, team and language";
        Failure::invalid("invalid_details", allowed)
    })
}

/// Puts a call on the board of supervisors before anybody listens to it, so that a call that nobody takes up is seen. Scoring does not
/// depend on it.
async fn show_on_board(deps: &Deps, id: &str, details: &CallDetails, now: Timestamp) {
    let row = BoardRow::registered(details, now);
    if let Err(error) = deps.board.write(id, &row, now).await {
        metrics::count_store_error();
        tracing::warn!(
            interaction_id = id,
            cause = %WithCauses(&error),
            "the row of a call on the board was not written"
        );
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
    fn the_body_of_a_registration_is_optional_and_bounded() {
        let read = |body: &str| {
            let request = http::Request::put("/interactions/a").body(body.to_owned().into());
            read_details(&request.unwrap())
        };
        assert_eq!(read(" ").unwrap(), CallDetails::default());
        let details = read(r#"{"agent_name": " Ada ", "skill": "billing", "other": 1}"#).unwrap();
        assert_eq!(details.agent_name.as_deref(), Some("Ada"));
        for bad in ["x", "[1]", r#"{"agent_name": 7}"#] {
            assert_eq!(read(bad).unwrap_err().code(), "invalid_details", "{bad}");
        }
        let large = format!("{{\"team\": \"{}\"}}", "x".repeat(MAX_DETAILS_BYTES));
        assert_eq!(read(&large).unwrap_err().status(), 413);
    }

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
