//! Watches the open digital contacts of a tenant for all sessions of a process, within the requests that the tenant allows.
//!
//! One task reads the list of open contacts and then, one after the other, the messages of those that
//! [`ContactBoard`] names. It tells each session of the contacts that belong to its agent; the session [`EVERYBODY`] learns of
//! all. How fast it may ask is the pace of the client. With `r` requests a second and `n` open contacts of which the list tells
//! what has changed, a message is seen within the interval of the list and the time of one reading; where the list does not tell, each
//! contact has its turn every `n / (r - n / 25 / 10)` seconds.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use cxone::Error;
use cxone::tenant::TenantClient;
use cxone::tenant::chats::chat_message;
use cxone::tenant::digital::{
    DigitalContact, DigitalMessages, DigitalQuery, DigitalWalk, OPEN_STATUSES, read_messages,
};
use insights_core::WithCauses;
use insights_core::backoff::{Backoff, BackoffPolicy};
use insights_core::chat::contact_board::{ContactBoard, ListedContact};
use insights_core::chat::frame::ChatEvent;
use insights_core::chat::message::Identity;
use insights_http::Deadline;
use insights_http::exchange::HttpClient;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::hub_hints::HubHints;

/// The name of the session that learns of all contacts, whoever has them.
pub const EVERYBODY: &str = "all";

/// Time between two reads of the list of open contacts.
const LIST_INTERVAL: Duration = Duration::from_secs(10);

/// How long after its last reading a contact is read again that seems unchanged.
const REFRESH_MS: i64 = 60_000;

/// Longest time of one request, tries and the wait for a turn included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Time between two looks for something to read where nothing is to be read.
const IDLE: Duration = Duration::from_millis(500);

/// Number of events that may wait for a session.
const EVENT_LIMIT: usize = 256;

/// What a session learns.
#[derive(Debug)]
pub enum Watched {
    /// The list was read: the watch is up, and everything that happened until this moment is announced.
    Listed,
    /// Something happened in a contact of the agent.
    Event(ChatEvent),
    /// The tenant cannot be read for the moment.
    Down {
        /// Why, with all causes.
        reason: String,
        /// Time until the next try.
        wait: Duration,
    },
}

/// The watch over the open contacts of a tenant.
#[derive(Debug)]
pub struct TenantChats {
    client: TenantClient,
    /// The HTTP client of the event hub, where the hub is listened to.
    hub: Option<HttpClient>,
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    by_agent: HashMap<String, mpsc::Sender<Watched>>,
    /// The sessions that do not know of the open contacts yet.
    new: HashSet<String>,
    is_watching: bool,
}

impl TenantChats {
    /// Builds a watch that asks nothing before the first session. With `hub`, from
    /// [`build_stream_client`](insights_http::client::build_stream_client), it listens to the event hub as well.
    #[must_use]
    pub fn new(client: TenantClient, hub: Option<HttpClient>) -> Arc<Self> {
        Arc::new(Self {
            client,
            hub,
            sessions: Mutex::default(),
        })
    }

    /// Returns the client of the tenant.
    #[must_use]
    pub fn client(&self) -> &TenantClient {
        &self.client
    }

    /// Tells a session what happens in the contacts of an agent, from all that was written in the open ones on. The watch ends with
    /// the last session.
    pub fn watch(self: &Arc<Self>, agent: &str) -> mpsc::Receiver<Watched> {
        let (sender, events) = mpsc::channel(EVENT_LIMIT);
        let mut sessions = self.lock();
        sessions.by_agent.insert(agent.to_owned(), sender);
        sessions.new.insert(agent.to_owned());
        if !sessions.is_watching {
            sessions.is_watching = true;
            let hints = self
                .hub
                .clone()
                .map(|http| HubHints::listen(http, self.client.clone()));
            let watch = Watch::new(self.client.clone(), hints);
            tokio::spawn(watch.run(Arc::downgrade(self)));
        }
        events
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the sessions that have ended. Returns the others, and whether one of them is new; `None` if none is left.
    fn live_sessions(&self) -> Option<(HashMap<String, mpsc::Sender<Watched>>, bool)> {
        let mut sessions = self.lock();
        sessions.by_agent.retain(|_, sender| !sender.is_closed());
        if sessions.by_agent.is_empty() {
            sessions.is_watching = false;
            return None;
        }
        let has_new = !std::mem::take(&mut sessions.new).is_empty();
        Some((sessions.by_agent.clone(), has_new))
    }
}

/// What the sessions know of a contact.
#[derive(Debug, Default)]
struct Announced {
    agent: Option<String>,
    messages: HashSet<Identity>,
    is_assigned: bool,
}

/// The state of the task that watches.
struct Watch {
    client: TenantClient,
    board: ContactBoard,
    announced: HashMap<String, Announced>,
    list_at: Instant,
    backoff: Backoff,
    /// The hints of the event hub, where it is listened to.
    hints: Option<HubHints>,
}

impl Watch {
    fn new(client: TenantClient, hints: Option<HubHints>) -> Self {
        Self {
            client,
            board: ContactBoard::new(REFRESH_MS),
            announced: HashMap::new(),
            list_at: Instant::now(),
            backoff: Backoff::new(BackoffPolicy::BATCH),
            hints,
        }
    }

