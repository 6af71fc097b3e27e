//! One digital contact with its messages, which appear as time passes.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::conversations::{Author, Line};
use crate::tenant::contact::{Channel, Contact, noise};
use crate::tenant::people::{AGENTS, Agent, SKILLS, Skill};

/// Updates that a contact takes at once.
const BURST: f64 = 250.0;
/// Updates that a contact takes each minute in the long run.
const REFILL_PER_MINUTE: f64 = 17.0;
/// Time that an open contact is taken to last from now, where something must have an end.
const OPEN_END: SignedDuration = SignedDuration::from_hours(24);

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The customer of the contact center.
    Customer,
    /// An agent of the contact center.
    Agent,
    /// A bot of the contact center.
    Bot,
}

/// A message of a digital contact.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Id of the message.
    pub id: String,
    /// Time of the message.
    pub at: Timestamp,
    /// Writer of the message.
    pub writer: Writer,
    /// Whole text of the message.
    pub text: String,
    /// Sentiment that the contact center or a client gave the message.
    pub sentiment: Option<String>,
    /// Numbers of the message's tags.
    pub tags: Vec<i64>,
    /// Notes on the message.
    pub notes: Vec<String>,
}

/// A digital contact with its messages.
#[derive(Debug, Clone)]
pub struct Case {
    /// Number of the contact.
    pub number: i64,
    /// Status: `new`, `open`, `pending`, `escalated`, `resolved`, `closed` or `trashed`.
    pub status: String,
    /// Time of the status.
    pub status_updated: Timestamp,
    /// Time of the contact's first message.
    pub created: Timestamp,
    /// Messages that have appeared so far.
    pub messages: Vec<Message>,
    /// Values of custom fields, each with the time of its last change.
    pub custom_fields: BTreeMap<String, (String, Timestamp)>,
    /// Agent to whom the contact is assigned.
    pub agent: &'static Agent,
    /// Skill to which the contact is routed.
    pub skill: &'static Skill,
    /// GUID of the queue to which the contact is routed.
    pub queue: String,
    /// Priority in the queue.
    pub priority: i64,
    /// When the texts were removed, if they were.
    pub removed: Option<Timestamp>,
    /// Number of times that the messages were read after the end.
    pub(super) closed_reads: u64,
    /// Number of the agent's messages for which the contact had no update left.
    pub blocked_agent_messages: u64,
    pub(super) is_of_history: bool,
    has_bot: bool,
    outcome: String,
    pending: VecDeque<(Timestamp, Writer, String)>,
    closes_at: Option<Timestamp>,
    updates_left: f64,
    updates_at: Timestamp,
}

impl Case {
    /// Returns an open contact without messages that was made at a time.
    #[must_use]
    pub fn new(number: i64, created: Timestamp) -> Self {
        let noise = noise(0, number);
        let skill = &SKILLS[(noise >> 8) as usize % SKILLS.len()];
        Self {
            number,
            status: "open".to_owned(),
            status_updated: created,
            created,
            messages: Vec::new(),
            custom_fields: BTreeMap::new(),
            agent: &AGENTS[noise as usize % AGENTS.len()],
            skill,
            queue: skill.queue.to_owned(),
            priority: 0,
            removed: None,
            closed_reads: 0,
            blocked_agent_messages: 0,
            is_of_history: false,
            has_bot: false,
            outcome: "resolved".to_owned(),
            pending: VecDeque::new(),
            closes_at: None,
            updates_left: BURST,
            updates_at: created,
        }
    }

    /// Returns the digital contact of a past or running one, with the messages that are there at `now`.
    pub(super) fn of_history(contact: &Contact, now: Timestamp) -> Self {
        let is_bot = contact.channel == Channel::Bot;
        let outbound = if is_bot { Writer::Bot } else { Writer::Agent };
        let pending = contact.spoken().map(|(_, at, line)| {
            let writer = if line.author == Author::Customer {
                Writer::Customer
            } else {
                outbound
            };
            (at, writer, line.text.clone())
        });
        let mut case = Self {
            agent: contact.agent,
            skill: contact.skill,
            queue: contact.skill.queue.to_owned(),
            is_of_history: true,
            has_bot: is_bot,
            pending: pending.collect(),
            closes_at: Some(contact.end),
            ..Self::new(contact.id, contact.start)
        };
        case.outcome.clone_from(&contact.outcome);
        case.play(now);
        case
    }

    /// Plans a message, which appears at its time.
    pub(super) fn plan(&mut self, at: Timestamp, writer: Writer, text: String) {
        self.pending.push_back((at, writer, text));
    }

    /// Plans the end of the contact.
    pub(super) fn plan_end(&mut self, at: Timestamp) {
        self.closes_at = Some(at);
    }

