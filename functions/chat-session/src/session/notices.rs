//! The delivery of notifications about escalations and rule hits, by a task that works through the stored notices of an agent.
//!
//! A notice is stored before its escalation, and is removed when the notification is delivered and the escalation is marked so. Whatever
//! happens in between, this session or a later one finds the notice: the task reads all notices at its start and once a minute.
//!
//! While one session hands over to the next, both find the same notices. A session therefore claims a notice before it delivers the
//! notification, by a conditional write. A session that dies during a delivery leaves a claim that ends by itself. Only then may
//! a notification be delivered twice; both deliveries have the same idempotency key.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use insights_core::WithCauses;
use insights_http::backoff::{Backoff, BackoffPolicy};
use jiff::Timestamp;
use runtime::metrics;
use store::Error as StoreError;
use store::state::{Expect, Put, StateStore};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::deps::Deps;
use crate::notify::Notification;
use crate::records::{self, Announcement, NoticeClaim, NoticeRecord};

/// Number of failed attempts after which a notification is counted as not delivered. It is still tried again.
const REPORTED_ATTEMPTS: u32 = 6;
/// Number of notifications that are delivered at the same time.
const CONCURRENCY: usize = 8;
/// Time between two readings of the stored notices.
const SCAN_INTERVAL: Duration = Duration::from_secs(60);
/// How long a claim lasts: longer than an attempt to deliver takes.
const CLAIM_MS: i64 = 20_000;
/// Time limit of one attempt, its calls of the store included; shorter than a claim.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// What identifies a notice of an agent: the conversation and the subject.
type NoticeId = (String, String);

/// The sending end of the task that delivers notifications.
#[derive(Debug)]
pub(super) struct NoticeQueue {
    // The channel is unbounded, but holds few notices: at most one per severity and rule of a conversation.
    sender: Option<mpsc::UnboundedSender<NoticeId>>,
    task: JoinHandle<()>,
}

impl NoticeQueue {
    /// Starts the task that delivers the notifications of an agent.
    pub(super) fn start(deps: Arc<Deps>, agent: &str, holder: &str) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let delivery = Delivery {
            deps,
            agent: agent.to_owned(),
            holder: holder.to_owned(),
        };
        Self {
            sender: Some(sender),
            task: tokio::spawn(run(Arc::new(delivery), receiver)),
        }
    }

    /// Lets the notification of a stored notice be delivered now.
    pub(super) fn deliver(&self, conversation: &str, subject: String) {
        if let Some(sender) = &self.sender {
            // If the task is gone, the session is about to end, and the next session finds the notice.
            let _ = sender.send((conversation.to_owned(), subject));
        }
    }

    /// Waits until everything is delivered, at most for `limit`. What is left then is found by the next session.
    pub(super) async fn finish(&mut self, limit: Duration) {
        self.sender = None;
        let _ = tokio::time::timeout(limit, &mut self.task).await;
        self.task.abort();
    }
}

impl Drop for NoticeQueue {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A notice that waits for an attempt, with the attempts that have failed.
struct WaitingNotice {
    backoff: Backoff,
    not_before: Instant,
}

impl WaitingNotice {
    fn new() -> Self {
        Self {
            backoff: Backoff::new(BackoffPolicy::NOTIFICATION),
            not_before: Instant::now(),
        }
    }
}

/// What an attempt to deliver a notification has led to.
enum Attempt {
    /// The notification is delivered, or need not be.
    Done,
    /// Another session delivers the notification.
    ClaimedByAnother,
}

async fn run(delivery: Arc<Delivery>, mut receiver: mpsc::UnboundedReceiver<NoticeId>) {
    let mut waiting: HashMap<NoticeId, WaitingNotice> = HashMap::new();
    let mut running = FuturesUnordered::new();
    let mut scan = tokio::time::interval(SCAN_INTERVAL);
    scan.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_open = true;
    let mut in_progress: HashSet<NoticeId> = HashSet::new();
    while is_open || !waiting.is_empty() || !in_progress.is_empty() {
        let now = Instant::now();
        let due: Vec<NoticeId> = waiting
            .iter()
            .filter(|(_, notice)| notice.not_before <= now)
            .map(|(id, _)| id.clone())
            .take(CONCURRENCY.saturating_sub(in_progress.len()))
            .collect();
        for id in due {
            if let Some(notice) = waiting.remove(&id) {
                in_progress.insert(id.clone());
                running.push(attempt(Arc::clone(&delivery), id, notice));
            }
        }
        let next_due = waiting.values().map(|notice| notice.not_before).min();
        let has_room = in_progress.len() < CONCURRENCY;
        tokio::select! {
            queued = receiver.recv(), if is_open => match queued {
                Some(id) if in_progress.contains(&id) => {}
                Some(id) => {
                    waiting.entry(id).or_insert_with(WaitingNotice::new);
                }
                None => is_open = false,
            },
            _ = scan.tick(), if is_open => {
                for id in delivery.stored_notices().await {
                    if !in_progress.contains(&id) {
                        waiting.entry(id).or_insert_with(WaitingNotice::new);
                    }
                }
            }
            Some((id, unfinished)) = running.next() => {
                in_progress.remove(&id);
                if let Some(notice) = unfinished {
                    waiting.insert(id, notice);
                }
            }
            () = sleep_until(next_due), if has_room => {}
        }
    }
}

/// Makes one attempt to deliver a notification. Returns the notice again if there is to be another attempt.
async fn attempt(
    delivery: Arc<Delivery>,
    id: NoticeId,
    mut notice: WaitingNotice,
) -> (NoticeId, Option<WaitingNotice>) {
    let attempt = tokio::time::timeout(ATTEMPT_TIMEOUT, delivery.attempt(&id));
    let error = match attempt.await {
        Ok(Ok(Attempt::Done)) => return (id, None),
        Ok(Ok(Attempt::ClaimedByAnother)) => None,
        Ok(Err(error)) => Some(error),
        Err(elapsed) => Some(elapsed.into()),
    };
    notice.not_before = Instant::now() + notice.backoff.next_delay(rand::random());
    if let Some(error) = error
        && notice.backoff.attempt() == REPORTED_ATTEMPTS
    {
        tracing::error!(
            agent_id = delivery.agent,
            conversation_id = id.0,
            subject = id.1,
            cause = %WithCauses(error.as_ref()),
            "the escalation notification was not delivered, it is tried again"
        );
        metrics::count("chat_escalations_not_told", 1);
    }
    (id, Some(notice))
}

/// Delivers the notifications of one agent's session.
struct Delivery {
    deps: Arc<Deps>,
    agent: String,
    /// Name of the lease holder, which claims bear.
    holder: String,
}

impl Delivery {
    /// Returns the ids of all stored notices of the agent, or none if the store fails.
    async fn stored_notices(&self) -> Vec<NoticeId> {
        let partition = records::agent_partition(&self.agent);
        let listed =
            records::list_all::<NoticeRecord>(&self.deps.state, &partition, "notice#", now()).await;
        match listed {
            Ok(notices) => notices
                .into_iter()
                .map(|(_, notice)| (notice.conversation, notice.announcement.subject()))
                .collect(),
            Err(error) => {
                tracing::warn!(
                    agent_id = self.agent,
                    cause = %WithCauses(&error),
                    "the notices of escalations were not read, trying again"
                );
                Vec::new()
            }
        }
    }