    async fn run(mut self, chats: Weak<TenantChats>) {
        loop {
            let Some(chats) = chats.upgrade() else {
                return;
            };
            let Some((sessions, has_new)) = chats.live_sessions() else {
                return;
            };
            drop(chats);
            if has_new {
                // The new session knows nothing: everything that is open is announced again, and what is known is dropped there.
                self.announced.clear();
                self.board.doubt_all();
                self.list_at = Instant::now();
            }
            if let Some(hints) = &mut self.hints {
                hints.take_into(&mut self.board);
                hints.follow_one(&self.client, &self.board).await;
            }
            let step = if Instant::now() >= self.list_at {
                self.read_list(&sessions).await
            } else {
                self.read_contact(&sessions).await
            };
            if let Err(error) = step {
                let wait = self.backoff.next_delay(rand::random());
                let wait = wait.max(error.retry_after().unwrap_or_default());
                let reason = WithCauses(&error).to_string();
                for sender in sessions.values() {
                    let reason = reason.clone();
                    let _ = sender.send(Watched::Down { reason, wait }).await;
                }
                tokio::time::sleep(wait).await;
                self.list_at = Instant::now();
            }
        }
    }

    /// Reads the whole list of open contacts.
    async fn read_list(
        &mut self,
        sessions: &HashMap<String, mpsc::Sender<Watched>>,
    ) -> Result<(), Error> {
        let mut walk = DigitalWalk::new(DigitalQuery {
            statuses: OPEN_STATUSES,
            created: None,
        });
        let mut listed = Vec::new();
        let mut agents = HashMap::new();
        while let Some(contacts) = walk
            .next_page(&self.client, Deadline::within(REQUEST_TIMEOUT))
            .await?
        {
            for contact in contacts {
                listed.push(ListedContact {
                    version: version_of(&contact),
                    id: contact.id.clone(),
                });
                agents.insert(contact.id, contact.agent_id);
            }
        }
        self.board.take_list(listed);
        for (id, agent) in agents {
            self.assign(id, agent, sessions).await;
        }
        self.backoff.reset();
        self.list_at = Instant::now() + LIST_INTERVAL;
        for sender in sessions.values() {
            let _ = sender.send(Watched::Listed).await;
        }
        Ok(())
    }

    /// Notes who has a contact. For the agent who had it before, it has ended.
    async fn assign(
        &mut self,
        id: String,
        agent: Option<String>,
        sessions: &HashMap<String, mpsc::Sender<Watched>>,
    ) {
        let announced = self.announced.entry(id.clone()).or_default();
        if announced.agent == agent {
            return;
        }
        let before = std::mem::replace(&mut announced.agent, agent);
        if announced.is_assigned
            && let Some(sender) = before.and_then(|before| sessions.get(&before))
        {
            let ended = ChatEvent::Ended {
                conversation_id: id,
            };
            let _ = sender.send(Watched::Event(ended)).await;
        }
        // The agent who has it now learns of all of it.
        announced.is_assigned = false;
        announced.messages.clear();
        self.board.doubt_all();
    }

    /// Reads the contact whose turn it is, or waits a little.
    async fn read_contact(
        &mut self,
        sessions: &HashMap<String, mpsc::Sender<Watched>>,
    ) -> Result<(), Error> {
        let now_ms = Timestamp::now().as_millisecond();
        let Some(id) = self.board.next_read(now_ms) else {
            let until_list = self.list_at.saturating_duration_since(Instant::now());
            let pause = tokio::time::sleep(IDLE.min(until_list));
            match &mut self.hints {
                Some(hints) => tokio::select! {
                    () = pause => {}
                    () = hints.wait() => {}
                },
                None => pause.await,
            }
            return Ok(());
        };
        let has_ended = self.board.has_ended(&id);
        let announced = self.announced.entry(id.clone()).or_default();
        let receivers: Vec<_> = [announced.agent.as_deref(), Some(EVERYBODY)]
            .into_iter()
            .flatten()
            .filter_map(|name| sessions.get(name))
            .collect();
        if receivers.is_empty() && !has_ended {
            // Nobody here works this contact.
            self.board.note_read(&id, now_ms);
            return Ok(());
        }
        let deadline = Deadline::within(REQUEST_TIMEOUT);
        let found = match read_messages(&self.client, &id, deadline).await {
            Ok(found) => found.unwrap_or_default(),
            Err(error) if error.is_retryable() || error.is_access_refused() => {
                self.board.note_failure(&id, now_ms);
                return Err(error);
            }
            Err(error) => {
                tracing::warn!(
                    conversation_id = id,
                    cause = %WithCauses(&error),
                    "the messages of a contact were not read, the other contacts go on"
                );
                self.board.note_failure(&id, now_ms);
                DigitalMessages::default()
            }
        };
        self.board.note_read(&id, now_ms);
        let mut events = announced.news(&id, &found);
        if has_ended {
            events.push(ChatEvent::Ended {
                conversation_id: id.clone(),
            });
            self.board.remove(&id);
            self.announced.remove(&id);
        }
        for event in events {
            for receiver in &receivers {
                let _ = receiver.send(Watched::Event(event.clone())).await;
            }
        }
        Ok(())
    }
}

impl Announced {
    /// Returns what a reading brings that is new.
    fn news(&mut self, id: &str, found: &DigitalMessages) -> Vec<ChatEvent> {
        let mut events = Vec::new();
        if !self.is_assigned {
            self.is_assigned = true;
            events.push(ChatEvent::Assigned {
                conversation_id: id.to_owned(),
            });
        }
        let messages = found.messages.iter().filter_map(|it| chat_message(id, it));
        for message in messages {
            if self.messages.insert(message.identity()) {
                events.push(ChatEvent::Message(message));
            }
        }
        events
    }
}

/// Returns what changes in the row of a contact with each message; `None` where the row does not tell.
fn version_of(contact: &DigitalContact) -> Option<u64> {
    let (inbound, outbound) = contact.message_counts?;
    let updated = contact
        .status_updated_at
        .map_or(0, |at| at.as_millisecond());
    Some(
        inbound
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(outbound.wrapping_mul(0xc2b2_ae3d_27d4_eb4f))
            .wrapping_add(updated.unsigned_abs()),
    )
}
