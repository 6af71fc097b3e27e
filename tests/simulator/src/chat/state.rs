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
struct Inner {
    settings: ChatSettings,
    random: StdRng,
    conversations: BTreeMap<String, Conversation>,
    connections: Vec<mpsc::Sender<Value>>,
    presence: HashMap<String, Vec<String>>,
    routing: HashMap<String, Vec<Value>>,
    received: Vec<Value>,
}

#[derive(Debug, Default)]
struct Conversation {
    messages: Vec<Value>,
    hidden: bool,
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

    /// Assigns a conversation to the agent.
    pub fn assign(&self, conversation: &str) {
        self.broadcast(&json!({
            "type": "routing", "conversationId": conversation, "status": "assigned", "timestamp": now_ms(),
        }));
    }

    /// Ends a conversation.
    pub fn end(&self, conversation: &str) {
        self.broadcast(&json!({
            "type": "status", "conversationId": conversation, "status": "closed", "timestamp": now_ms(),
        }));
    }

    /// Says something now; the message as it goes over the wire, less its `type`.
    pub fn say(&self, conversation: &str, kind: &str, text: &str) -> Value {
        self.say_at(conversation, kind, text, now_ms())
    }

    /// Says something at a time in milliseconds since the epoch.
    pub fn say_at(&self, conversation: &str, kind: &str, text: &str, timestamp_ms: i64) -> Value {
        let message = json!({
            "conversationId": conversation,
            "from": {"type": kind, "id": format!("{kind}-{conversation}")},
            "text": text,
            "timestamp": timestamp_ms,
        });
        self.take(message.clone());
        message
    }

    /// Lets a conversation's transcript be 404 from now on.
    pub fn hide_transcript(&self, conversation: &str) {
        self.lock()
            .conversations
            .entry(conversation.to_owned())
            .or_default()
            .hidden = true;
    }

    /// Breaks all connections without a goodbye.
    pub fn break_connections(&self) {
        self.order(Order::Break);
    }

    /// Lets all connections fall silent; they stay open.
    pub fn freeze_connections(&self) {
        self.order(Order::Freeze);
    }

    /// What goes wrong by chance from now on.
    pub fn set_troubles(&self, troubles: Troubles) {
        self.lock().settings.troubles = troubles;
    }

    /// How many connections are open now.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.open.load(Ordering::SeqCst)
    }

    /// How many connections were opened so far.
    #[must_use]
    pub fn connections_opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }

    /// How many pings came.
    #[must_use]
    pub fn pings(&self) -> u64 {
        self.pings.load(Ordering::SeqCst)
    }

    /// Every presence an agent was set to, in order.
    #[must_use]
    pub fn presence(&self, user: &str) -> Vec<String> {
        self.lock().presence.get(user).cloned().unwrap_or_default()
    }

    /// Every routing update of an agent, in order.
    #[must_use]
    pub fn routing(&self, user: &str) -> Vec<Value> {
        self.lock().routing.get(user).cloned().unwrap_or_default()
    }

    /// The messages that came over connections, in order, repeats included.
    #[must_use]
    pub fn received(&self) -> Vec<Value> {
        self.lock().received.clone()
    }

    /// Everything said in a conversation.
    #[must_use]
    pub fn messages(&self, conversation: &str) -> Vec<Value> {
        self.lock()
            .conversations
            .get(conversation)
            .map(|chat| chat.messages.clone())
            .unwrap_or_default()
    }

    /// A message comes from a client: it is kept once and goes to all connections.
    pub(super) fn receive(&self, message: Value) {
        self.lock().received.push(message.clone());
        self.take(message);
    }

    /// A message is kept, unless the same one is there, and goes to all connections.
    pub(super) fn take(&self, message: Value) {
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
        drop(inner);
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
    fn broadcast(&self, frame: &Value) {
        self.lock()
            .connections
            .retain(|connection| connection.try_send(frame.clone()).is_ok());
    }

    fn order(&self, order: Order) {
        self.orders.send_modify(|(number, current)| {
            *number += 1;
            *current = order;
        });
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
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
