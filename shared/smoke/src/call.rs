//! The check `call`: a live call is registered, shown and stopped.
//!
//! The contact center does not know the call, so that nothing of it is scored.

use std::time::Duration;

use http::{Method, StatusCode};
use insights_http::Deadline;
use serde::Deserialize;

use crate::api::{Api, Request, require_status, shown};
use crate::outcome::NotOk;
use crate::run_name::RunName;

/// Longest time that stopping the call may take, whatever is left of the deadline.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(5);

/// What is read of the answers.
#[derive(Deserialize)]
struct Call {
    interaction_id: String,
    status: String,
}

/// Registers a call, looks at it, and stops it. It is stopped also if it was not shown as it should be.
pub(crate) async fn check(api: &Api, run: &RunName, deadline: Deadline) -> Result<String, NotOk> {
    let answer = api.send(&request(run, Method::PUT), deadline).await;
    // A request without an answer may have registered the call.
    let may_be_live = answer
        .as_ref()
        .map_or_else(insights_http::Error::is_retryable, |answer| {
            answer.status.is_success()
        });
    let seen = match answer {
        Ok(answer) => match require_call(run, &answer, "live") {
            Ok(()) => require(api, run, Method::GET, "live", deadline).await,
            wrong => wrong,
        },
        Err(error) => Err(error.into()),
    };
    if !may_be_live {
        return seen.map(|()| String::new());
    }
    let cleanup = Deadline::within(CLEANUP_TIMEOUT);
    let stopped = require(api, run, Method::DELETE, "stopped", cleanup).await;
    match (seen, stopped) {
        (Ok(()), Ok(())) => {}
        (Err(wrong), Ok(())) => return Err(wrong),
        (Err(wrong), Err(_)) => {
            return Err(wrong.and(&format!("the call {} was not stopped", run.id())));
        }
        (Ok(()), Err(wrong)) => return Err(wrong),
    }
    require(api, run, Method::GET, "stopped", deadline).await?;
    Ok(format!("{} was live and is stopped", run.id()))
}

async fn require(
    api: &Api,
    run: &RunName,
    method: Method,
    status: &str,
    deadline: Deadline,
) -> Result<(), NotOk> {
    let answer = api.send(&request(run, method), deadline).await?;
    require_call(run, &answer, status)
}

fn require_call(run: &RunName, answer: &insights_http::Answer, status: &str) -> Result<(), NotOk> {
    require_status(answer, StatusCode::OK)?;
    let call: Call = answer.json()?;
    if call.interaction_id != run.id() || call.status != status {
        return Err(NotOk::Failed(format!(
            "{} shows the call {} as {} and not {} as {status}",
            answer.endpoint,
            shown(&call.interaction_id),
            shown(&call.status),
            run.id()
        )));
    }
    Ok(())
}

fn request(run: &RunName, method: Method) -> Request<'_> {
    let endpoint = match method {
        Method::PUT => "PUT /interactions/{id}",
        Method::DELETE => "DELETE /interactions/{id}",
        _ => "GET /interactions/{id}",
    };
    Request {
        endpoint,
        method,
        path: vec!["interactions", run.id()],
        query: Vec::new(),
        body: None,
    }
}
