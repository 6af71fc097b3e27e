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
    DigitalContact, DigitalMessages, DigitalQuery, DigitalWalk, OPEN_STATUSES, WholeMessages,
    read_messages_again,
};
use insights_core::WithCauses;
use insights_core::backoff::{Backoff, BackoffPolicy};
use insights_core::chat::contact_board::{ContactBoard, ListedContact};
use insights_core::chat::frame::ChatEvent;
use insights_core::chat::message::Identity;
use insights_http::Deadline;
use insights_http::exchange::HttpClient;
use store::state::State;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::ended_hints::EndedHints;
use crate::hub_hints::HubHints;

/// The name of the session that learns of all contacts, whoever has them.
pub const EVERYBODY: &str = "all";

/// Time between two reads of the list of open contacts.
pub(crate) const LIST_INTERVAL: Duration = Duration::from_secs(10);

/// How long after its last reading a contact is read again that seems unchanged, in milliseconds.
const REFRESH_MS: i64 = 300_000;

/// Longest time of one request, tries and the wait for a turn included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Time between two looks for something to read where nothing is to be read.
const IDLE: Duration = Duration::from_millis(500);

/// Number of events that may wait for a session.
const EVENT_LIMIT: usize = 256;

/// Number of contacts in a row that cannot be read after which the tenant counts as away.
const MAX_FAILURES_IN_A_ROW: u32 = 3;

/// Number of failed readings of a contact that has ended after which its end is announced without a last reading. Its archive reads the
/// messages anyway.
const MAX_LAST_READS: u32 = 3;

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
    /// The state store with what scripts say of ended contacts, where that is looked at.
    ended: Option<State>,
    list_interval: Duration,
    sessions: Mutex<Sessions>,
}

/// Contacts that new sessions know from before, each with its agent.
type KnownContacts = Vec<(String, String)>;

#[derive(Debug, Default)]
struct Sessions {
    live: Vec<Session>,
    known: KnownContacts,
    has_new: bool,
    is_watching: bool,
}

/// A session that hears of the contacts of its agent.
#[derive(Debug, Clone)]
struct Session {
    agent: String,
    sender: mpsc::Sender<Watched>,
}

impl Session {
    /// Returns whether the session learns of the contacts of an agent.
    fn is_of(&self, agent: Option<&str>) -> bool {
        self.agent == EVERYBODY || agent == Some(self.agent.as_str())
    }

    /// Queues what the session learns, unless the session has ended.
    async fn queue(&self, watched: Watched) {
        // A session that has ended needs to know nothing.
        let _ = self.sender.send(watched).await;
    }
}

impl TenantChats {
    /// Builds a watch that asks nothing before the first session. With `hub`, from
    /// [`build_stream_client`](insights_http::client::build_stream_client), it listens to the event hub as well.
    #[must_use]
    pub fn new(client: TenantClient, hub: Option<HttpClient>) -> Arc<Self> {
        Arc::new(Self::with_list_interval(client, hub, LIST_INTERVAL))
    }

    /// Builds a watch as [`TenantChats::new`] does, which reads the list of open contacts at this interval.
    #[must_use]
    pub fn with_list_interval(
        client: TenantClient,
        hub: Option<HttpClient>,
        list_interval: Duration,
    ) -> Self {
        Self {
            client,
            hub,
            ended: None,
            list_interval,
            sessions: Mutex::default(),
        }
    }

    /// Looks in a state store at what scripts say of ended contacts.
    #[must_use]
    pub fn with_ended_contacts(mut self, state: State) -> Self {
        self.ended = Some(state);
        self
    }

    /// Returns the client of the tenant.
    #[must_use]
    pub fn client(&self) -> &TenantClient {
        &self.client
    }

