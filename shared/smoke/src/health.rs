//! The check `health`: the Data Action runs.

use http::{Method, StatusCode};
use insights_http::Deadline;
use serde::Deserialize;

use crate::api::{Api, Request, require_status, shown};
use crate::outcome::NotOk;

/// What is read of the answer.
#[derive(Deserialize)]
struct Health {
    status: String,
    version: String,
    sentiment_provider: String,
}

/// Reads the health of the Data Action, and returns its version and what scores.
pub(crate) async fn check(api: &Api, deadline: Deadline) -> Result<String, NotOk> {
    let request = Request {
        endpoint: "GET /health",
        method: Method::GET,
        path: vec!["health"],
        query: Vec::new(),
        body: None,
    };
    let answer = api.send(&request, deadline).await?;
    require_status(&answer, StatusCode::OK)?;
    let health: Health = answer.json()?;
    if health.status != "ok" {
        return Err(NotOk::Failed(format!(
            "the status is {:?} and not \"ok\"",
            shown(&health.status)
        )));
    }
    Ok(format!(
        "version {}, provider {}",
        shown(&health.version),
        shown(&health.sentiment_provider)
    ))
}
