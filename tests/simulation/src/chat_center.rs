//! The chats of the simulated contact center: what customers write, what the stream and the transcripts show, the presence of the
//! agent, and whoever is notified of escalations.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use insights_core::chat::message::{Message, Sender};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::contact_center::{Reply, wall_ms};
use crate::seeded_os;

/// The agent whose chats are simulated.
pub const AGENT: &str = "agent-1";

/// What customers say that escalates, and what they say that does not.
const SAYINGS: [&str; 5] = [
    "I will call my lawyer",
    "I want to file a complaint",
    "this is urgent",
    "my parcel has not come",
    "thank you for the answer",
];

/// What one person writes in a chat.
#[derive(Debug, Clone)]
pub struct Writing {
    /// When it is written, in milliseconds of the run.
    pub at_ms: u64,
    /// The text, which no other writing of the run has.
    pub text: String,
}

/// A chat as it is planned before the run.
#[derive(Debug, Clone, Default)]
pub struct PlannedChat {
    /// What the customer writes, by time.
    pub customer: Vec<Writing>,
    /// What the agent writes, by time.
    pub agent: Vec<Writing>,
    /// When the contact center says that the chat has ended, by time, in milliseconds of the run. A customer may write again after an
    /// end. A chat without an end after its last message goes silent.
    pub ends_ms: Vec<u64>,
}

/// The chats of a run, by their ids.
pub type PlannedChats = BTreeMap<String, PlannedChat>;

/// The chats of the contact center.
#[derive(Debug, Default)]
pub struct ChatCenter {
    /// What customers and routing still do, by time.
    script: VecDeque<(u64, Value)>,
    /// What the stream has shown so far.
    frames: Vec<Value>,
    /// What the transcripts show, by chat.
    transcripts: BTreeMap<String, Vec<Message>>,
    /// The presence of the agent, as it was set last.
    pub presence: Option<String>,
    /// How often each notification was delivered, by its idempotency key.
    pub notifications: BTreeMap<String, u64>,
    /// What a session has promised to send for the agent, by text.
    pub promised: BTreeSet<String>,
    /// What the agent has begun to send, by text.
    pub begun: BTreeSet<String>,
}

impl ChatCenter {
    /// Creates the chats of a contact center in which nothing has happened yet.
    #[must_use]
    pub fn new(chats: &PlannedChats) -> Self {
        let mut script = Vec::new();
        for (id, chat) in chats {
            let begins_ms = chat.customer.first().map_or(0, |first| first.at_ms);
            script.push((
                begins_ms.saturating_sub(1),
                json!({"type": "routing", "conversationId": id, "status": "assigned"}),
            ));
            for writing in &chat.customer {
                let message = customer_message(id, writing);
                script.push((writing.at_ms, message_frame(&message)));
            }
            for ends_ms in &chat.ends_ms {
                let ended = json!({"type": "status", "conversationId": id, "status": "closed"});
                script.push((*ends_ms, ended));
            }
        }
        script.sort_by_key(|(at_ms, _)| *at_ms);
        Self {
            script: script.into(),
            ..Self::default()
        }
    }

    /// Returns how many frames the stream has shown up to now.
    pub fn frame_count(&mut self) -> usize {
        self.catch_up();
        self.frames.len()
    }

    /// Returns the frames that the stream shows after the first `count`.
    pub fn frames_after(&mut self, count: usize) -> Vec<Value> {
        self.catch_up();
        self.frames.get(count..).unwrap_or_default().to_vec()
    }

    /// Takes a message that a session sends for the agent. One that has arrived before is shown once.
    pub fn take_from_agent(&mut self, message: &Message) {
        self.catch_up();
        let transcript = self
            .transcripts
            .entry(message.conversation_id.clone())
            .or_default();
        if !transcript.contains(message) {
            transcript.push(message.clone());
            self.frames.push(message_frame(message));
        }
    }

    /// Returns the messages of a chat, in the order in which they arrived.
    #[must_use]
    pub fn messages(&self, chat: &str) -> &[Message] {
        self.transcripts.get(chat).map_or(&[], Vec::as_slice)
    }

    /// Iterates over the messages of all chats.
    pub fn all_messages(&self) -> impl Iterator<Item = &Message> {
        self.transcripts.values().flatten()
    }

    /// Answers a request for the transcript of a chat.
    pub fn transcript(&mut self, path: &str) -> Reply {
        self.catch_up();
        let id = path.rsplit('/').nth(1).unwrap_or_default();
        match self.transcripts.get(id) {
            None => (404, json!({"error": "not found"})),
            Some(messages) => (200, json!({"conversationId": id, "messages": messages})),
        }
    }

    /// Answers a request that sets the presence or the availability of the agent.
    pub fn set_presence(&mut self, body: &Value) -> Reply {
        if let Some(status) = body["status"]["statusName"].as_str() {
            self.presence = Some(status.to_owned());
        }
        (204, Value::Null)
    }

    /// Answers a notification of an escalation.
    pub fn notify(&mut self, key: Option<&str>) -> Reply {
        let key = key.unwrap_or("none").to_owned();
        *self.notifications.entry(key).or_default() += 1;
        (200, json!({}))
    }