    /// Tells a session what happens in the contacts of an agent, from all that was written in the open ones on. Of the contacts in
    /// `known`, which the session has open already, it learns when they are not open any more. The watch ends with the last session.
    pub fn watch(self: &Arc<Self>, agent: &str, known: Vec<String>) -> mpsc::Receiver<Watched> {
        let (sender, events) = mpsc::channel(EVENT_LIMIT);
        let mut sessions = self.lock();
        sessions.live.push(Session {
            agent: agent.to_owned(),
            sender,
        });
        let known = known.into_iter().map(|id| (agent.to_owned(), id));
        sessions.known.extend(known);
        sessions.has_new = true;
        if !sessions.is_watching {
            sessions.is_watching = true;
            let hints = self
                .hub
                .clone()
                .map(|http| HubHints::listen(http, self.client.clone()));
            let mut watch = Watch::new(self.client.clone(), hints, self.list_interval);
            watch.ended = self.ended.clone().map(EndedHints::new);
            tokio::spawn(watch.run(Arc::downgrade(self)));
        }
        events
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the sessions that have ended. Returns the others, and if one of them is new, the contacts that new ones know; `None` if
    /// no session is left.
    fn live_sessions(&self) -> Option<(Vec<Session>, Option<KnownContacts>)> {
        let mut sessions = self.lock();
        sessions.live.retain(|session| !session.sender.is_closed());
        if sessions.live.is_empty() {
            sessions.is_watching = false;
            sessions.known.clear();
            return None;
        }
        let known = std::mem::take(&mut sessions.known);
        let has_new = std::mem::take(&mut sessions.has_new);
        Some((sessions.live.clone(), has_new.then_some(known)))
    }
}

/// Ends the sessions if the task that watches ends by a panic, so that they are started again with a new one.
struct PanicGuard(Weak<TenantChats>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if let Some(chats) = self.0.upgrade()
            && std::thread::panicking()
        {
            *chats.lock() = Sessions::default();
        }
    }
}

/// What the sessions know of a contact.
#[derive(Debug, Default)]
struct Announced {
    agent: Option<String>,
    messages: HashSet<Identity>,
    whole: WholeMessages,
    is_assigned: bool,
}

/// The state of the task that watches.
struct Watch {
    client: TenantClient,
    board: ContactBoard,
    announced: HashMap<String, Announced>,
    started: Instant,
    list_interval: Duration,
    list_at: Instant,
    backoff: Backoff,
    failures_in_a_row: u32,
    /// The hints of the event hub, where it is listened to.
    hints: Option<HubHints>,
    /// What scripts say of ended contacts, where that is looked at.
    ended: Option<EndedHints>,
}