    /// Adds what has become due, and returns the messages that appeared and whether the contact ended.
    pub(super) fn play(&mut self, now: Timestamp) -> (Vec<usize>, bool) {
        let mut appeared = Vec::new();
        while let Some((at, writer, text)) = self.pending.pop_front_if(|planned| planned.0 <= now) {
            appeared.push(self.messages.len());
            self.add(at, writer, text);
        }
        let ends = self.closes_at.take_if(|at| *at <= now);
        if let Some(at) = ends {
            self.set_status("closed", at);
        }
        (appeared, ends.is_some())
    }

    /// Adds a message now. A message of the customer opens a contact again that has ended.
    pub(super) fn add(&mut self, at: Timestamp, writer: Writer, text: String) -> usize {
        if !self.take_update(at) && writer != Writer::Customer {
            self.blocked_agent_messages += 1;
        }
        if writer == Writer::Customer && self.has_ended() {
            self.set_status("open", at);
        }
        self.messages.push(Message {
            id: format!("{}_m{}", self.thread(), self.messages.len() + 1),
            at,
            writer,
            text,
            sentiment: (writer == Writer::Customer).then(|| "neutral".to_owned()),
            tags: Vec::new(),
            notes: Vec::new(),
        });
        self.messages.len() - 1
    }

    /// Sets the status at a time.
    pub(super) fn set_status(&mut self, status: &str, at: Timestamp) {
        status.clone_into(&mut self.status);
        self.status_updated = at;
    }

    /// Takes one of the updates that the contact has left, if there is one.
    pub(super) fn take_update(&mut self, now: Timestamp) -> bool {
        let seconds = now.duration_since(self.updates_at).as_secs_f64().max(0.0);
        self.updates_at = self.updates_at.max(now);
        self.updates_left = (self.updates_left + seconds / 60.0 * REFILL_PER_MINUTE).min(BURST);
        let is_left = self.updates_left >= 1.0;
        if is_left {
            self.updates_left -= 1.0;
        }
        is_left
    }

    /// Returns whether the contact has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.status.as_str(), "closed" | "trashed")
    }

    /// Returns the id of the channel.
    #[must_use]
    pub fn channel(&self) -> &'static str {
        if self.has_bot { "chat_bot" } else { "chat_sim" }
    }

    /// Returns the id of the thread, which holds the contact's number.
    #[must_use]
    pub fn thread(&self) -> String {
        format!("{}_{}", self.channel(), self.number)
    }

    /// Returns the contact as the contact lists and analytics see it.
    pub(super) fn to_contact(&self, now: Timestamp) -> Contact {
        let line = |message: &Message| Line {
            author: if message.writer == Writer::Customer {
                Author::Customer
            } else {
                Author::Agent
            },
            text: message.text.clone(),
            timestamp: Some(message.at.to_string()),
        };
        let noise = noise(0, self.number);
        Contact {
            id: self.number,
            master_id: self.number,
            channel: if self.has_bot {
                Channel::Bot
            } else {
                Channel::Chat
            },
            start: self.created,
            end: if self.has_ended() {
                self.status_updated
            } else {
                now + OPEN_END
            },
            outcome: self.outcome.clone(),
            lines: Some(self.messages.iter().map(line).collect()),
            language: "en-us",
            agent: self.agent,
            skill: self.skill,
            has_segment: true,
            noise,
        }
    }
}

/// Returns the contact's number that the id of a thread or a message holds.
pub(super) fn number_in(id: &str) -> Option<i64> {
    id.split('_').nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_takes_250_updates_at_once_and_17_a_minute() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let mut case = Case::new(1, start);
        let taken =
            |case: &mut Case, at: Timestamp| (0..400).filter(|_| case.take_update(at)).count();
        assert_eq!(taken(&mut case, start), 250);
        assert_eq!(taken(&mut case, start + SignedDuration::from_secs(60)), 17);
        case.add(
            start + SignedDuration::from_secs(60),
            Writer::Agent,
            "Hello".to_owned(),
        );
        assert_eq!(case.blocked_agent_messages, 1);
    }

    #[test]
    fn messages_appear_at_their_time_and_a_customer_opens_a_contact_again() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let mut case = Case::new(127_000_000_001, at(0));
        case.plan(at(5), Writer::Customer, "Hello?".to_owned());
        case.plan(at(9), Writer::Agent, "Hi.".to_owned());
        case.plan_end(at(10));
        assert_eq!(case.play(at(5)), (vec![0], false));
        assert_eq!(case.play(at(20)), (vec![1], true));
        assert_eq!(
            (case.status.as_str(), case.status_updated),
            ("closed", at(10))
        );
        assert_eq!(number_in(&case.messages[1].id), Some(127_000_000_001));
        case.add(at(30), Writer::Customer, "One more thing.".to_owned());
        assert_eq!(case.status, "open");
    }
}
