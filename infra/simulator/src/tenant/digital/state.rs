//! The digital contacts of a simulated tenant, and what tests do to them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, Message, Writer, number_in};
use crate::chat::ScriptedChat;
use crate::tenant::clock::Clock;
use crate::tenant::contact::Contact;
use crate::tenant::history::History;

/// Something that happened to a digital contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// A message was added, at this place.
    Message(usize),
    /// A message was changed, at this place.
    Changed(usize),
    /// The status of the contact changed.
    Status,
}

/// One event in the order in which they happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tenant) struct Event {
    /// Number of the contact.
    pub(in crate::tenant) number: i64,
    /// What happened to the contact.
    pub(in crate::tenant) happened: Happened,
    /// Id by which repeats of the event are recognized.
    pub(in crate::tenant) trace: String,
}

/// The digital contacts of a tenant.
#[derive(Debug)]
pub struct Digital {
    clock: Clock,
    history: Arc<History>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Chats of the scenario that have not begun: they do so at the first list.
    scripts: Vec<ScriptedChat>,
    cases: BTreeMap<i64, Case>,
    events: Vec<Event>,
    next_number: i64,
    /// Remaining numbers of each list that is read page by page, by its scroll token.
    scrolls: HashMap<String, Scroll>,
    removed: Option<i64>,
}

/// The rest of a list that is read page by page.
#[derive(Debug, Clone)]
pub(in crate::tenant) struct Scroll {
    pub(in crate::tenant) hits: usize,
    pub(in crate::tenant) rest: Vec<i64>,
}

impl Digital {
    /// Returns the contacts of the scenario's chats, which begin when contacts are first listed.
    #[must_use]
    pub fn new(
        scripts: Vec<ScriptedChat>,
        first_number: i64,
        clock: Clock,
        history: Arc<History>,
    ) -> Self {
        let inner = Inner {
            scripts,
            next_number: first_number,
            ..Inner::default()
        };
        Self {
            clock,
            history,
            inner: Mutex::new(inner),
        }
    }

    /// Begins an open contact without messages and returns its number.
    pub fn open(&self) -> i64 {
        let now = self.clock.now();
        let mut inner = self.lock();
        let number = inner.next();
        inner.cases.insert(number, Case::new(number, now));
        inner.happen(number, Happened::Status);
        number
    }

    /// Adds a message now and returns its id; `None` if there is no such contact.
    pub fn say(&self, number: i64, writer: Writer, text: &str) -> Option<String> {
        let now = self.clock.now();
        self.with(number, |case| {
            let was_closed = case.has_ended();
            let place = case.add(now, writer, text.to_owned());
            let mut happened = vec![Happened::Message(place)];
            if was_closed && !case.has_ended() {
                happened.push(Happened::Status);
            }
            (case.messages[place].id.clone(), happened)
        })
    }

    /// Ends a contact now; does nothing if there is no such contact.
    pub fn close(&self, number: i64) {
        let now = self.clock.now();
        self.with(number, |case| {
            case.set_status("closed", now);
            ((), vec![Happened::Status])
        });
    }

    /// Changes the text of a message, as a customer who edits it does.
    pub fn edit(&self, message_id: &str, text: &str) {
        let Some(number) = number_in(message_id) else {
            return;
        };
        self.with(number, |case| {
            let place = case.messages.iter().position(|it| it.id == message_id);
            let happened = place.map(|place| {
                text.clone_into(&mut case.messages[place].text);
                Happened::Changed(place)
            });
            ((), happened.into_iter().collect())
        });
    }

    /// Returns a contact as it is now.
    #[must_use]
    pub fn case(&self, number: i64) -> Option<Case> {
        self.with(number, |case| (case.clone(), Vec::new()))
    }

    /// Returns the values of a contact's custom fields.
    #[must_use]
    pub fn custom_fields(&self, number: i64) -> BTreeMap<String, String> {
        let case = self.case(number);
        let fields = case.into_iter().flat_map(|case| case.custom_fields);
        fields.map(|(name, (value, _))| (name, value)).collect()
    }

    /// Returns how many messages of agents found no update left, over all contacts.
    #[must_use]
    pub fn blocked_agent_messages(&self) -> u64 {
        let inner = self.lock();
        inner
            .cases
            .values()
            .map(|case| case.blocked_agent_messages)
            .sum()
    }

    /// Returns the contacts that a scenario or a test made, as the contact lists see them.
    pub(in crate::tenant) fn contacts(&self) -> Vec<Arc<Contact>> {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.play(now);
        let made = inner.cases.values().filter(|case| !case.is_of_history);
        made.map(|case| Arc::new(case.to_contact(now))).collect()
    }

