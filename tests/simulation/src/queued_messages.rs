//! The messages of a simulated queue, those that are hidden included.

use std::collections::BTreeMap;

use store::queue::Message;

use crate::seeded_os;

/// A message that waits or is being worked on.
#[derive(Debug, Clone)]
struct Waiting {
    body: String,
    sent_ms: u64,
    visible_ms: u64,
    deliveries: u32,
}

/// The messages, which outlive every process.
#[derive(Debug, Default)]
pub struct QueuedMessages {
    waiting: BTreeMap<u64, Waiting>,
    sent: u64,
    /// The bodies of the dead letters.
    pub dead_letters: Vec<String>,
}

impl QueuedMessages {
    /// Adds a message, and returns its number.
    pub fn send(&mut self, body: &str) -> u64 {
        self.sent += 1;
        let message = Waiting {
            body: body.to_owned(),
            sent_ms: seeded_os::elapsed_ms(),
            visible_ms: 0,
            deliveries: 0,
        };
        self.waiting.insert(self.sent, message);
        self.sent
    }

    /// Takes up to `limit` messages, and hides each for `hidden_ms`.
    pub fn receive(&mut self, limit: usize, hidden_ms: u64) -> Vec<Message> {
        let now_ms = seeded_os::elapsed_ms();
        let visible = self
            .waiting
            .iter_mut()
            .filter(|(_, message)| message.visible_ms <= now_ms);
        visible
            .take(limit)
            .map(|(number, message)| {
                message.visible_ms = now_ms + hidden_ms;
                message.deliveries += 1;
                Message {
                    id: number.to_string(),
                    receipt: format!("{number}/{}", message.deliveries),
                    body: message.body.clone(),
                    deliveries: message.deliveries,
                }
            })
            .collect()
    }

    /// Hides a delivered message for `hidden_ms` from now, unless it was deleted or delivered again since.
    pub fn give_back(&mut self, receipt: &str, hidden_ms: u64) {
        let now_ms = seeded_os::elapsed_ms();
        for (number, message) in &mut self.waiting {
            let is_hidden = message.visible_ms > now_ms;
            if is_hidden && receipt == format!("{number}/{}", message.deliveries) {
                message.visible_ms = now_ms + hidden_ms;
            }
        }
    }

    /// Deletes a message by its id.
    pub fn delete(&mut self, id: &str) {
        if let Ok(number) = id.parse::<u64>() {
            self.waiting.remove(&number);
        }
    }

    /// Returns how many messages are left of those that were sent before this moment, in milliseconds of the run.
    #[must_use]
    pub fn left_of(&self, before_ms: u64) -> usize {
        let waiting = self.waiting.values();
        waiting
            .filter(|message| message.sent_ms < before_ms)
            .count()
    }

    /// Returns how many messages are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Returns whether no message is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
