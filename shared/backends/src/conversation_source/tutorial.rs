//! The source of a contact center with the API of published tutorials.

use std::sync::Arc;

use cxone::conversations::{ConversationPages, ConversationQuery, read_transcript};
use cxone::{CxoneClient, Error};
use futures::future::BoxFuture;
use insights_core::analytics::Conversation;
use insights_http::{CallLimits, Deadline};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ConversationList, ConversationSource, SharedSource, SourcePage, SourceTranscript};

/// How far back a feed begins that has no checkpoint.
const FIRST_LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// How long before a checkpoint a conversation may have begun that was finished after it.
const LONGEST_CONVERSATION: SignedDuration = SignedDuration::from_hours(24);

/// Conversations of a contact center with the API of published tutorials.
#[derive(Debug, Clone)]
pub struct TutorialSource {
    client: CxoneClient,
}

impl TutorialSource {
    /// Builds the source of a client.
    #[must_use]
    pub fn new(client: CxoneClient) -> Self {
        Self { client }
    }
}

/// The checkpoint of a feed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Checkpoint {
    /// The moment up to which the list was read.
    until: Timestamp,
}

impl ConversationSource for TutorialSource {
    fn name(&self) -> String {
        self.client.site().base().to_string()
    }

    fn with_limits(&self, limits: CallLimits) -> SharedSource {
        Arc::new(Self::new(self.client.clone().with_limits(limits)))
    }

    fn began_in(&self, period: ConversationQuery) -> Result<Box<dyn ConversationList>, Error> {
        Ok(Box::new(TutorialList {
            pages: ConversationPages::new(&self.client, period)?,
            feed_until: None,
        }))
    }

    fn finished_since(
        &self,
        checkpoint: Option<&str>,
        // The list names every conversation that has ended, whenever it began.
        _hints: &[String],
        now: Timestamp,
    ) -> Result<Box<dyn ConversationList>, Error> {
        let before = checkpoint.and_then(|text| serde_json::from_str::<Checkpoint>(text).ok());
        let from = match before {
            Some(before) => before.until.saturating_sub(LONGEST_CONVERSATION),
            None => now.saturating_sub(FIRST_LOOK_BACK),
        };
        let from = from.unwrap_or(Timestamp::UNIX_EPOCH);
        let query = ConversationQuery { from, to: now };
        Ok(Box::new(TutorialList {
            pages: ConversationPages::new(&self.client, query)?,
            feed_until: Some(now),
        }))
    }

    fn transcript<'a>(
        &'a self,
        conversation: &'a Conversation,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<SourceTranscript, Error>> {
        Box::pin(async move {
            let id = &conversation.conversation_id;
            Ok(match read_transcript(&self.client, id, deadline).await? {
                Some(lines) => SourceTranscript::Complete(lines),
                None => SourceTranscript::NotYet,
            })
        })
    }
}

/// The list of conversations, page by page.
struct TutorialList {
    pages: ConversationPages,
    /// The moment at which a feed was begun; `None` for a period.
    feed_until: Option<Timestamp>,
}

impl ConversationList for TutorialList {
    fn next_page(
        &mut self,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Option<SourcePage>, Error>> {
        Box::pin(async move {
            let Some(page) = self.pages.next_page(deadline).await? else {
                return Ok(None);
            };
            let conversations = page.conversations.into_iter();
            let conversations: Vec<_> = match self.feed_until {
                None => conversations.collect(),
                Some(until) => conversations
                    .filter_map(|it| finished_by(it, until))
                    .collect(),
            };
            let checkpoint = self.feed_until.filter(|_| !self.pages.has_next());
            let checkpoint = checkpoint.map(|until| Checkpoint { until });
            Ok(Some(SourcePage {
                conversations,
                unusable: page.unusable,
                checkpoint: checkpoint.and_then(|it| serde_json::to_string(&it).ok()),
            }))
        })
    }
}

/// Returns a conversation with the moment of its end, unless it goes on. A conversation whose end is not known counts as ended.
fn finished_by(mut conversation: Conversation, until: Timestamp) -> Option<Conversation> {
    let start = conversation.start_time.parse::<Timestamp>().ok();
    let end = start.and_then(|start| {
        let seconds = conversation.duration_seconds.unwrap_or_default();
        start
            .checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?)
            .ok()
    });
    conversation.ready_at = end.or(start);
    end.is_none_or(|end| end <= until).then_some(conversation)
}