impl Watch {
    fn new(client: TenantClient, hints: Option<HubHints>, list_interval: Duration) -> Self {
        Self {
            client,
            board: ContactBoard::new(REFRESH_MS),
            announced: HashMap::new(),
            started: Instant::now(),
            list_interval,
            list_at: Instant::now(),
            backoff: Backoff::new(BackoffPolicy::BATCH),
            failures_in_a_row: 0,
            hints,
            ended: None,
        }
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    async fn run(mut self, chats: Weak<TenantChats>) {
        let _guard = PanicGuard(Weak::clone(&chats));
        loop {
            let Some(chats) = chats.upgrade() else {
                return;
            };
            let Some((sessions, known)) = chats.live_sessions() else {
                return;
            };
            drop(chats);
            if let Some(known) = known {
                self.begin_anew(known);
            }
            if let Some(hints) = &mut self.hints {
                hints.take_into(&mut self.board);
                hints.follow_one(&self.client, &self.board).await;
            }
            if let Some(ended) = &mut self.ended
                && ended.name_open_contact(&self.board).await
            {
                // The list is the proof.
                self.list_at = Instant::now();
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
                tracing::warn!(
                    cause = %WithCauses(&error),
                    wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                    "the open contacts of the tenant are not watched for a while"
                );
                for session in &sessions {
                    let reason = reason.clone();
                    session.queue(Watched::Down { reason, wait }).await;
                }
                tokio::time::sleep(wait).await;
                self.list_at = Instant::now();
            }
        }
    }

    /// Announces everything again, because a new session knows nothing but `known`. What the others know already is dropped there.
    fn begin_anew(&mut self, known: KnownContacts) {
        self.announced.clear();
        for (agent, id) in known {
            self.board.expect(&id);
            let contact = self.announced.entry(id).or_default();
            contact.agent = (agent != EVERYBODY).then_some(agent);
            contact.is_assigned = true;
        }
        self.board.doubt_all();
        self.list_at = Instant::now();
    }

    /// Reads the whole list of open contacts.
    async fn read_list(&mut self, sessions: &[Session]) -> Result<(), Error> {
        let mut walk = DigitalWalk::new(DigitalQuery {
            statuses: OPEN_STATUSES,
            created: None,
        });
        let mut listed = Vec::new();
        let mut agents = Vec::new();
        while let Some(contacts) = walk
            .next_page(&self.client, Deadline::within(REQUEST_TIMEOUT))
            .await?
        {
            for contact in contacts {
                listed.push(ListedContact {
                    version: version_of(&contact),
                    id: contact.id.clone(),
                });
                agents.push((contact.id, contact.agent_id));
            }
        }
        self.board.take_list(listed);
        for (id, agent) in agents {
            self.assign(id, agent, sessions).await;
        }
        self.backoff.reset();
        self.list_at = Instant::now() + self.list_interval;
        for session in sessions {
            session.queue(Watched::Listed).await;
        }
        Ok(())
    }

    /// Notes who has a contact. For the agent who had it before, it has ended.
    async fn assign(&mut self, id: String, agent: Option<String>, sessions: &[Session]) {
        let announced = self.announced.entry(id.clone()).or_default();
        if announced.agent == agent {
            return;
        }
        let before = std::mem::replace(&mut announced.agent, agent);
        // The agent who has it now learns of all of it.
        let was_assigned = std::mem::take(&mut announced.is_assigned);
        announced.messages.clear();
        self.board.take_hint(&id);
        let Some(before) = before.filter(|_| was_assigned) else {
            return;
        };
        for session in sessions.iter().filter(|session| session.agent == before) {
            let conversation_id = id.clone();
            let ended = ChatEvent::Ended { conversation_id };
            session.queue(Watched::Event(ended)).await;
        }
    }

    /// Reads the contact whose turn it is, or waits a little.
    async fn read_contact(&mut self, sessions: &[Session]) -> Result<(), Error> {
        let now_ms = self.now_ms();
        let Some(id) = self.board.next_read(now_ms) else {
            self.wait().await;
            return Ok(());
        };
        let has_ended = self.board.has_ended(&id);
        let agent = self.announced.get(&id).and_then(|it| it.agent.clone());
        let receivers: Vec<&Session> = sessions
            .iter()
            .filter(|session| session.is_of(agent.as_deref()))
            .collect();
        if receivers.is_empty() {
            // Nobody here works this contact.
            self.board.note_read(&id, now_ms);
            if has_ended {
                self.forget(&id);
            }
            return Ok(());
        }
        let deadline = Deadline::within(REQUEST_TIMEOUT);
        let whole = &mut self.announced.entry(id.clone()).or_default().whole;
        let found = match read_messages_again(&self.client, &id, whole, deadline).await {
            Ok(found) => {
                self.failures_in_a_row = 0;
                self.board.note_read(&id, now_ms);
                found.unwrap_or_default()
            }
            Err(error) => {
                self.failures_in_a_row += 1;
                let failures = self.board.note_failure(&id, now_ms);
                let is_away = self.failures_in_a_row >= MAX_FAILURES_IN_A_ROW;
                if is_away || error.retry_after().is_some() {
                    self.failures_in_a_row = 0;
                    return Err(error);
                }
                tracing::warn!(
                    conversation_id = id,
                    attempt = failures,
                    cause = %WithCauses(&error),
                    "the messages of a contact were not read, the other contacts go on"
                );
                if !has_ended || failures < MAX_LAST_READS {
                    return Ok(());
                }
                DigitalMessages::default()
            }
        };
        let mut events = self
            .announced
            .entry(id.clone())
            .or_default()
            .news(&id, &found);
        if has_ended {
            events.push(ChatEvent::Ended {
                conversation_id: id.clone(),
            });
            self.forget(&id);
        }
        for event in events {
            for receiver in &receivers {
                receiver.queue(Watched::Event(event.clone())).await;
            }
        }
        Ok(())
    }

    /// Forgets a contact that has ended.
    fn forget(&mut self, id: &str) {
        self.board.remove(id);
        self.announced.remove(id);
    }

    /// Waits until something may be to be read.
    async fn wait(&mut self) {
        let until_list = self.list_at.saturating_duration_since(Instant::now());
        let pause = tokio::time::sleep(IDLE.min(until_list));
        match &mut self.hints {
            Some(hints) => tokio::select! {
                () = pause => {}
                () = hints.wait() => {}
            },
            None => pause.await,
        }
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
