//! The notification socket that an agent's browser uses for live transcripts. No published interface of the real product.
//!
//! A client sends `CONNECT` with its token, `SUBSCRIBE` with the topic `{contact}_transcript`, and `HEARTBEAT`. The transcript
//! of another agent's contact is refused unless the setting `foreign_topics` allows it; nobody knows what a real tenant does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock::with_millis;
use super::contact::Contact;
use super::live_calls::Utterance;
use super::params::Params;
use super::quirks::Quirk;
use super::settings::{License, Permission};
use super::world::TenantWorld;

/// Interval at which a connection looks for what was said.
const TICK: Duration = Duration::from_millis(20);

pub(super) fn router() -> Router<Arc<TenantWorld>> {
    Router::new().route("/agent-assist-notifications/notifications/ws", get(open))
}

async fn open(
    State(world): State<Arc<TenantWorld>>,
    params: Params,
    upgrade: WebSocketUpgrade,
) -> Response {
    let unit = params.number::<i64>("BUid").ok().flatten();
    if unit != Some(world.settings().business_unit) || params.get("agentId").is_none() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    upgrade.on_upgrade(move |socket| async move {
        let state = &world.notify;
        let mut connection = Connection {
            generation: state.generation(),
            repeats: state.repeats(),
            world,
            socket,
            is_connected: false,
            heartbeats: 0,
            topics: Vec::new(),
        };
        // The connection ends when the client does.
        let _ = connection.run().await;
    })
}

/// One connection of a client.
struct Connection {
    world: Arc<TenantWorld>,
    socket: WebSocket,
    is_connected: bool,
    heartbeats: u64,
    topics: Vec<Topic>,
    /// The generation of connections to which this one belongs.
    generation: u64,
    /// How often everything was sent again.
    repeats: u64,
}

/// A contact that a client follows.
struct Topic {
    contact: Arc<Contact>,
    /// Utterances that were sent, each with whether it was final.
    sent: BTreeSet<(usize, bool)>,
    /// Those of them that were sent over this connection.
    heard: BTreeSet<(usize, bool)>,
    serial: i64,
}

