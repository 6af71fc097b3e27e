//! The state of the chat system: conversations, connections, presence and routing.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::script::{ChatSettings, ScriptedChat, Troubles};

/// Number of frames that may wait for a slow client before the connection is closed.
const MAX_BACKLOG: usize = 20_000;

/// What tests order all open connections to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum StreamOrder {
    /// Connections go on as usual.
    #[default]
    Stay,
    /// Connections break without a close frame.
    Break,
    /// Connections stay open, but nothing more is sent.
    Freeze,
}

/// The conversations, connections, presence and routing of the chat system.
#[derive(Debug)]
pub struct State {
    inner: Mutex<Inner>,
    orders: watch::Sender<(u64, StreamOrder)>,
    pub(super) open: AtomicU64,
    pub(super) opened: AtomicU64,
    pub(super) pings: AtomicU64,
    started: AtomicBool,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) settings: ChatSettings,
    pub(super) random: StdRng,
    pub(super) conversations: BTreeMap<String, Conversation>,
    pub(super) connections: Vec<mpsc::Sender<Value>>,
    pub(super) presence: HashMap<String, Vec<String>>,
    pub(super) routing: HashMap<String, Vec<Value>>,
    pub(super) received: Vec<Value>,
}

#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) messages: Vec<Value>,
    pub(super) hidden: bool,
}

impl State {
    /// Returns the state at the start of a scenario.
    #[must_use]
    pub fn new(seed: u64, settings: ChatSettings) -> Self {
        let mut conversations = BTreeMap::new();
        for chat in &settings.conversations {
            conversations.insert(
                chat.id.clone(),
                Conversation {
                    hidden: !chat.transcript,
                    ..Conversation::default()
                },
            );
        }
        let inner = Inner {
            settings,
            random: StdRng::seed_from_u64(seed),
            conversations,
            connections: Vec::new(),
            presence: HashMap::new(),
            routing: HashMap::new(),
            received: Vec::new(),
        };
        let (orders, _) = watch::channel((0, StreamOrder::Stay));
        Self {
            inner: Mutex::new(inner),
            orders,
            open: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            pings: AtomicU64::new(0),
            started: AtomicBool::new(false),
        }
    }

    /// Records a message of a client, adds it to its conversation and sends it to all connections.
    pub(super) fn receive(&self, message: Value) {
        self.lock().received.push(message.clone());
        self.add_message(message, true);
    }

    /// Adds a message to its conversation, unless it is there already, and sends it to all connections. Messages of clients
    /// are sent only if the settings ask for an echo.
    pub(super) fn add_message(&self, message: Value, from_client: bool) {
        let conversation = message["conversationId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let mut inner = self.lock();
        let chat = inner.conversations.entry(conversation).or_default();
        if chat
            .messages
            .iter()
            .rev()
            .take(100)
            .any(|known| *known == message)
        {
            return;
        }
        chat.messages.push(message.clone());
        let silent = from_client && !inner.settings.echo;
        drop(inner);
        if silent {
            return;
        }
        let mut frame = json!({ "type": "message" });
        if let (Some(frame), Some(message)) = (frame.as_object_mut(), message.as_object()) {
            frame.extend(message.clone());
        }
        self.broadcast(&frame);
    }

    /// Returns the messages of a page of a transcript, and the index of the next page's first message.
    pub(super) fn page(
        &self,
        conversation: &str,
        from: usize,
    ) -> Option<(Vec<Value>, Option<usize>)> {
        let inner = self.lock();
        let chat = inner
            .conversations
            .get(conversation)
            .filter(|chat| !chat.hidden && !chat.messages.is_empty())?;
        let size = inner.settings.page_size.max(1);
        let page: Vec<Value> = chat
            .messages
            .iter()
            .skip(from)
            .take(size)
            .cloned()
            .collect();
        let next = (from + size < chat.messages.len()).then_some(from + size);
        Some((page, next))
    }

    pub(super) fn set_presence(&self, user: &str, status: &str) {
        self.lock()
            .presence
            .entry(user.to_owned())
            .or_default()
            .push(status.to_owned());
    }

    pub(super) fn set_routing(&self, user: &str, routing: Value) {
        self.lock()
            .routing
            .entry(user.to_owned())
            .or_default()
            .push(routing);
    }

    pub(super) fn agents(&self) -> Value {
        let inner = self.lock();
        json!({ "presence": inner.presence, "routing": inner.routing })
    }

    pub(super) fn troubles(&self) -> Troubles {
        self.lock().settings.troubles
    }

    pub(super) fn settings(&self) -> ChatSettings {
        self.lock().settings.clone()
    }

    /// Draws one random decision per probability.
    pub(super) fn draw<const N: usize>(&self, probabilities: [f64; N]) -> [bool; N] {
        use rand::Rng;
        let random = &mut self.lock().random;
        probabilities
            .map(|probability| probability > 0.0 && random.random_bool(probability.clamp(0.0, 1.0)))
    }

    /// Registers a connection and returns the receivers of its frames and orders.
    pub(super) fn connect(&self) -> (mpsc::Receiver<Value>, watch::Receiver<(u64, StreamOrder)>) {
        let (frames, receiver) = mpsc::channel(MAX_BACKLOG);
        self.lock().connections.push(frames);
        (receiver, self.orders.subscribe())
    }

    /// Returns the scripted conversations at the first call, and nothing afterwards.
    pub(super) fn take_scripts(&self) -> Vec<ScriptedChat> {
        if self.started.swap(true, Ordering::SeqCst) {
            Vec::new()
        } else {
            self.settings().conversations
        }
    }

    /// Sends a frame to every open connection. A connection whose client reads too slowly is closed.
    pub(super) fn broadcast(&self, frame: &Value) {
        self.lock()
            .connections
            .retain(|connection| connection.try_send(frame.clone()).is_ok());
    }

    pub(super) fn order(&self, order: StreamOrder) {
        self.orders.send_modify(|(number, current)| {
            *number += 1;
            *current = order;
        });
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the current time in milliseconds since the epoch.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
