//! The source of a NICE CXone tenant: analyzed segments, digital contacts, and ended contacts with their dispositions.

use std::sync::Arc;

use cxone::Error;
use cxone::conversations::{ConversationQuery, TranscriptLines};
use cxone::tenant::TenantClient;
use cxone::tenant::digital::{Author, DigitalMessages, read_messages};
use cxone::tenant::segments::read_segment_transcript;
use futures::future::BoxFuture;
use insights_core::analytics::{Conversation, ConversationPart, Line, PartKind, Speaker};
use insights_http::{CallLimits, Deadline};
use jiff::Timestamp;

use super::tenant_feed::TenantFeed;
use super::tenant_period::TenantPeriod;
use super::{ConversationList, ConversationSource, SharedSource, SourceTranscript};
use crate::tenant_settings::MediaTypes;

/// Conversations of a NICE CXone tenant.
#[derive(Debug, Clone)]
pub struct TenantSource {
    client: TenantClient,
    media: MediaTypes,
}

impl TenantSource {
    /// Builds the source of a client, of these kinds of conversations.
    #[must_use]
    pub fn new(client: TenantClient, media: MediaTypes) -> Self {
        Self { client, media }
    }

    /// Returns whether the settings allow to read a part: it may have been named under other settings.
    fn reads(&self, part: &ConversationPart) -> bool {
        match part.kind {
            PartKind::Segment => self.media.voice,
            PartKind::Digital => self.media.digital,
        }
    }

    async fn read_part(
        &self,
        part: &ConversationPart,
        deadline: Deadline,
    ) -> Result<PartText, Error> {
        match part.kind {
            PartKind::Segment => {
                let read =
                    read_segment_transcript(&self.client, &part.id, part.started_at, deadline);
                Ok(read.await?.map_or(PartText::Missing, PartText::Lines))
            }
            PartKind::Digital => Ok(
                match read_messages(&self.client, &part.id, deadline).await? {
                    None => PartText::Missing,
                    Some(found) if found.is_removed() => PartText::Removed,
                    Some(found) => PartText::Lines(lines_of(found)),
                },
            ),
        }
    }
}

/// What came of reading a part.
enum PartText {
    Lines(TranscriptLines),
    Missing,
    Removed,
}

/// Returns what agent and customer wrote; what a bot wrote is no part of a transcript.
fn lines_of(found: DigitalMessages) -> TranscriptLines {
    let lines = found.messages.into_iter().filter_map(|message| {
        let speaker = match message.author {
            Author::Customer => Speaker::Customer,
            Author::Agent => Speaker::Agent,
            Author::Bot => return None,
        };
        Some(Line {
            speaker,
            text: message.text,
            at: message.at,
        })
    });
    TranscriptLines {
        lines: lines.collect(),
        unreadable: found.unreadable,
    }
}

impl ConversationSource for TenantSource {
    fn name(&self) -> String {
        let options = self.client.options();
        let tenant = options.tenant_id.as_deref().unwrap_or_default();
        format!("{}#{tenant}", options.issuer)
    }

    fn with_limits(&self, limits: CallLimits) -> SharedSource {
        Arc::new(Self::new(
            self.client.clone().with_limits(limits),
            self.media,
        ))
    }

    fn began_in(&self, period: ConversationQuery) -> Result<Box<dyn ConversationList>, Error> {
        let list = TenantPeriod::new(self.client.clone(), self.media, period);
        Ok(Box::new(list))
    }

    fn finished_since(
        &self,
        checkpoint: Option<&str>,
        hints: &[String],
        now: Timestamp,
    ) -> Result<Box<dyn ConversationList>, Error> {
        let feed = TenantFeed::new(self.client.clone(), self.media, checkpoint, now);
        Ok(Box::new(feed.with_hints(hints)))
    }

    fn transcript<'a>(
        &'a self,
        conversation: &'a Conversation,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<SourceTranscript, Error>> {
        Box::pin(async move {
            let mut transcript = TranscriptLines::default();
            let (mut found, mut removed, mut missing) = (0, 0, 0);
            let read = conversation.parts.iter().filter(|part| self.reads(part));
            for part in read {
                match self.read_part(part, deadline).await? {
                    PartText::Lines(lines) => {
                        found += 1;
                        transcript.lines.extend(lines.lines);
                        transcript.unreadable += lines.unreadable;
                    }
                    PartText::Missing => missing += 1,
                    PartText::Removed => removed += 1,
                }
            }
            Ok(match (found, removed, missing) {
                // What is not read for now may be read again after a change of the settings.
                (0, 0, 0) if !conversation.parts.is_empty() => SourceTranscript::NotYet,
                (0, 0, 0) => SourceTranscript::Missing,
                (0, _, 0) => SourceTranscript::Removed,
                (0, _, _) => SourceTranscript::NotYet,
                (_, _, 0) => SourceTranscript::Complete(transcript),
                (_, _, _) => SourceTranscript::Partial(transcript),
            })
        })
    }
}
