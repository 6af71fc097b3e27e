//! What a session knows: its chats, what waits, and what it has counted.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use insights_core::chat::archive::Gap;
use insights_core::chat::envelope::MalformedCounts;
use insights_core::chat::escalation::RaisedSeverities;
use insights_core::chat::histogram::Histogram;
use insights_core::chat::known::Known;
use insights_core::chat::merge::Heard;
use insights_core::chat::pace::Pacer;
use insights_core::chat::sla::{Latency, SlaTracker};
use jiff::Timestamp;
use store::state::{Put, StateStore};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outbound::Outbox;
use super::{Options, Summary, Update};
use crate::notify::Notice;
use crate::records::{self, Phase, SessionRecord};
use crate::{Deps, scoring};

/// Identities remembered of a chat, so that a repeat is told in memory: a repeat older than this overwrites itself.
const KNOWN: usize = 2000;
/// Chats remembered as ended, so that a late message does not count as a new chat.
const ENDED: usize = 1000;
/// Outages remembered.
const OUTAGES: usize = 500;
/// Waits between tries to store, the first and the longest.
const STORE_RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// A message on its way to its turn. It is stored already.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) heard: Heard,
    pub(super) latency: Option<Latency>,
    /// When it was received, if it has not had to wait for its turn.
    pub(super) at: Option<Instant>,
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Chat {
    pub(super) known: Known,
    pub(super) escalated: RaisedSeverities,
    pub(super) ended: bool,
    pub(super) touched: Instant,
    /// Messages stored by this session: one more than an archive began with means that it must be archived again.
    pub(super) stored: u64,
    pub(super) archiving: bool,
    /// Not archived again before.
    pub(super) archive_from: Instant,
}

impl Chat {
    pub(super) fn new(ended: bool) -> Self {
        let now = Instant::now();
        Self {
            known: Known::new(KNOWN),
            escalated: RaisedSeverities::default(),
            ended,
            touched: now,
            stored: 0,
            archiving: false,
            archive_from: now,
        }
    }
}

/// What a session counts beside what its parts count.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) messages: u64,
    pub(super) recovered: u64,
    pub(super) duplicates: u64,
    pub(super) malformed: MalformedCounts,
    pub(super) connections: u64,
    pub(super) escalations: u64,
    pub(super) archived: u64,
    pub(super) unscored: u64,
    pub(super) not_shown: u64,
}

/// The state of a session; only its one task changes it.
pub(super) struct Desk {
    pub(super) deps: Arc<Deps>,
    pub(super) agent: String,
    pub(super) holder: String,
    pub(super) chats: HashMap<String, Chat>,
    pub(super) ended: VecDeque<String>,
    pub(super) pacer: Pacer<Waiting>,
    pub(super) outbox: Outbox,
    pub(super) outages: Vec<Gap>,
    /// When the stream of an earlier session was last up, if that one ended without an end.
    pub(super) down_since: Option<i64>,
    pub(super) sla: SlaTracker,
    pub(super) added: Histogram,
    pub(super) counts: Counts,
    pub(super) breach_logged: Option<Instant>,
    pub(super) heard_ms: i64,
    pub(super) connected: bool,
    pub(super) arrival: u64,
    pub(super) updates: Option<mpsc::Sender<Update>>,
    pub(super) notices: mpsc::UnboundedSender<Notice>,
    pub(super) scoring: Option<mpsc::Sender<Heard>>,
    pub(super) active: watch::Sender<usize>,
    pub(super) lost: CancellationToken,
}

impl Desk {
    pub(super) fn new(deps: Arc<Deps>, agent: &str, options: &Options, parts: Parts) -> Self {
        let config = &deps.config;
        Self {
            agent: agent.to_owned(),
            holder: options.holder.clone(),
            chats: HashMap::new(),
            ended: VecDeque::new(),
            pacer: Pacer::new(config.rate, config.room),
            outbox: Outbox::new(config.rate),
            outages: Vec::new(),
            down_since: None,
            sla: SlaTracker::new(config.sla),
            added: Histogram::default(),
            counts: Counts::default(),
            breach_logged: None,
            heard_ms: Timestamp::now().as_millisecond(),
            connected: false,
            arrival: 0,
            updates: options.updates.clone(),
            notices: parts.notices,
            scoring: parts.scoring,
            active: watch::channel(0).0,
            lost: parts.lost,
            deps,
        }
    }