impl Connection {
    async fn run(&mut self) -> Result<(), axum::Error> {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                received = self.socket.recv() => match received {
                    Some(Ok(Message::Text(frame))) => self.answer(&frame).await?,
                    Some(Ok(Message::Close(_))) | None => return Ok(()),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                },
                _ = ticks.tick() => {
                    if self.world.notify.generation() != self.generation {
                        return Ok(());
                    }
                    self.send_utterances().await?;
                }
            }
        }
    }

    async fn send(&mut self, frame: Value) -> Result<(), axum::Error> {
        self.socket
            .send(Message::Text(frame.to_string().into()))
            .await
    }

    async fn refuse(&mut self, code: u16, reason: &str) -> Result<(), axum::Error> {
        let body = json!({"responseCode": code, "responseText": reason});
        self.send(json!({"command": "ERROR", "headers": {}, "body": body}))
            .await
    }

    async fn answer(&mut self, frame: &str) -> Result<(), axum::Error> {
        let frame: Value = serde_json::from_str(frame).unwrap_or_default();
        let token = frame["headers"]["sessionToken"]
            .as_str()
            .unwrap_or_default();
        match frame["command"].as_str().unwrap_or_default() {
            "CONNECT" => {
                let tokens = &self.world.common.tokens;
                self.is_connected = tokens.scopes(token).is_ok_and(|scopes| scopes.is_empty());
                if !self.is_connected {
                    return self.refuse(401, "the token is not valid").await;
                }
                self.world.notify.note_connection();
                let id = uuid::Uuid::new_v4().to_string();
                self.send(json!({"command": "CONNECTED", "headers": {"connectionId": id}}))
                    .await
            }
            _ if !self.is_connected => self.refuse(401, "CONNECT comes first").await,
            "SUBSCRIBE" => {
                let topic = frame["body"]["topic"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                self.subscribe(&topic).await
            }
            "UNSUBSCRIBE" => {
                let topic = frame["body"]["topic"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                self.topics.retain(|it| topic_of(&it.contact) != topic);
                self.send(
                    json!({"command": "UNSUBSCRIBED", "headers": {}, "body": {"topic": topic}}),
                )
                .await
            }
            "HEARTBEAT" => {
                self.heartbeats += 1;
                let is_heard = self.world.notify.note_heartbeat();
                if !is_heard || (self.heartbeats == 2 && self.world.has(Quirk::NotifyInterims)) {
                    return Ok(());
                }
                self.send(json!({"command": "HEARTBEAT_ACK", "headers": {}, "body": {}}))
                    .await
            }
            other => {
                let reason = format!("there is no command {other}");
                self.refuse(400, &reason).await
            }
        }
    }

    async fn subscribe(&mut self, topic: &str) -> Result<(), axum::Error> {
        let number = topic.strip_suffix("_transcript");
        let number = number.and_then(|number| number.parse::<i64>().ok());
        if let Some(number) = number {
            self.world.notify.note_subscription(number);
        }
        let settings = self.world.settings();
        if !settings
            .licenses
            .contains(&License::ContinuousTranscription)
            || !settings
                .permissions
                .contains(&Permission::VoiceTranscription)
        {
            return self
                .refuse(403, "live transcription is not permitted")
                .await;
        }
        let contact = number.and_then(|number| self.world.contact(number));
        let Some(contact) = contact else {
            return self.refuse(404, "there is no such topic").await;
        };
        if !settings.foreign_topics {
            return self
                .refuse(403, "the contact belongs to another agent")
                .await;
        }
        let now = self.world.clock.now();
        let said = self.world.live_calls.utterances(contact.id);
        let mut sent = BTreeSet::new();
        for (place, utterance) in said.iter().enumerate() {
            for is_final in [false, true] {
                if utterance.due(is_final) <= now {
                    sent.insert((place, is_final));
                }
            }
        }
        let followed = Topic {
            contact,
            serial: sent.len() as i64,
            sent,
            heard: BTreeSet::new(),
        };
        self.topics.push(followed);
        self.send(json!({"command": "SUBSCRIBED", "headers": {}, "body": {"topic": topic}}))
            .await
    }

    /// Sends what has been said since the last time.
    async fn send_utterances(&mut self) -> Result<(), axum::Error> {
        let now = self.world.clock.now();
        let has_quirk = self.world.has(Quirk::NotifyInterims);
        let repeats = self.world.notify.repeats();
        let is_repeat = std::mem::replace(&mut self.repeats, repeats) != repeats;
        let mut frames = Vec::new();
        for topic in &mut self.topics {
            if is_repeat {
                topic.sent.retain(|sent| !topic.heard.contains(sent));
            }
            let said = self.world.live_calls.utterances(topic.contact.id);
            for (place, utterance) in said.iter().enumerate() {
                for is_final in [false, true] {
                    let is_due = utterance.due(is_final) <= now && (is_final || has_quirk);
                    if !is_due || !topic.sent.insert((place, is_final)) {
                        continue;
                    }
                    topic.serial += if has_quirk && topic.serial % 4 == 3 {
                        2
                    } else {
                        1
                    };
                    topic.heard.insert((place, is_final));
                    frames.push(frame(&self.world, topic, (place, utterance), is_final, now));
                }
            }
        }
        for frame in frames {
            self.send(frame).await?;
        }
        Ok(())
    }
}

fn topic_of(contact: &Contact) -> String {
    format!("{}_transcript", contact.id)
}

fn frame(
    world: &TenantWorld,
    topic: &Topic,
    (place, utterance): (usize, &Utterance),
    is_final: bool,
    now: Timestamp,
) -> Value {
    let (settings, contact) = (world.settings(), &topic.contact);
    let words: Vec<&str> = utterance.text.split(' ').collect();
    let text = if is_final {
        utterance.text.clone()
    } else {
        words[..words.len().div_ceil(2)].join(" ")
    };
    let (participant, tag) = if utterance.is_customer {
        ("p-2", "customer")
    } else {
        ("p-1", "agent")
    };
    let tag = if world.has(Quirk::NotifyInterims) {
        Value::Null
    } else {
        json!(tag)
    };
    let id = contact.id.to_string();
    let event = if is_final { "final" } else { "interim" };
    let data = json!({
        "transcriptionEventId": format!("e-{id}-{place}-{event}"), "contactId": id, "busNo": settings.business_unit,
        "tenantId": settings.tenant_id, "agentUUId": contact.agent.user_id(), "agentId": contact.agent.id,
        "masterId": contact.master_id.to_string(), "participantId": participant, "mediaType": "voice",
        "messageBody": text, "messageIsCompletedUtterance": is_final, "messageMetaData": {"completeUtterance": is_final},
        "transcriptionSrNo": topic.serial, "languageCode": "en-US", "channelTag": tag,
        "createdtimestamp": with_millis(utterance.start), "audioProcessed": "4100", "transcriptionProvider": "simulator",
        "agentAssistAppConfig": {"scriptParams": ""}, "words": [],
    });
    json!({
        "command": "MESSAGE", "headers": {},
        "body": {
            "Topic": topic_of(contact), "VendorList": [], "MediaType": "voice", "BusNo": settings.business_unit,
            "MessageType": "Transcript", "Version": "1.0", "TraceId": format!("t-{}", now.as_millisecond()), "Data": data,
        },
    })
}