    /// Lets everything happen that the script has up to now.
    fn catch_up(&mut self) {
        let now_ms = seeded_os::elapsed_ms();
        while self
            .script
            .front()
            .is_some_and(|(at_ms, _)| *at_ms <= now_ms)
        {
            let Some((_, frame)) = self.script.pop_front() else {
                return;
            };
            if let Ok(message) = serde_json::from_value::<Message>(frame.clone()) {
                self.transcripts
                    .entry(message.conversation_id.clone())
                    .or_default()
                    .push(message);
            }
            self.frames.push(frame);
        }
    }
}

/// Returns the message of a customer as the contact center shows it.
#[must_use]
pub fn customer_message(chat: &str, writing: &Writing) -> Message {
    Message {
        conversation_id: chat.to_owned(),
        from: Sender {
            kind: "customer".to_owned(),
            id: "customer-1".to_owned(),
        },
        text: writing.text.clone(),
        timestamp_ms: wall_ms(writing.at_ms),
    }
}

fn message_frame(message: &Message) -> Value {
    let mut frame = json!(message);
    frame["type"] = json!("message");
    frame
}

/// Draws the chats of a run: each goes on for longer than anything fails, so that every one of them is seen by somebody. Where `again_ms`
/// is given, each customer writes once more about then, in milliseconds of the run, and the chat ends soon afterwards.
#[must_use]
pub fn draw_chats(random: &mut StdRng, faulty_ms: u64, again_ms: Option<u64>) -> PlannedChats {
    (0..random.random_range(1..=3))
        .map(|number| {
            let mut chat = draw_chat(random, number, faulty_ms);
            if let Some(again_ms) = again_ms {
                let at_ms = again_ms + random.random_range(0..4000);
                chat.customer.push(Writing {
                    at_ms,
                    text: format!("and one more thing (chat {number})"),
                });
                chat.ends_ms.push(at_ms + 1500);
            }
            (format!("chat-{number}"), chat)
        })
        .collect()
}

/// Draws chats that end and begin again and again until `until_ms`, so that one archive of a chat is written while an earlier one may still be
/// on its way. In such a run everybody listens all the time.
#[must_use]
pub fn draw_returning_chats(random: &mut StdRng, until_ms: u64) -> PlannedChats {
    let draw_chat = |number: usize, random: &mut StdRng| {
        let mut chat = PlannedChat::default();
        let mut at_ms = random.random_range(3000..15_000);
        while at_ms < until_ms {
            let count = chat.customer.len();
            chat.customer.push(Writing {
                at_ms,
                text: format!(
                    "{} (chat {number} line {count})",
                    SAYINGS[count % SAYINGS.len()]
                ),
            });
            let ends_ms = at_ms + random.random_range(500..3000);
            chat.ends_ms.push(ends_ms);
            at_ms = ends_ms + random.random_range(10_500..16_000);
        }
        chat
    };
    (0..random.random_range(1..=3))
        .map(|number| (format!("chat-{number}"), draw_chat(number, random)))
        .collect()
}

/// Draws how long after an end a customer writes again, in milliseconds: before the chat is archived, and after.
fn draw_return(random: &mut StdRng) -> u64 {
    random.random_range(11_000..30_000)
}

fn draw_chat(random: &mut StdRng, number: usize, faulty_ms: u64) -> PlannedChat {
    let mut chat = PlannedChat::default();
    let mut at_ms = random.random_range(500..faulty_ms * 2 / 3);
    // A chat of which nothing is shown any more after an outage is unknown to the product: nothing lists the chats of an agent.
    let over_ms = faulty_ms + random.random_range(70_000..90_000);
    let mut returns_after_ms = random
        .random_bool(0.4)
        .then(|| random.random_range(30_000..over_ms - 40_000));
    while at_ms < over_ms {
        let count = chat.customer.len();
        if count > 0 && returns_after_ms.is_some_and(|after_ms| after_ms < at_ms) {
            returns_after_ms = None;
            let ends_ms = at_ms + 3500;
            chat.ends_ms.push(ends_ms);
            at_ms = ends_ms + draw_return(random);
        }
        let saying = if random.random_bool(0.15) {
            SAYINGS[random.random_range(0..3)]
        } else {
            SAYINGS[random.random_range(3..SAYINGS.len())]
        };
        chat.customer.push(Writing {
            at_ms,
            text: format!("{saying} (chat {number} line {count})"),
        });
        if random.random_bool(0.3) && at_ms + 30_000 < over_ms {
            let count = chat.agent.len();
            chat.agent.push(Writing {
                at_ms: at_ms + random.random_range(200..3000),
                text: format!("let me see (chat {number} answer {count})"),
            });
        }
        at_ms += random.random_range(200..15_000);
    }
    let last_ms = chat.customer.last().map_or(over_ms, |last| last.at_ms);
    let is_ended = random.random_bool(0.7);
    let end = is_ended.then(|| last_ms + random.random_range(2000..8000));
    chat.ends_ms.extend(end);
    chat
}
