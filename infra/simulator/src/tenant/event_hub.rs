//! The event hub: a WebSocket that tells what happens to digital contacts while a client is connected.
//!
//! A client registers with its token by `{"action":"register","payload":{"token":"..."}}`, is answered `authorized`, and sends
//! `{"action":"heartbeat"}` every 30 seconds, which is answered `pong`. It hears of the contacts for which it has asked by
//! `POST /dfo/3.0/event-hub-subscriptions`. Nothing is repeated that happened while the client was away.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use serde_json::{Value, json};

use super::digital::state::{Event, Happened};
use super::digital::{contact, message};
use super::params::Params;
use super::quirks::Quirk;
use super::refusal::Refusal;
use super::world::TenantWorld;

/// Interval at which a connection looks for events.
const TICK: Duration = Duration::from_millis(20);

pub(super) fn router() -> Router<Arc<TenantWorld>> {
    Router::new().route("/", get(open))
}

async fn open(
    State(world): State<Arc<TenantWorld>>,
    params: Params,
    upgrade: WebSocketUpgrade,
) -> Response {
    let is_known = params.get("tenantId") == Some(world.settings().tenant_id.as_str());
    if !is_known || params.get("userId").is_none() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let is_allowed = world.hub.connect(world.clock.now()) || !world.has(Quirk::HubConnectLimit);
    upgrade.on_upgrade(move |socket| serve(world, socket, is_allowed))
}

async fn serve(world: Arc<TenantWorld>, mut socket: WebSocket, is_allowed: bool) {
    if !is_allowed {
        let _ = socket.send(text("RATE_LIMIT_EXCEEDED")).await;
        return;
    }
    let generation = world.hub.generation();
    let mut place = None;
    let mut sent = 0;
    let mut ticks = tokio::time::interval(TICK);
    loop {
        let outcome = tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(frame))) => answer(&world, &mut socket, &frame, &mut place).await,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => Ok(()),
            },
            _ = ticks.tick() => {
                if world.hub.generation() != generation {
                    return;
                }
                match place {
                    Some(from) => {
                        let (events, after) = world.digital.events_from(from);
                        place = Some(after);
                        send_events(&world, &mut socket, &events, &mut sent).await
                    }
                    None => Ok(()),
                }
            }
        };
        if outcome.is_err() {
            return;
        }
    }
}

fn text(frame: &str) -> Message {
    Message::Text(frame.into())
}

/// Answers a frame of the client. `place` is set once the client has registered.
async fn answer(
    world: &TenantWorld,
    socket: &mut WebSocket,
    frame: &str,
    place: &mut Option<usize>,
) -> Result<(), axum::Error> {
    let frame: Value = serde_json::from_str(frame).unwrap_or_default();
    match frame["action"].as_str() {
        Some("register") => {
            let token = frame["payload"]["token"].as_str().unwrap_or_default();
            if !world
                .common
                .tokens
                .scopes(token)
                .is_ok_and(|scopes| scopes.is_empty())
            {
                socket.send(text("unauthorized")).await?;
                return Err(axum::Error::new("the token is not valid"));
            }
            if place.is_none() {
                *place = Some(world.digital.events_from(usize::MAX).1);
            }
            socket.send(text("authorized")).await
        }
        Some("heartbeat") => socket.send(text("pong")).await,
        _ => Ok(()),
    }
}

/// Sends the events of the contacts that are subscribed to, with the troubles of the real hub.
async fn send_events(
    world: &TenantWorld,
    socket: &mut WebSocket,
    events: &[Event],
    sent: &mut usize,
) -> Result<(), axum::Error> {
    for event in events {
        let ends = world.has(Quirk::HubSubscriptionsEnd);
        if !world
            .hub
            .is_subscribed(event.number, world.clock.now(), ends)
        {
            continue;
        }
        let Some(frame) = frame(world, event, *sent) else {
            continue;
        };
        *sent += 1;
        if !world.has(Quirk::HubTroubles) {
            socket.send(text(&frame.to_string())).await?;
            continue;
        }
        let written = if sent.is_multiple_of(3) {
            Value::String(frame.to_string()).to_string()
        } else {
            frame.to_string()
        };
        if sent.is_multiple_of(4) {
            socket
                .send(text(r#"{"eventType":"SomethingNew","data":{}}"#))
                .await?;
            socket.send(text(&written)).await?;
        }
        socket.send(text(&written)).await?;
    }
    Ok(())
}

/// Returns an event as the hub writes it.
fn frame(world: &TenantWorld, event: &Event, sent: usize) -> Option<Value> {
    let case = world.digital.case(event.number)?;
    let strips = world.has(Quirk::StrippedMessages);
    let names = ["case", "contact", "customerContact"];
    let name = if world.has(Quirk::HubTroubles) {
        names[sent % names.len()]
    } else {
        names[0]
    };
    let (object, kind, place) = match event.happened {
        Happened::Message(place) => ("Message", "MessageAddedIntoCase", Some(place)),
        Happened::Changed(place) => ("Message", "MessageUpdated", Some(place)),
        Happened::Status => ("Case", "CaseStatusChanged", None),
    };
    let mut data = json!({"channel": {"id": case.channel()}});
    data[name] =
        json!({"id": case.number.to_string(), "status": case.status, "interactionId": null});
    if place.is_none() {
        data["inboxAssignee"] = contact(&case)["inboxAssigneeUser"].clone();
    }
    if let Some(place) = place {
        data["message"] = message(&case, place, strips);
    }
    Some(json!({
        "eventId": uuid::Uuid::new_v4().to_string(), "eventObject": object, "eventType": kind,
        "traceId": event.trace, "data": data,
    }))
}

/// Subscribes a client to the events of one contact for five minutes.
pub(super) async fn subscribe(
    State(world): State<Arc<TenantWorld>>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let wanted: Value = serde_json::from_slice(&body).unwrap_or_default();
    let number = wanted["relationObjectId"]
        .as_str()
        .filter(|_| wanted["subscriptionType"] == "contact")
        .and_then(|number| number.parse::<i64>().ok())
        .ok_or_else(|| {
            Refusal::invalid("relationObjectId and the subscriptionType contact are needed")
        })?;
    if world.digital.case(number).is_none() {
        return Err(Refusal::not_found("there is no such contact"));
    }
    let ends = world.has(Quirk::HubSubscriptionsEnd);
    let is_renewal = world.hub.subscribe(number, world.clock.now(), ends);
    Ok(if is_renewal && ends {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (StatusCode::CREATED, axum::Json(wanted)).into_response()
    })
}
