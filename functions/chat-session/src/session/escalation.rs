//! Escalations: each is stored before its notification is queued, so that a session that dies leaves none unnoticed.

use std::sync::Arc;

use insights_core::chat::escalation::{EscalationTrigger, Severity};
use insights_core::chat::message::Message;
use runtime::metrics;

use super::conversations::Conversation;
use super::notifications::NotificationQueue;
use super::session_store::SessionStore;
use crate::deps::Deps;
use crate::records::{self, EscalationRecord};

/// Finds, stores and announces the escalations of a session.
pub(super) struct Escalations {
    deps: Arc<Deps>,
    notifications: NotificationQueue,
    raised: u64,
}

impl Escalations {
    /// Starts the delivery of notifications.
    pub(super) fn start(deps: &Arc<Deps>) -> Self {
        Self {
            deps: Arc::clone(deps),
            notifications: NotificationQueue::start(Arc::clone(deps)),
            raised: 0,
        }
    }

    /// Raises the escalation that a message triggers in its conversation: stores it and queues its notification.
    ///
    /// Returns `None` if the message triggers none, or if the severity was raised before, by this session or by another.
    pub(super) async fn raise(
        &mut self,
        message: &Message,
        conversation: &mut Conversation,
        store: &SessionStore,
    ) -> anyhow::Result<Option<EscalationTrigger>> {
        if !self.deps.config.escalate_both && !message.from.is_customer() {
            return Ok(None);
        }
        let found = self.deps.escalation.find(&message.text);
        let Some(trigger) = conversation.escalated.raise(found) else {
            return Ok(None);
        };
        let record = EscalationRecord {
            severity: trigger.severity,
            phrase: trigger.phrase.clone(),
            agent: store.agent.clone(),
            message_ms: message.timestamp_ms,
            notified: false,
        };
        let conversation_id = &message.conversation_id;
        let key = records::escalation_key(conversation_id, trigger.severity);
        if !store.write_if_absent(store.encode(key, &record)?).await? {
            return Ok(None);
        }
        self.raised += 1;
        metrics::count("chat_escalations", 1);
        metrics::count(metric_name(trigger.severity), 1);
        tracing::warn!(
            agent_id = store.agent,
            conversation_id,
            severity = %trigger.severity,
            trigger = trigger.phrase,
            "an escalation was raised"
        );
        self.notifications
            .queue_notification(conversation_id, &record);
        Ok(Some(trigger))
    }

    /// Queues the notification of an escalation that an earlier session raised.
    pub(super) fn queue_notification(&self, conversation: &str, record: &EscalationRecord) {
        self.notifications.queue_notification(conversation, record);
    }

    /// Returns the number of escalations that this session raised.
    pub(super) const fn raised(&self) -> u64 {
        self.raised
    }
}

const fn metric_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Legal => "chat_escalations_legal",
        Severity::Complaint => "chat_escalations_complaint",
        Severity::Urgent => "chat_escalations_urgent",
    }
}
