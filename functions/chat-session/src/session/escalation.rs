//! Escalations: each is stored with a notice before its notification is delivered, so that a session that dies leaves none unnoticed.

use std::sync::Arc;
use std::time::Duration;

use insights_core::chat::escalation::{EscalationTrigger, RaisedSeverities, Severity};
use insights_core::chat::stored_message::StoredMessage;
use runtime::metrics;

use super::notices::NoticeQueue;
use super::session_store::SessionStore;
use crate::deps::Deps;
use crate::notify::Delivered;
use crate::records::{self, EscalationRecord, NoticeRecord};

/// Finds, stores and announces the escalations of a session.
pub(super) struct Escalations {
    deps: Arc<Deps>,
    notices: NoticeQueue,
    raised: u64,
}

impl Escalations {
    /// Starts the delivery of the notifications of an agent.
    pub(super) fn start(deps: &Arc<Deps>, agent: &str, holder: &str) -> Self {
        Self {
            deps: Arc::clone(deps),
            notices: NoticeQueue::start(Arc::clone(deps), agent, holder),
            raised: 0,
        }
    }

    /// Raises the escalation that a message, with the signals that the model has found in it so far, triggers in its
    /// conversation: stores it and queues its notification.
    ///
    /// Returns `None` if the message triggers none, or if the severity was raised before, by this session or by another.
    pub(super) async fn raise(
        &mut self,
        stored: &StoredMessage,
        escalated: &mut RaisedSeverities,
        store: &SessionStore,
    ) -> anyhow::Result<Option<EscalationTrigger>> {
        let message = &stored.message;
        if !self.deps.config.escalate_both && !message.from.is_customer() {
            return Ok(None);
        }
        let source = self.deps.config.escalation_source;
        let found = self
            .deps
            .escalation
            .find_by(source, &message.text, stored.signals);
        let Some(trigger) = escalated.raise(found) else {
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
        if !self.store_raised(conversation_id, &record, store).await? {
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
        self.notices.deliver(conversation_id, trigger.severity);
        Ok(Some(trigger))
    }

    /// Sees to it that somebody is notified of an escalation that an earlier session stored.
    pub(super) async fn notify(
        &self,
        conversation: &str,
        record: &EscalationRecord,
        store: &SessionStore,
    ) -> anyhow::Result<()> {
        store_notice(conversation, record, store).await?;
        self.notices.deliver(conversation, record.severity);
        Ok(())
    }

    /// Waits until the notifications are delivered, at most for `limit`.
    pub(super) async fn finish(&mut self, limit: Duration) {
        self.notices.finish(limit).await;
    }

    /// Stores an escalation after its notice, and returns whether this session has raised it.
    ///
    /// An escalation that is there already may be the write of this very session whose answer was lost, or the work of a session of the
    /// same agent that hands over. In both cases its notification is delivered, if it has not been.
    async fn store_raised(
        &self,
        conversation: &str,
        record: &EscalationRecord,
        store: &SessionStore,
    ) -> anyhow::Result<bool> {
        store_notice(conversation, record, store).await?;
        let key = records::escalation_key(conversation, record.severity);
        if store
            .write_if_absent(store.encode(key.clone(), record)?)
            .await?
        {
            return Ok(true);
        }
        let stored: Option<EscalationRecord> = store.read(&key).await?;
        // The delivery drops a notice that has nothing to tell.
        self.notices.deliver(conversation, record.severity);
        Ok(stored.as_ref() == Some(record))
    }

    /// Returns the number of escalations that this session raised.
    pub(super) const fn raised(&self) -> u64 {
        self.raised
    }
}

/// Stores the notice that somebody is to be notified of an escalation, unless there is one.
async fn store_notice(
    conversation: &str,
    record: &EscalationRecord,
    store: &SessionStore,
) -> anyhow::Result<()> {
    let notice = NoticeRecord {
        conversation: conversation.to_owned(),
        escalation: record.clone(),
        delivered: Delivered::default(),
        claim: None,
    };
    let key = records::notice_key(&store.agent, conversation, record.severity);
    store.write_if_absent(store.encode(key, &notice)?).await?;
    Ok(())
}

const fn metric_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Legal => "chat_escalations_legal",
        Severity::Complaint => "chat_escalations_complaint",
        Severity::Urgent => "chat_escalations_urgent",
    }
}
