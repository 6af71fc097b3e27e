//! Escalations and hits of rules: each is stored with a notice before its notification is delivered, so that a session that dies leaves none unnoticed.

use std::sync::Arc;
use std::time::Duration;

use insights_core::chat::archive_dialogue::utterance_of_message;
use insights_core::chat::escalation::{EscalationTrigger, RaisedSeverities, Severity};
use insights_core::chat::stored_message::StoredMessage;
use insights_core::lexicon;
use insights_core::rules::{RuleHit, RuleSeverity};
use runtime::metrics;
use store::state::Put;

use super::conversations::Conversation;
use super::notices::NoticeQueue;
use super::session_store::SessionStore;
use crate::deps::Deps;
use crate::notify::Delivered;
use crate::records::{Announcement, EscalationRecord, HitRecord, NoticeRecord, notice_key};

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
        let announcement = Announcement::Escalation(record);
        if !self
            .store_raised(conversation_id, &announcement, store)
            .await?
        {
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
        self.notices
            .deliver(conversation_id, announcement.subject());
        Ok(Some(trigger))
    }

    /// Adds a message, with the signals that the model has found in it so far, to what the rules of the rule file know of its
    /// conversation. A message that was added before only gets its signals.
    pub(super) fn read_for_rules(&self, stored: &StoredMessage, conversation: &mut Conversation) {
        if let Some(file) = self.deps.rules.current()
            && let Some(mut utterance) = utterance_of_message(&stored.message)
        {
            let score = lexicon::score(&stored.message.text).score;
            utterance.signals = stored.signals;
            conversation.rules.add(&file, &utterance.with_score(score));
            conversation.are_rules_closed = false;
        }
    }

    /// Returns whether a rule of the rule file asks for signals, so that rules wait for what the model finds in a message.
    pub(super) fn do_rules_ask_for_signals(&self) -> bool {
        let file = self.deps.rules.current();
        file.is_some_and(|file| file.asks_for_signals())
    }

    /// Stores hits of rules, and queues the notifications of those that alert. A hit that was stored before, by this session or by
    /// another, is not announced again.
    pub(super) async fn raise_hits(
        &mut self,
        conversation: &str,
        hits: Vec<RuleHit>,
        store: &SessionStore,
    ) -> anyhow::Result<()> {
        for hit in hits {
            let is_alert = hit.severity >= RuleSeverity::Warn;
            let announcement = Announcement::RuleHit(HitRecord {
                hit: hit.clone(),
                agent: store.agent.clone(),
                notified: !is_alert,
            });
            let is_new = if is_alert {
                self.store_raised(conversation, &announcement, store)
                    .await?
            } else {
                store
                    .write_if_absent(encode(&announcement, conversation, store)?)
                    .await?
            };
            if !is_new {
                continue;
            }
            metrics::count("rule_hits", 1);
            tracing::info!(
                agent_id = store.agent,
                conversation_id = conversation,
                rule = hit.rule,
                version = hit.version,
                severity = hit.severity.name(),
                "a rule holds for a chat"
            );
            if is_alert {
                self.notices.deliver(conversation, announcement.subject());
            }
        }
        Ok(())
    }

    /// Sees to it that somebody is notified of an escalation that an earlier session stored.
    pub(super) async fn notify(
        &self,
        conversation: &str,
        record: &EscalationRecord,
        store: &SessionStore,
    ) -> anyhow::Result<()> {
        let announcement = Announcement::Escalation(record.clone());
        store_notice(conversation, &announcement, store).await?;
        self.notices.deliver(conversation, announcement.subject());
        Ok(())
    }

    /// Waits until the notifications are delivered, at most for `limit`.
    pub(super) async fn finish(&mut self, limit: Duration) {
        self.notices.finish(limit).await;
    }

    /// Stores an escalation or a hit after its notice, and returns whether this session has raised it.
    ///
    /// What is there already may be the write of this very session whose answer was lost, or the work of a session of the
    /// same agent that hands over. In both cases its notification is delivered, if it has not been.
    async fn store_raised(
        &self,
        conversation: &str,
        announcement: &Announcement,
        store: &SessionStore,
    ) -> anyhow::Result<bool> {
        store_notice(conversation, announcement, store).await?;
        let put = encode(announcement, conversation, store)?;
        if store.write_if_absent(put).await? {
            return Ok(true);
        }
        let key = announcement.key(conversation);
        let is_own = match announcement {
            Announcement::Escalation(record) => store.read(&key).await?.as_ref() == Some(record),
            Announcement::RuleHit(record) => store.read(&key).await?.as_ref() == Some(record),
        };
        // The delivery drops a notice that has nothing to tell.
        self.notices.deliver(conversation, announcement.subject());
        Ok(is_own)
    }

    /// Returns the number of escalations that this session raised.
    pub(super) const fn raised(&self) -> u64 {
        self.raised
    }
}

/// Encodes the record of an announcement.
fn encode(
    announcement: &Announcement,
    conversation: &str,
    store: &SessionStore,
) -> anyhow::Result<Put> {
    let key = announcement.key(conversation);
    Ok(match announcement {
        Announcement::Escalation(record) => store.encode(key, record)?,
        Announcement::RuleHit(record) => store.encode(key, record)?,
    })
}

/// Stores the notice that somebody is to be notified of an announcement, unless there is one.
async fn store_notice(
    conversation: &str,
    announcement: &Announcement,
    store: &SessionStore,
) -> anyhow::Result<()> {
    let notice = NoticeRecord {
        conversation: conversation.to_owned(),
        announcement: announcement.clone(),
        delivered: Delivered::default(),
        claim: None,
    };
    let key = notice_key(&store.agent, conversation, &announcement.subject());
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