    /// Claims a notice, delivers its notification, marks its escalation as notified and removes the notice.
    async fn attempt(&self, (conversation, subject): &NoticeId) -> anyhow::Result<Attempt> {
        let state = &self.deps.state;
        let key = records::notice_key(&self.agent, conversation, subject);
        let Some(item) = state.get(&key, now()).await? else {
            return Ok(Attempt::Done);
        };
        let Some(mut notice) = records::decode_or_skip::<NoticeRecord>(&item) else {
            return Ok(Attempt::Done);
        };
        let claimed_by_another = notice.claim.as_ref().is_some_and(|claim| {
            claim.holder != self.holder && claim.until_ms > now().as_millisecond()
        });
        if claimed_by_another {
            return Ok(Attempt::ClaimedByAnother);
        }
        if self.is_done_with(&notice).await? {
            state.delete(&key, Expect::Any, now()).await?;
            return Ok(Attempt::Done);
        }
        notice.claim = Some(NoticeClaim {
            holder: self.holder.clone(),
            until_ms: now().as_millisecond() + CLAIM_MS,
        });
        let claim = self.encode(&notice)?;
        let version = match state.put(claim, Expect::Version(item.version), now()).await {
            Ok(version) => version,
            Err(StoreError::Conflict { .. }) => return Ok(Attempt::ClaimedByAnother),
            Err(error) => return Err(error.into()),
        };
        let notification = notification(&notice);
        let delivered = self
            .deps
            .notifier
            .deliver(&notification, &mut notice.delivered)
            .await;
        if let Err(error) = delivered {
            // The claim ends with the attempt, and the receivers that have the notification do not get it again.
            notice.claim = None;
            let released = self.encode(&notice)?;
            let _ = state
                .put(released, Expect::Version(version), now())
                .await
                .inspect_err(|error| {
                    tracing::debug!(cause = %WithCauses(error), "the claim of a notice ends by itself");
                });
            return Err(error);
        }
        let announced = notice.announcement.into_notified();
        let put = announced.encode(conversation, now(), self.deps.config.retention)?;
        state.put(put, Expect::Any, now()).await?;
        state.delete(&key, Expect::Any, now()).await?;
        Ok(Attempt::Done)
    }

    /// Returns whether nobody needs to be notified of a notice any more: its escalation is marked as notified, or another agent's session
    /// has raised it. An escalation that was not stored, because the session died between notice and escalation, is stored now.
    async fn is_done_with(&self, notice: &NoticeRecord) -> anyhow::Result<bool> {
        let state = &self.deps.state;
        let announcement = &notice.announcement;
        let key = announcement.key(&notice.conversation);
        let put = announcement.encode(&notice.conversation, now(), self.deps.config.retention)?;
        match state.put(put, Expect::Absent, now()).await {
            Ok(_) => return Ok(false),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let item = state.get(&key, now()).await?;
        let stored = item.and_then(|item| announcement.decode_same_kind(&item));
        Ok(stored.is_some_and(|stored| stored.is_notified() || stored.agent() != self.agent))
    }

    fn encode(&self, notice: &NoticeRecord) -> Result<Put, StoreError> {
        let subject = notice.announcement.subject();
        records::encode_put(
            records::notice_key(&self.agent, &notice.conversation, &subject),
            notice,
            now(),
            self.deps.config.retention,
        )
    }
}

fn notification(notice: &NoticeRecord) -> Notification {
    let conversation_id = notice.conversation.clone();
    match &notice.announcement {
        Announcement::Escalation(record) => Notification {
            event: "chat.escalation",
            conversation_id,
            agent_id: record.agent.clone(),
            severity: record.severity.name(),
            trigger: record.phrase.clone(),
            version: None,
            timestamp: record.message_ms,
        },
        Announcement::RuleHit(record) => Notification {
            event: "chat.rule",
            conversation_id,
            agent_id: record.agent.clone(),
            severity: record.hit.severity.name(),
            trigger: record.hit.key(),
            version: Some(record.hit.version.clone()),
            timestamp: record.hit.at,
        },
    }
}

fn now() -> Timestamp {
    Timestamp::now()
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
