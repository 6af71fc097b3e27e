//! Listens to the event hub of a tenant, and follows the open contacts there.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use cxone::tenant::TenantClient;
use cxone::tenant::event_hub::{EventHub, HubEnd, follow_contact};
use insights_core::WithCauses;
use insights_core::chat::contact_board::ContactBoard;
use insights_http::Deadline;
use insights_http::exchange::HttpClient;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Longest time of one attempt to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Wait after the first failed attempt to connect; each further one adds as much.
const RECONNECT_STEP: Duration = Duration::from_secs(6);

/// Longest wait between two attempts to connect.
const LONGEST_RECONNECT: Duration = Duration::from_secs(120);

/// Wait after the hub was connected to too often.
const TOO_MANY_WAIT: Duration = Duration::from_secs(60);

/// How long a contact is followed by one request, with some time to spare.
const FOLLOWED_FOR: Duration = Duration::from_secs(270);

/// Longest time of one request to follow a contact.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(10);

/// Number of hints that may wait. More of them are not worth keeping: every contact is read now and then.
const HINT_LIMIT: usize = 1024;

/// What the hub tells.
#[derive(Debug)]
enum Hint {
    /// The connection is new: what happened before it stays unknown.
    Connected,
    /// Something happened in this contact.
    Contact(String),
    /// The connection is gone.
    Disconnected,
}

/// The hints of the event hub. The connection ends when this is dropped.
#[derive(Debug)]
pub(crate) struct HubHints {
    hints: mpsc::Receiver<Hint>,
    /// A hint that was waited for and is not taken yet.
    next: Option<Hint>,
    is_connected: bool,
    /// When each contact was last asked to be followed.
    followed: HashMap<String, Instant>,
    _task: AbortOnDropHandle<()>,
}

impl HubHints {
    /// Begins to listen to the events of a tenant.
    pub(crate) fn listen(http: HttpClient, client: TenantClient) -> Self {
        let (sender, hints) = mpsc::channel(HINT_LIMIT);
        let task = tokio::spawn(listen(http, client, sender));
        Self {
            hints,
            next: None,
            is_connected: false,
            followed: HashMap::new(),
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Waits until there is a hint.
    pub(crate) async fn wait(&mut self) {
        if self.next.is_none() {
            match self.hints.recv().await {
                Some(hint) => self.next = Some(hint),
                None => std::future::pending().await,
            }
        }
    }

    /// Passes all hints on to the board.
    pub(crate) fn take_into(&mut self, board: &mut ContactBoard) {
        while let Some(hint) = self.next.take().or_else(|| self.hints.try_recv().ok()) {
            match hint {
                Hint::Connected => {
                    self.is_connected = true;
                    self.followed.clear();
                    board.doubt_all();
                }
                Hint::Disconnected => self.is_connected = false,
                Hint::Contact(id) => board.take_hint(&id),
            }
        }
    }

    /// Asks the hub to follow the open contact whose turn it is, while the hub is connected.
    pub(crate) async fn follow_one(&mut self, client: &TenantClient, board: &ContactBoard) {
        if !self.is_connected {
            return;
        }
        let open: HashSet<&str> = board.open().collect();
        self.followed.retain(|id, _| open.contains(id.as_str()));
        let is_due = |id: &&str| {
            let at = self.followed.get(*id);
            at.is_none_or(|at| at.elapsed() >= FOLLOWED_FOR)
        };
        let Some(id) = board.open().find(is_due).map(str::to_owned) else {
            return;
        };
        // Noted first: one that fails has its next turn later, and is read by polls meanwhile.
        self.followed.insert(id.clone(), Instant::now());
        if let Err(error) = follow_contact(client, &id, Deadline::within(FOLLOW_TIMEOUT)).await {
            tracing::debug!(
                conversation_id = id,
                cause = %WithCauses(&error),
                "the event hub does not follow a contact, which is polled instead"
            );
        }
    }
}

async fn listen(http: HttpClient, client: TenantClient, hints: mpsc::Sender<Hint>) {
    let mut failures = 0_u32;
    loop {
        let deadline = Deadline::within(CONNECT_TIMEOUT);
        let wait = match EventHub::open(&http, &client, deadline).await {
            Ok(mut hub) => {
                failures = 0;
                if hints.send(Hint::Connected).await.is_err() {
                    return;
                }
                let end = loop {
                    match hub.next_hint().await {
                        // A hint that finds no room is not waited for: the contact is read in its turn.
                        Ok(id) => drop(hints.try_send(Hint::Contact(id))),
                        Err(end) => break end,
                    }
                };
                tracing::info!(cause = %WithCauses(&end), "the event hub is connected to again");
                if hints.send(Hint::Disconnected).await.is_err() {
                    return;
                }
                match end {
                    HubEnd::TokenExpires => Duration::ZERO,
                    HubEnd::TooManyConnections => TOO_MANY_WAIT,
                    HubEnd::Closed | HubEnd::HalfOpen => RECONNECT_STEP,
                }
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(
                    cause = %WithCauses(&error),
                    attempt = failures,
                    "the event hub was not connected to, contacts are polled meanwhile"
                );
                let asked = error.retry_after().unwrap_or_default();
                (RECONNECT_STEP * failures.min(20))
                    .max(asked)
                    .min(LONGEST_RECONNECT)
            }
        };
        tokio::time::sleep(wait).await;
        if hints.is_closed() {
            return;
        }
    }
}
