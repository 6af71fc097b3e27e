//! The WebSocket stream, and what goes wrong on it.

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
use super::state::Order;
use crate::auth;
use crate::problem::Problem;
use crate::world::World;

/// How often a connection's token is looked at.
const TOKEN_CHECK: Duration = Duration::from_millis(100);
/// How long a frozen connection stays open.
const FROZEN: Duration = Duration::from_secs(120);
/// Close codes: idle, and a token that has ended.
const IDLE: u16 = 4408;
const TOKEN_ENDED: u16 = 4401;

/// Opens the stream for a token with `chat:read`.
pub(super) async fn open(
    Shared(world): Shared<Arc<World>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    auth::require(&world, &headers, "chat:read")?;
    let token = auth::bearer(&headers).unwrap_or_default().to_owned();
    // Subscribed before the handshake is answered: what is said from then on is not missed.
    let (frames, orders) = world.chat.connect();
    for script in world.chat.scripts() {
        tokio::spawn(play(Arc::clone(&world), script));
    }
    Ok(upgrade.on_upgrade(move |socket| serve(world, socket, token, frames, orders)))
}

async fn serve(
    world: Arc<World>,
    socket: WebSocket,
    token: String,
    frames: mpsc::Receiver<Value>,
    orders: watch::Receiver<(u64, Order)>,
) {
    world.chat.open.fetch_add(1, Ordering::SeqCst);
    world.chat.opened.fetch_add(1, Ordering::SeqCst);
    let mut connection = Line {
        world: Arc::clone(&world),
        socket,
        held: None,
    };
    let end = connection.run(&token, frames, orders).await;
    world.chat.open.fetch_sub(1, Ordering::SeqCst);
    match end {
        Ending::Goodbye(code) => {
            let frame = CloseFrame {
                code,
                reason: "".into(),
            };
            let goodbye = connection.socket.send(Message::Close(Some(frame)));
            let _ = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
        }
        Ending::Silent => tokio::time::sleep(FROZEN).await,
        Ending::Broken => {}
    }
}

/// How a connection ends.
enum Ending {
    /// With a close frame.
    Goodbye(u16),
    /// It stays open, and nothing is read or written any more.
    Silent,
    /// Without a word.
    Broken,
}

struct Line {
    world: Arc<World>,
    socket: WebSocket,
    /// A frame that goes out behind the next one.
    held: Option<Value>,
}

impl Line {
    async fn run(
        &mut self,
        token: &str,
        mut frames: mpsc::Receiver<Value>,
        mut orders: watch::Receiver<(u64, Order)>,
    ) -> Ending {
        let settings = self.world.chat.settings();
        let idle = Duration::from_millis(settings.idle_timeout_ms);
        let slow = Duration::from_millis(settings.slow_reader_ms);
        let mut heard = Instant::now();
        let mut read_from = Instant::now();
        let mut check = tokio::time::interval(TOKEN_CHECK);
        orders.mark_unchanged();
        loop {
            tokio::select! {
                frame = frames.recv() => match frame {
                    Some(frame) => if let Err(ending) = self.deliver(frame).await { return ending },
                    None => return Ending::Goodbye(1013),
                },
                received = receive(&mut self.socket, read_from) => match received {
                    Some(message) => {
                        heard = Instant::now();
                        read_from = heard + slow;
                        self.hear(message);
                    }
                    None => return Ending::Broken,
                },
                changed = orders.changed() => {
                    let order = orders.borrow_and_update().1;
                    match order {
                        _ if changed.is_err() => return Ending::Broken,
                        Order::Break => return Ending::Broken,
                        Order::Freeze => return Ending::Silent,
                        Order::Stay => {}
                    }
                },
                _ = check.tick() => {
                    if self.world.tokens.scopes(token).is_err() {
                        return Ending::Goodbye(TOKEN_ENDED);
                    }
                    if heard.elapsed() >= idle {
                        return Ending::Goodbye(IDLE);
                    }
                    if let Some(held) = self.held.take() && self.send(held.to_string()).await.is_err() {
                        return Ending::Broken;
                    }
                }
            }
        }
    }

    fn hear(&self, message: Message) {
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

    /// Sends a frame, unless something goes wrong.
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

/// The next frame of the client, not before `from`.
async fn receive(socket: &mut WebSocket, from: Instant) -> Option<Message> {
    tokio::time::sleep_until(from).await;
    socket.recv().await?.ok()
}

async fn play(world: Arc<World>, script: ScriptedChat) {
    // The first line waits until the handshake is through.
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
