//! The queue of notifications about escalations, and the task that delivers them.

use std::sync::Arc;

use insights_core::WithCauses;
use insights_http::backoff::{self, Backoff, BackoffPolicy};
use jiff::Timestamp;
use runtime::metrics;
use store::state::{Expect, StateStore};
use tokio::sync::mpsc;

use crate::deps::Deps;
use crate::notify::Notification;
use crate::records::{self, EscalationRecord};

/// Number of attempts to deliver a notification in one session. The next session tries again.
const MAX_ATTEMPTS: u32 = 6;

/// The sending end of the task that delivers notifications.
#[derive(Debug, Clone)]
pub(super) struct NotificationQueue {
    // The channel is unbounded, but holds few notifications: at most one per severity of a conversation.
    sender: mpsc::UnboundedSender<Notification>,
}

impl NotificationQueue {
    /// Starts the task that delivers notifications one after the other. The task ends when the queue is dropped.
    pub(super) fn start(deps: Arc<Deps>) -> Self {
        let (sender, mut receiver) = mpsc::unbounded_channel::<Notification>();
        tokio::spawn(async move {
            while let Some(notification) = receiver.recv().await {
                if let Err(error) = deliver_with_retry(&deps, &notification).await {
                    tracing::error!(
                        conversation_id = notification.conversation_id,
                        severity = %notification.severity,
                        cause = %WithCauses(error.as_ref()),
                        "the escalation notification was not delivered, the next session tries again"
                    );
                    metrics::count("chat_escalations_not_told", 1);
                }
            }
        });
        Self { sender }
    }

    /// Queues the notification of a stored escalation.
    pub(super) fn queue_notification(&self, conversation: &str, record: &EscalationRecord) {
        let notification = Notification {
            event: "chat.escalation",
            conversation_id: conversation.to_owned(),
            agent_id: record.agent.clone(),
            severity: record.severity,
            trigger: record.phrase.clone(),
            timestamp: record.message_ms,
        };
        // The receiver is gone only when the session ends, and the next session queues what was not delivered.
        let _ = self.sender.send(notification);
    }
}

/// Delivers a notification and marks its escalation as notified.
async fn deliver_with_retry(deps: &Deps, notification: &Notification) -> anyhow::Result<()> {
    let mut backoff = Backoff::new(BackoffPolicy::NOTIFICATION);
    while let Err(error) = deps.notifier.deliver(notification).await {
        if backoff.attempt() + 1 >= MAX_ATTEMPTS {
            return Err(error);
        }
        backoff::wait(&mut backoff).await;
    }
    let record = EscalationRecord {
        severity: notification.severity,
        phrase: notification.trigger.clone(),
        agent: notification.agent_id.clone(),
        message_ms: notification.timestamp,
        notified: true,
    };
    let key = records::escalation_key(&notification.conversation_id, notification.severity);
    let now = Timestamp::now();
    let put = records::encode_put(key, &record, now, deps.config.retention)?;
    deps.state.put(put, Expect::Any, now).await?;
    Ok(())
}
