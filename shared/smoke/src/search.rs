//! The check `search`: a conversation that comes by webhook is found by a search, and removed.

use std::time::Duration;

use http::{Method, StatusCode};
use insights_core::WithCauses;
use insights_core::webhook::CONVERSATION_COMPLETED;
use insights_http::{Answer, AttemptFailure, Deadline, Error};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Api, Request, require_status};
use crate::outcome::NotOk;
use crate::run_name::RunName;
use crate::time_limits::TimeLimits;

/// Longest time that removing the conversation may take, whatever is left of the deadline.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(5);
/// First delay between two searches; each is twice as long as the one before, up to the longest.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// Number of hits that are looked through.
const HITS: &str = "20";

/// What is read of the answer of a search.
#[derive(Deserialize)]
struct Found {
    results: Vec<Hit>,
}

/// What is read of a hit.
#[derive(Deserialize)]
struct Hit {
    conversation_id: String,
    text: String,
}

/// Sends a conversation, waits until a search finds it, and removes it. It is removed also if it was not found in time. Where
/// the search keeps answering 503, nothing is sent.
pub(crate) async fn check(
    api: &Api,
    run: &RunName,
    limits: &TimeLimits,
    deadline: Deadline,
) -> Result<String, NotOk> {
    await_database(api, run, deadline.or_within(limits.database)).await?;
    let sent_at = Timestamp::now();
    let text = conversation_text(run);
    let data = json!({ "subject": "Smoke test", "transcript": { "customer": text } });
    let sent = send_event(api, run, sent_at, data, deadline).await;
    // A request without an answer may have been queued.
    let may_be_queued = sent
        .as_ref()
        .map_or_else(Error::is_retryable, |answer| answer.status.is_success());
    let seen = match sent {
        Ok(answer) => match require_status(&answer, StatusCode::ACCEPTED) {
            Ok(()) => await_hit(api, run, deadline).await,
            wrong => wrong,
        },
        Err(error) => Err(error.into()),
    };
    if !may_be_queued {
        return seen.map(|()| String::new());
    }
    let removed = remove(api, run, sent_at).await;
    match (seen, removed) {
        (Ok(()), Ok(())) => Ok(format!("{} was found and is removed", run.id())),
        (Err(wrong), Ok(())) => Err(wrong),
        (Ok(()), Err(wrong)) => Err(wrong.and(&format!("{} was not removed", run.id()))),
        (Err(wrong), Err(_)) => Err(wrong.and(&format!("{} was not removed", run.id()))),
    }
}

/// Searches until there is an answer that is not 503.
async fn await_database(api: &Api, run: &RunName, deadline: Deadline) -> Result<(), NotOk> {
    let mut delay = FIRST_DELAY;
    loop {
        let answered = search(api, run, deadline).await;
        let error = match answered {
            Ok(answer) => return require_status(&answer, StatusCode::OK),
            Err(error) => error,
        };
        let is_away = matches!(
            error,
            Error::Unavailable {
                failure: AttemptFailure::Status(503),
                ..
            }
        );
        if !is_away {
            return Err(error.into());
        }
        if deadline.remaining() <= delay {
            let reason = "the search answers 503: no database is configured, or it is out of reach";
            return Err(NotOk::Skipped(reason.to_owned()));
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

/// Searches until the conversation of this run is among the hits.
async fn await_hit(api: &Api, run: &RunName, deadline: Deadline) -> Result<(), NotOk> {
    let mut delay = FIRST_DELAY;
    let mut last = "it was not among the hits".to_owned();
    while deadline.remaining() > delay {
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(LONGEST_DELAY);
        match search(api, run, deadline).await {
            Ok(answer) => {
                require_status(&answer, StatusCode::OK)?;
                let found: Found = answer.json()?;
                if found.results.iter().any(|hit| is_of_run(hit, run)) {
                    return Ok(());
                }
            }
            // The database may fail over meanwhile.
            Err(error) if error.is_retryable() => last = WithCauses(&error).to_string(),
            Err(error) => return Err(error.into()),
        }
    }
    Err(NotOk::Failed(format!(
        "the conversation {} was not found in time: {last}",
        run.id()
    )))
}

/// Removes the conversation, as its source does by a later event without data.
async fn remove(api: &Api, run: &RunName, sent_at: Timestamp) -> Result<(), NotOk> {
    let next = sent_at
        .saturating_add(SignedDuration::from_millis(1))
        .unwrap_or(sent_at);
    let removed_at = Timestamp::now().max(next);
    let deadline = Deadline::within(CLEANUP_TIMEOUT);
    let answer = send_event(api, run, removed_at, json!({}), deadline).await?;
    require_status(&answer, StatusCode::ACCEPTED)
}

/// Returns whether a hit is the conversation as this run has sent it.
fn is_of_run(hit: &Hit, run: &RunName) -> bool {
    hit.conversation_id == run.id() && hit.text.contains(run.marker())
}

/// Returns what the customer of the conversation says, which is also what is searched for.
fn conversation_text(run: &RunName) -> String {
    format!(
        "This conversation is an automatic check of the deployment, with the mark {}.",
        run.marker()
    )
}

async fn search(api: &Api, run: &RunName, deadline: Deadline) -> Result<Answer, Error> {
    let text = conversation_text(run);
    let request = Request {
        endpoint: "GET /search",
        method: Method::GET,
        path: vec!["search"],
        query: vec![("q", text.as_str()), ("limit", HITS)],
        body: None,
    };
    api.send(&request, deadline).await
}

async fn send_event(
    api: &Api,
    run: &RunName,
    timestamp: Timestamp,
    data: Value,
    deadline: Deadline,
) -> Result<Answer, Error> {
    let request = Request {
        endpoint: "POST /webhooks/cxone",
        method: Method::POST,
        path: vec!["webhooks", "cxone"],
        query: Vec::new(),
        body: Some(json!({
            "event": CONVERSATION_COMPLETED,
            "timestamp": timestamp,
            "conversationId": run.id(),
            "data": data,
        })),
    };
    api.send(&request, deadline).await
}