    /// Stores; tries again until it is stored or the lease is lost. Only then is anything else done with what was stored.
    pub(super) async fn store(&self, puts: Vec<Put>) -> anyhow::Result<()> {
        if puts.is_empty() {
            return Ok(());
        }
        let mut wait = STORE_RETRY.0;
        loop {
            match self
                .deps
                .state
                .put_many(puts.clone(), Timestamp::now())
                .await
            {
                Ok(()) => return Ok(()),
                Err(error) if error.is_retryable() => {
                    tracing::warn!(agent = self.agent, error = %error, items = puts.len(), "not stored yet");
                    tokio::select! {
                        () = tokio::time::sleep(wait) => wait = (wait * 2).min(STORE_RETRY.1),
                        () = self.lost.cancelled() => return Err(error).context("the lease ended before messages were stored"),
                    }
                }
                Err(error) => return Err(error).context("messages were not stored"),
            }
        }
    }

    /// A write that is kept as long as messages are.
    pub(super) fn put(
        &self,
        key: store::state::Key,
        value: &impl serde::Serialize,
    ) -> anyhow::Result<Put> {
        Ok(records::put(
            key,
            value,
            Timestamp::now(),
            self.deps.config.retention,
        )?)
    }

    /// Writes how far the session has come.
    pub(super) async fn record(&self, phase: Phase) -> anyhow::Result<()> {
        let (holder, connected, heard_ms) = (self.holder.clone(), self.connected, self.heard_ms);
        let record = SessionRecord {
            holder,
            phase,
            connected,
            heard_ms,
        };
        self.store(vec![self.put(records::session(&self.agent), &record)?])
            .await
    }

    /// The next arrival number: microseconds since the epoch, each greater than the one before, over sessions too.
    pub(super) fn next_arrival(&mut self) -> u64 {
        let now = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or(0);
        self.arrival = now.max(self.arrival + 1);
        self.arrival
    }

    /// Shows something, unless its reader is too slow.
    pub(super) fn show(&mut self, update: impl FnOnce() -> Update) {
        if let Some(updates) = &self.updates
            && updates.try_send(update()).is_err()
        {
            self.counts.not_shown += 1;
        }
    }

    /// Tells presence how many chats are active.
    pub(super) fn count_active(&self) {
        let active = self.chats.values().filter(|chat| !chat.ended).count();
        self.active
            .send_if_modified(|count| std::mem::replace(count, active) != active);
    }

    /// Remembers an outage, the oldest forgotten.
    pub(super) fn note_outage(&mut self, gap: Gap) {
        if self.outages.len() >= OUTAGES {
            self.outages.remove(0);
        }
        self.outages.push(gap);
    }

    /// Forgets a chat that is archived; it is remembered as ended.
    pub(super) fn forget(&mut self, conversation: &str) {
        self.chats.remove(conversation);
        if self.ended.len() >= ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(conversation.to_owned());
    }

    /// What the session did.
    pub(super) fn summary(&self) -> Summary {
        let ms = |percent| {
            self.added
                .percentile(percent)
                .map(|micros| micros as f64 / 1000.0)
        };
        let counts = &self.counts;
        Summary {
            messages: counts.messages,
            recovered: counts.recovered,
            duplicates: counts.duplicates,
            sent: self.outbox.sent(),
            malformed: counts.malformed,
            pace: self.pacer.counts(),
            sla: self.sla.summary(),
            added_ms: [ms(50.0), ms(95.0), ms(99.0), ms(100.0)],
            connections: counts.connections,
            escalations: counts.escalations,
            archived: counts.archived,
            unscored: counts.unscored,
            not_shown: counts.not_shown,
        }
    }
}

/// The ends of a session's other tasks.
pub(super) struct Parts {
    pub(super) notices: mpsc::UnboundedSender<Notice>,
    pub(super) scoring: Option<mpsc::Sender<Heard>>,
    pub(super) lost: CancellationToken,
}

impl Parts {
    /// Starts the tasks that tell of escalations and score with the model; they end when the session does.
    pub(super) fn start(deps: &Arc<Deps>, options: &Options, lost: CancellationToken) -> Self {
        let notices = super::escalate::start(Arc::clone(deps));
        let model: &scoring::Scorer = &deps.scorer;
        let scoring = model
            .is_there()
            .then(|| super::score::start(Arc::clone(deps), options.updates.clone()));
        Self {
            notices,
            scoring,
            lost,
        }
    }
}
