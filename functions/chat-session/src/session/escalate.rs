//! Escalations: stored before anybody is told, told again until everybody is.

use std::sync::Arc;
use std::time::Duration;

use insights_core::chat::escalation::EscalationTrigger;
use insights_core::chat::message::Message;
use jiff::Timestamp;
use runtime::metrics;
use store::Error as StoreError;
use store::state::{Expect, StateStore};
use tokio::sync::mpsc;

use super::desk::Desk;
use crate::notify::Notice;
use crate::records::{self, EscalationRecord};
use crate::{Deps, records::put};

/// How often a notice is tried in one session; the next session goes on.
const TRIES: u32 = 6;

impl Desk {
    /// The trigger that a message raises in its conversation, stored and on its way to whoever is told; `None` if there is
    /// none, or its severity was raised before, here or by another worker.
    pub(super) async fn escalate(
        &mut self,
        message: &Message,
    ) -> anyhow::Result<Option<EscalationTrigger>> {
        if !self.deps.config.escalate_both && !message.from.is_customer() {
            return Ok(None);
        }
        let found = self.deps.escalation.find(&message.text);
        let conversation = &message.conversation_id;
        let Some(chat) = self.chats.get_mut(conversation) else {
            return Ok(None);
        };
        let Some(trigger) = chat.escalated.raise(found) else {
            return Ok(None);
        };
        let record = EscalationRecord {
            severity: trigger.severity,
            phrase: trigger.phrase.clone(),
            agent: self.agent.clone(),
            message_ms: message.timestamp_ms,
            told: false,
        };
        let key = records::escalation(conversation, trigger.severity);
        if !self.store_new(self.put(key, &record)?).await? {
            return Ok(None);
        }
        self.counts.escalations += 1;
        metrics::count("chat_escalations", 1);
        metrics::count(metric(&trigger), 1);
        tracing::warn!(agent = self.agent, conversation, severity = %trigger.severity, trigger = trigger.phrase, "escalation");
        self.tell(conversation, &record);
        Ok(Some(trigger))
    }

    /// Puts an escalation on its way to whoever is told.
    pub(super) fn tell(&self, conversation: &str, record: &EscalationRecord) {
        let notice = Notice {
            event: "chat.escalation",
            conversation_id: conversation.to_owned(),
            agent_id: record.agent.clone(),
            severity: record.severity,
            trigger: record.phrase.clone(),
            timestamp: record.message_ms,
        };
        // The receiver ends with the session; what it has not told then, the next session tells.
        let _ = self.notices.send(notice);
    }

    /// Stores an item unless it is there; whether it was stored.
    async fn store_new(&self, put: store::state::Put) -> anyhow::Result<bool> {
        let mut wait = Duration::from_millis(50);
        loop {
            match self
                .deps
                .state
                .put(put.clone(), Expect::Absent, Timestamp::now())
                .await
            {
                Ok(_) => return Ok(true),
                Err(StoreError::Conflict { .. }) => return Ok(false),
                Err(error) if error.is_retryable() && !self.lost.is_cancelled() => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(2));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn metric(trigger: &EscalationTrigger) -> &'static str {
    use insights_core::chat::escalation::Severity;
    match trigger.severity {
        Severity::Legal => "chat_escalations_legal",
        Severity::Complaint => "chat_escalations_complaint",
        Severity::Urgent => "chat_escalations_urgent",
    }
}

/// The task that tells: one after the other, each again until it is told; it ends when the session does.
pub(super) fn start(deps: Arc<Deps>) -> mpsc::UnboundedSender<Notice> {
    // Unbounded is bounded here: three severities a conversation.
    let (notices, mut waiting) = mpsc::unbounded_channel::<Notice>();
    tokio::spawn(async move {
        while let Some(notice) = waiting.recv().await {
            if let Err(error) = told(&deps, &notice).await {
                let (conversation, severity) = (&notice.conversation_id, notice.severity);
                tracing::error!(conversation, %severity, error = %error, "escalation not told, the next session tries again");
                metrics::count("chat_escalations_not_told", 1);
            }
        }
    });
    notices
}

async fn told(deps: &Deps, notice: &Notice) -> anyhow::Result<()> {
    let mut wait = Duration::from_millis(500);
    let mut tries = 1;
    while let Err(error) = deps.notifier.tell(notice).await {
        if tries == TRIES {
            return Err(error);
        }
        tries += 1;
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    let record = EscalationRecord {
        severity: notice.severity,
        phrase: notice.trigger.clone(),
        agent: notice.agent_id.clone(),
        message_ms: notice.timestamp,
        told: true,
    };
    let key = records::escalation(&notice.conversation_id, notice.severity);
    let now = Timestamp::now();
    deps.state
        .put(
            put(key, &record, now, deps.config.retention)?,
            Expect::Any,
            now,
        )
        .await?;
    Ok(())
}
