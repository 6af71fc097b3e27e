//! Processing of stored messages: sentiment, escalation, and the update for display.

use insights_core::chat::stored_message::StoredMessage;
use insights_core::lexicon;

use super::conversations::ConversationTable;
use super::escalation::Escalations;
use super::message_queue::PendingMessage;
use super::scoring::ScoringQueue;
use super::session_store::SessionStore;
use super::statistics::SessionStatistics;
use super::updates::{Update, UpdateFeed};

/// The parts of a session that process a message. The message is stored before.
pub(super) struct Processing<'s> {
    pub(super) store: &'s SessionStore,
    pub(super) conversations: &'s mut ConversationTable,
    pub(super) escalations: &'s mut Escalations,
    pub(super) scoring: &'s mut ScoringQueue,
    pub(super) statistics: &'s mut SessionStatistics,
    pub(super) updates: &'s mut UpdateFeed,
}

impl Processing<'_> {
    /// Scores a message by the lexicon, raises its escalation, hands it to the model, and publishes it.
    pub(super) async fn process(&mut self, pending: PendingMessage) -> anyhow::Result<()> {
        let PendingMessage {
            stored,
            latency,
            received_at,
        } = pending;
        let lexicon = lexicon::score(&stored.message.text);
        let escalation = match self.conversations.get_mut(&stored.message.conversation_id) {
            Some(conversation) => {
                self.escalations.read_for_rules(&stored, conversation);
                self.escalations
                    .raise(&stored, &mut conversation.escalated, self.store)
                    .await?
            }
            None => None,
        };
        if self.scoring.enqueue(&stored)
            && self.escalations.do_rules_ask_for_signals()
            && let Some(conversation) = self.conversations.get_mut(&stored.message.conversation_id)
        {
            conversation.wait_for_model(&stored.message);
        }
        if let Some(received_at) = received_at {
            self.statistics.record_processing(received_at);
        }
        let StoredMessage { message, via, .. } = stored;
        self.updates.publish(|| Update::Message {
            message,
            via,
            lexicon,
            latency,
            escalation,
        });
        Ok(())
    }
}
