//! A row of the report: everything about one conversation except its text.

use super::flow::Flow;
use super::insights::ConversationInsights;
use super::record::{Conversation, ConversationSentiment};
use crate::outcomes::Outcome;

/// One conversation of the report without its text.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportRow {
    /// The details from the contact center's list of conversations.
    pub conversation: Conversation,
    /// The outcome of the conversation.
    pub outcome: Outcome,
    /// The sentiment, if there is a transcript in English.
    pub sentiment: Option<ConversationSentiment>,
    /// The code of the language of a transcript that is not in English.
    pub language: Option<String>,
    /// The flow, if there is a transcript.
    pub flow: Option<Flow>,
    /// What rules, talk metrics and the card say of the conversation, if there is a transcript.
    pub insights: Option<Box<ConversationInsights>>,
    /// The topic, if there is a transcript with at least one term.
    pub topic: Option<usize>,
}
