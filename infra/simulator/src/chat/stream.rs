//! The WebSocket stream, and the faults that happen on it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::script::ScriptedChat;
use super::state::StreamOrder;
use crate::auth;
use crate::problem::Problem;
use crate::world::World;

/// Interval at which the token of a connection is checked.
const TOKEN_CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// How long a frozen connection stays open.
const FROZEN_TIME: Duration = Duration::from_secs(120);
/// Close code of a connection that was silent for too long.
const IDLE_CLOSE_CODE: u16 = 4408;
/// Close code of a connection whose token is no longer valid.
const TOKEN_CLOSE_CODE: u16 = 4401;

/// Opens the stream for a token with `chat:read`.
pub(super) async fn open(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    auth::require(&world, &headers, "chat:read")?;
    let token = auth::bearer(&headers).unwrap_or_default().to_owned();
    // The subscription precedes the answer to the handshake, so that the client misses no later message.
    let (frames, orders) = world.chat.connect();
    for script in world.chat.take_scripts() {
        tokio::spawn(play_script(Arc::clone(&world), script));
    }
    Ok(upgrade.on_upgrade(move |socket| serve(world, socket, token, frames, orders)))
}

async fn serve(
    world: Arc<World>,
    socket: WebSocket,
    token: String,
    frames: mpsc::Receiver<Value>,
    orders: watch::Receiver<(u64, StreamOrder)>,
) {
    world.chat.open.fetch_add(1, Ordering::SeqCst);
    world.chat.opened.fetch_add(1, Ordering::SeqCst);
    let mut connection = Connection {
        world: Arc::clone(&world),
        socket,
        held: None,
    };
    let end = connection.run(&token, frames, orders).await;
    world.chat.open.fetch_sub(1, Ordering::SeqCst);
    match end {
        Ending::Closed(code) => {
            let frame = CloseFrame {
                code,
                reason: "".into(),
            };
            let closing = connection.socket.send(Message::Close(Some(frame)));
            let _ = tokio::time::timeout(Duration::from_secs(1), closing).await;
        }
        Ending::Silent => tokio::time::sleep(FROZEN_TIME).await,
        Ending::Broken => {}
    }
}

/// How a connection ends.
enum Ending {
    /// Ends with a close frame of this code.
    Closed(u16),
    /// Stays open, but nothing is read or written anymore.
    Silent,
    /// Breaks without a close frame.
    Broken,
}

/// One connection of a client.
struct Connection {
    world: Arc<World>,
    socket: WebSocket,
    /// Frame that is sent after the next one.
    held: Option<Value>,
}

impl Connection {
    async fn run(
        &mut self,
        token: &str,
        mut frames: mpsc::Receiver<Value>,
        mut orders: watch::Receiver<(u64, StreamOrder)>,
    ) -> Ending {
        let settings = self.world.chat.settings();
        let idle = Duration::from_millis(settings.idle_timeout_ms);
        let slow = Duration::from_millis(settings.slow_reader_ms);
        let mut last_received = Instant::now();
        let mut read_from = Instant::now();
        let mut check = tokio::time::interval(TOKEN_CHECK_INTERVAL);
        orders.mark_unchanged();
        loop {
            tokio::select! {
                frame = frames.recv() => match frame {
                    Some(frame) => if let Err(ending) = self.deliver(frame).await { return ending },
                    None => return Ending::Closed(1013),
                },
                received = receive(&mut self.socket, read_from) => match received {
                    Some(message) => {
                        last_received = Instant::now();
                        read_from = last_received + slow;
                        self.handle(message);
                    }
                    None => return Ending::Broken,
                },
                changed = orders.changed() => {
                    let order = orders.borrow_and_update().1;
                    match order {
                        _ if changed.is_err() => return Ending::Broken,
                        StreamOrder::Break => return Ending::Broken,
                        StreamOrder::Freeze => return Ending::Silent,
                        StreamOrder::Stay => {}
                    }
                },
                _ = check.tick() => {
                    if self.world.tokens.scopes(token).is_err() {
                        return Ending::Closed(TOKEN_CLOSE_CODE);
                    }
                    if last_received.elapsed() >= idle {
                        return Ending::Closed(IDLE_CLOSE_CODE);
                    }
                    if let Some(held) = self.held.take() && self.send(held.to_string()).await.is_err() {
                        return Ending::Broken;
                    }
                }
            }
        }
    }

    fn handle(&self, message: Message) {
        match message {
            Message::Ping(_) => {
                self.world.chat.pings.fetch_add(1, Ordering::SeqCst);
            }
            Message::Text(text) => {
                let Ok(Value::Object(mut envelope)) = serde_json::from_str(&text) else {
                    return;
                };
                if envelope
                    .shift_remove("type")
                    .is_some_and(|kind| kind == "message")
                {
                    self.world.chat.receive(Value::Object(envelope));
                }
            }
            Message::Binary(_) | Message::Pong(_) | Message::Close(_) => {}
        }
    }

    /// Sends a frame, with the faults that are drawn for it.
    async fn deliver(&mut self, frame: Value) -> Result<(), Ending> {
        let troubles = self.world.chat.troubles();
        let chances = [
            troubles.malformed,
            troubles.duplicate,
            troubles.reorder,
            troubles.drop,
            troubles.half_open,
        ];
        let [malformed, duplicate, reorder, drop, half_open] = self.world.chat.draw(chances);
        if drop {
            return Err(Ending::Broken);
        }
        if half_open {
            return Err(Ending::Silent);
        }
        let text = frame.to_string();
        if malformed {
            let half = text.chars().take(text.chars().count() / 2).collect();
            self.send(half).await?;
        }
        if reorder && self.held.is_none() {
            self.held = Some(frame);
            return Ok(());
        }
        self.send(text.clone()).await?;
        if duplicate {
            self.send(text).await?;
        }
        match self.held.take() {
            Some(held) => self.send(held.to_string()).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, text: String) -> Result<(), Ending> {
        self.socket
            .send(Message::Text(text.into()))
            .await
            .map_err(|_| Ending::Broken)
    }
}

/// Receives the next frame of the client, not before `from`.
async fn receive(socket: &mut WebSocket, from: Instant) -> Option<Message> {
    tokio::time::sleep_until(from).await;
    socket.recv().await?.ok()
}

async fn play_script(world: Arc<World>, script: ScriptedChat) {
    // The first message waits until the handshake is complete.
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.chat.assign(&script.id);
    for line in &script.lines {
        tokio::time::sleep(Duration::from_millis(line.after_ms)).await;
        world.chat.say(&script.id, &line.from, &line.text);
    }
    if script.ends {
        world.chat.end(&script.id);
    }
}
