//! Where finished conversations come from, whichever API the contact center has.
//!
//! A [`ConversationSource`] lists the conversations that began in a period, for the report, and those that were finished since a
//! checkpoint, for embeddings; and it reads what was said in one. The report and the feeder know nothing else of the contact
//! center.
//!
//! A list is read in steps ([`ConversationList::next_page`]), of which each makes one request. After an error the same step is
//! made again, so that nothing is read twice because one request failed. A page of a feed carries the checkpoint with which a
//! later process goes on behind it. Reading may repeat conversations, and never leaves one out.

mod assembly;
mod contacts_join;
mod tenant;
mod tenant_feed;
mod tenant_period;
mod tutorial;

use std::sync::Arc;

use cxone::Error;
use cxone::conversations::{ConversationQuery, TranscriptLines};
use futures::future::BoxFuture;
use insights_core::analytics::Conversation;
use insights_http::{CallLimits, Deadline};
use jiff::Timestamp;

pub use self::tenant::TenantSource;
pub use self::tutorial::TutorialSource;

/// Conversations that one step of a list brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourcePage {
    /// The conversations, which may be none although the list goes on.
    pub conversations: Vec<Conversation>,
    /// The number of rows that name no conversation.
    pub unusable: usize,
    /// The checkpoint behind this page, in a feed; `None` while the checkpoint before holds on.
    pub checkpoint: Option<String>,
}

/// A list of conversations that is read step by step.
pub trait ConversationList: Send {
    /// Makes the next step; `None` at the end of the list. After an error the same step is made again.
    ///
    /// # Errors
    /// What the request fails with.
    fn next_page(&mut self, deadline: Deadline)
    -> BoxFuture<'_, Result<Option<SourcePage>, Error>>;
}

/// What was said in a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceTranscript {
    /// These lines were said, and no part is missing.
    Complete(TranscriptLines),
    /// These lines were said; the text of another part may come later.
    Partial(TranscriptLines),
    /// There is no text yet; whether one comes later, nobody knows.
    NotYet,
    /// The conversation has nothing that could have a text.
    Missing,
    /// The contact center has removed the text, so that nobody may keep it.
    Removed,
}

/// A contact center as the source of finished conversations.
pub trait ConversationSource: std::fmt::Debug + Send + Sync {
    /// Returns what tells this contact center from others, for checkpoints that hold for one of them alone.
    fn name(&self) -> String;

    /// Returns the same source, whose calls have other limits.
    fn with_limits(&self, limits: CallLimits) -> SharedSource;

    /// Lists the conversations that began in a period.
    ///
    /// # Errors
    /// If the settings make no request.
    fn began_in(&self, period: ConversationQuery) -> Result<Box<dyn ConversationList>, Error>;

    /// Lists the conversations that were finished since a checkpoint, or in the last time before `now` without one. Before them come those of
    /// the contacts in `hints`, of which somebody has said that they ended, as far as they have.
    ///
    /// # Errors
    /// If the settings make no request.
    fn finished_since(
        &self,
        checkpoint: Option<&str>,
        hints: &[String],
        now: Timestamp,
    ) -> Result<Box<dyn ConversationList>, Error>;

    /// Reads what was said in a conversation of a list.
    ///
    /// # Errors
    /// What the requests fail with.
    fn transcript<'a>(
        &'a self,
        conversation: &'a Conversation,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<SourceTranscript, Error>>;
}

/// A source that several tasks share.
pub type SharedSource = Arc<dyn ConversationSource>;
