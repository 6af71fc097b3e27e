//! What the chat system remembers, and what tests and scripts do with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::script::{ChatSettings, ScriptedChat, Troubles};

/// Frames that wait for a slow client before its connection is closed.
const BACKLOG: usize = 20_000;

/// What happens to all open connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Order {
    /// Nothing.
    #[default]
    Stay,
    /// They break without a goodbye.
    Break,
    /// They fall silent and stay open.
    Freeze,
}

/// Conversations, connections, presence and routing.
#[derive(Debug)]
pub struct State {
    inner: Mutex<Inner>,
    orders: watch::Sender<(u64, Order)>,
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
    /// The state at the beginning of a scenario.
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
        let (orders, _) = watch::channel((0, Order::Stay));
        Self {
            inner: Mutex::new(inner),
            orders,
            open: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            pings: AtomicU64::new(0),
            started: AtomicBool::new(false),
        }
    }

    /// A message comes from a client: it is kept once and goes to all connections.
    pub(super) fn receive(&self, message: Value) {
        self.lock().received.push(message.clone());
        self.take(message, true);
    }

    /// A message is kept, unless the same one is there, and goes to all connections, unless
    /// clients get no echo.
    pub(super) fn take(&self, message: Value, from_client: bool) {
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

    /// A page of a transcript: its messages, and where the next one begins.
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

    /// Draws once with each probability.
    pub(super) fn draw<const N: usize>(&self, probabilities: [f64; N]) -> [bool; N] {
        use rand::Rng;
        let random = &mut self.lock().random;
        probabilities
            .map(|probability| probability > 0.0 && random.random_bool(probability.clamp(0.0, 1.0)))
    }

    /// A connection's frames and orders.
    pub(super) fn connect(&self) -> (mpsc::Receiver<Value>, watch::Receiver<(u64, Order)>) {
        let (frames, receiver) = mpsc::channel(BACKLOG);
        self.lock().connections.push(frames);
        (receiver, self.orders.subscribe())
    }

    /// The scripted conversations, the first time it is asked.
    pub(super) fn scripts(&self) -> Vec<ScriptedChat> {
        if self.started.swap(true, Ordering::SeqCst) {
            Vec::new()
        } else {
            self.settings().conversations
        }
    }

    /// A frame to every open connection; one whose client reads too slowly is closed.
    pub(super) fn broadcast(&self, frame: &Value) {
        self.lock()
            .connections
            .retain(|connection| connection.try_send(frame.clone()).is_ok());
    }

    pub(super) fn order(&self, order: Order) {
        self.orders.send_modify(|(number, current)| {
            *number += 1;
            *current = order;
        });
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since the epoch.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