    /// Returns all contacts since a time, in order of their number; the chats of the scenario begin now.
    pub(in crate::tenant) fn list(&self, days: u32, transfers: bool) -> Vec<Case> {
        let now = self.clock.now();
        let from = now - SignedDuration::from_hours(24 * i64::from(days));
        let past = self.history.between(from, now, transfers);
        let mut inner = self.lock();
        inner.begin(now);
        inner.play(now);
        let mut found: Vec<Case> = inner.cases.values().cloned().collect();
        for contact in past.iter().filter(|contact| contact.channel.is_digital()) {
            if !inner.cases.contains_key(&contact.id) {
                found.push(Case::of_history(contact, now));
            }
        }
        found.sort_by_key(|case| (case.created, case.number));
        found
    }

    /// Works on a contact and returns the result, with what happened to the contact by it. `None` if there is no such contact.
    pub(in crate::tenant) fn with<T>(
        &self,
        number: i64,
        work: impl FnOnce(&mut Case) -> (T, Vec<Happened>),
    ) -> Option<T> {
        let now = self.clock.now();
        let mut inner = self.lock();
        if let Entry::Vacant(vacant) = inner.cases.entry(number) {
            let past = self.history.contact(number, false)?;
            let is_known = past.channel.is_digital() && past.start <= now;
            vacant.insert(is_known.then(|| Case::of_history(&past, now))?);
        }
        inner.play(now);
        let (result, happened) = work(inner.cases.get_mut(&number)?);
        for happened in happened {
            inner.happen(number, happened);
        }
        Some(result)
    }

    /// Counts a read of an ended contact's messages. The first contact that is read again loses its texts.
    pub(in crate::tenant) fn count_read(&self, number: i64) {
        let now = self.clock.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let has_removed = inner.removed.is_some();
        if let Some(case) = inner.cases.get_mut(&number)
            && case.has_ended()
        {
            case.closed_reads += 1;
            if !has_removed && case.closed_reads == 2 {
                case.removed = Some(now);
                inner.removed = Some(number);
            }
        }
    }

    /// Returns the contact whose texts were removed, if one was.
    #[must_use]
    pub fn removed(&self) -> Option<i64> {
        self.lock().removed
    }

    /// Returns the events from a place on, and the place after them.
    pub(in crate::tenant) fn events_from(&self, place: usize) -> (Vec<Event>, usize) {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.play(now);
        let events = inner.events.get(place..).unwrap_or_default().to_vec();
        (events, inner.events.len())
    }

    /// Keeps the rest of a list under a new token.
    pub(in crate::tenant) fn keep(&self, scroll: Scroll) -> String {
        let token = format!("c2Nyb2xs{}", uuid::Uuid::new_v4().simple());
        self.lock().scrolls.insert(token.clone(), scroll);
        token
    }

    /// Returns the rest of a list that was kept under a token.
    pub(in crate::tenant) fn kept(&self, token: &str) -> Option<Scroll> {
        self.lock().scrolls.get(token).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn next(&mut self) -> i64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    fn happen(&mut self, number: i64, happened: Happened) {
        let trace = uuid::Uuid::new_v4().to_string();
        self.events.push(Event {
            number,
            happened,
            trace,
        });
    }

    /// Begins the chats of the scenario.
    fn begin(&mut self, now: Timestamp) {
        for script in std::mem::take(&mut self.scripts) {
            let number = self.next();
            let mut case = Case::new(number, now);
            let mut at = now;
            for line in script.lines {
                at += Duration::from_millis(line.after_ms);
                let writer = match line.from.as_str() {
                    "customer" => Writer::Customer,
                    "bot" => Writer::Bot,
                    _ => Writer::Agent,
                };
                case.plan(at, writer, line.text);
            }
            if script.ends {
                case.plan_end(at);
            }
            self.cases.insert(number, case);
        }
    }

    /// Adds what has become due in all contacts.
    fn play(&mut self, now: Timestamp) {
        let mut all = Vec::new();
        for (number, case) in &mut self.cases {
            let (appeared, ended) = case.play(now);
            all.extend(
                appeared
                    .into_iter()
                    .map(|place| (*number, Happened::Message(place))),
            );
            if ended {
                all.push((*number, Happened::Status));
            }
        }
        for (number, happened) in all {
            self.happen(number, happened);
        }
    }
}

/// Returns the message of an id within a contact.
pub(in crate::tenant) fn message_mut<'a>(
    case: &'a mut Case,
    id: &str,
) -> Option<(usize, &'a mut Message)> {
    let mut messages = case.messages.iter_mut().enumerate();
    messages.find(|(_, message)| message.id == id)
}
