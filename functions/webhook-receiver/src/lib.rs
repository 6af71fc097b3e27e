//! The webhook receiver: proves the sender, checks the payload, and answers 202 once the message is durably queued.
//!
//! `POST /webhooks/cxone`, signed or with the API key. A delivery that comes again within the time in which its signature
//! is valid is answered with what the first one got, and is not queued again; one that slips through (the mark is written
//! after the message, so that none is lost) makes the writer store the same rows again.
//!
//! `POST /studio/contact-ended`, with the same proofs: a script of CXone Studio says that a contact has ended.

pub mod config;
mod contact_ended;
pub mod deps;
mod proof;
pub mod signature;

use http::Method;
use insights_core::WithCauses;
use insights_core::lenient_json::{self, NotUtf8};
use insights_core::webhook::{InvalidEvent, MAX_BODY_BYTES, WebhookEvent};
use jiff::Timestamp;
use runtime::http::reply;
use runtime::{Failure, Request, RequestExt, Response, metrics};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::queue::Queue;
use store::state::{Expect, Key, Put, StateStore};
use uuid::Uuid;

pub use crate::deps::Deps;
use crate::proof::prove;

/// The namespace of delivery ids (a version 4 UUID drawn once for this product).
const DELIVERIES: Uuid = Uuid::from_u128(0x2b7c_91f4_53de_4f0a_9c06_77a1_40e8_d35b);

/// Answers one HTTP request to the function.
///
/// # Errors
/// A [`Failure`] with the status and code that the sender sees.
pub async fn handle(deps: &Deps, request: Request) -> Result<Response, Failure> {
    handle_at(deps, &request, Timestamp::now()).await
}

/// Answers one request at a given time.
///
/// # Errors
/// As [`handle`].
pub async fn handle_at(
    deps: &Deps,
    request: &Request,
    now: Timestamp,
) -> Result<Response, Failure> {
    let segments = request.path_segments()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let tells_of_end = match segments.as_slice() {
        ["webhooks", "cxone"] => false,
        ["studio", "contact-ended"] => true,
        _ => {
            return Err(Failure::not_found(
                "no such path; try POST /webhooks/cxone or POST /studio/contact-ended",
            ));
        }
    };
    if request.method() != Method::POST {
        return Err(Failure::method_not_allowed("POST"));
    }
    let answered = if tells_of_end {
        contact_ended::receive(deps, request, now).await
    } else {
        receive(deps, request, now).await
    };
    metrics::count(
        if answered.is_ok() {
            "webhooks_accepted"
        } else {
            "webhooks_refused"
        },
        1,
    );
    answered
}

async fn receive(deps: &Deps, request: &Request, now: Timestamp) -> Result<Response, Failure> {
    if request.body().len() > MAX_BODY_BYTES {
        return Err(Failure::too_large(MAX_BODY_BYTES));
    }
    prove(deps, request, now).await?;
    let media_type = request.media_type();
    if !media_type.is_empty() && media_type != "application/json" && !media_type.ends_with("+json")
    {
        return Err(Failure::unsupported_media_type("application/json"));
    }
    let event = WebhookEvent::parse(request.body(), now).map_err(invalid)?;
    let body = queueable(request.body())?;
    let id = Uuid::new_v5(&DELIVERIES, request.body());
    let mark = Key::new(
        format!("webhook#{}", hex::encode(Sha256::digest(request.body()))),
        "delivery",
    );
    if deps
        .state
        .get(&mark, now)
        .await
        .map_err(unremembered)?
        .is_some()
    {
        metrics::count("webhooks_repeated", 1);
        tracing::info!(%id, conversation_id = event.conversation_id, "the delivery was queued before");
        return accepted(id);
    }
    let message_id = deps.queue.send(&body).await.map_err(unqueued)?;
    // It is in the queue: whatever becomes of the mark, the sender may forget it.
    let until = now + deps.config.tolerance * 2;
    let marked = match Put::encode(mark, &json!({ "id": id }), Some(until)) {
        Ok(put) => deps.state.put(put, Expect::Any, now).await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = marked {
        metrics::count_store_error();
        tracing::warn!(%id, cause = %WithCauses(&error), "the delivery was not remembered; a repetition would be queued again");
    }
    tracing::info!(%id, message_id, conversation_id = event.conversation_id, bytes = request.body().len(), "the delivery was queued");
    accepted(id)
}

fn accepted(id: Uuid) -> Result<Response, Failure> {
    reply::json(
        http::StatusCode::ACCEPTED,
        &json!({ "accepted": true, "id": id }),
    )
}

/// The body as a queue takes it: the two characters of Unicode that SQS refuses become escapes, which JSON reads alike.
fn queueable(body: &[u8]) -> Result<String, Failure> {
    let text = lenient_json::decode(body)
        .map_err(|NotUtf8 { at }| invalid(InvalidEvent::NotUtf8 { at }))?;
    Ok(text
        .replace('\u{fffe}', "\\ufffe")
        .replace('\u{ffff}', "\\uffff"))
}

fn invalid(invalid: InvalidEvent) -> Failure {
    match invalid {
        InvalidEvent::TooLarge { .. } => Failure::too_large(MAX_BODY_BYTES),
        InvalidEvent::NotUtf8 { .. } => Failure::invalid("invalid_utf8", invalid.to_string()),
        InvalidEvent::NotJson { .. } => Failure::invalid("invalid_json", invalid.to_string()),
        InvalidEvent::Field { .. } => Failure::invalid("invalid_payload", invalid.to_string()),
    }
}

fn unremembered(error: store::Error) -> Failure {
    metrics::count_store_error();
    Failure::unavailable("state_unavailable", "nothing was accepted, try again").with_cause(error)
}

fn unqueued(error: store::Error) -> Failure {
    match error {
        store::Error::Limit { .. } => Failure::too_large(MAX_BODY_BYTES),
        error => {
            metrics::count_store_error();
            Failure::unavailable("queue_unavailable", "nothing was accepted, try again")
                .with_cause(error)
        }
    }
}

#[cfg(test)]
mod tests;
