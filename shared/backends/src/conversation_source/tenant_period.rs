//! The conversations of a tenant that began in a period, for the report.
//!
//! A transferred call has several contacts and segments, of which some may lie outside the period. What is read reaches some
//! hours beyond it on both sides, and a conversation belongs to the period in which its first part began: so each is in exactly
//! one of two periods that follow each other.

use std::collections::HashSet;

use cxone::Error;
use cxone::conversations::ConversationQuery;
use cxone::tenant::TenantClient;
use cxone::tenant::contacts::read_dispositions;
use cxone::tenant::digital::{DigitalContact, DigitalQuery, DigitalWalk, FINISHED_STATUSES};
use cxone::tenant::segments::{Segment, SegmentDate, read_segments};
use futures::future::BoxFuture;
use insights_core::analytics::Conversation;
use insights_core::feed::FeedCursor;
use insights_http::{Deadline, Error as HttpError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::assembly::{KnownContacts, assemble};
use super::contacts_join::ContactWindows;
use super::{ConversationList, SourcePage};
use crate::tenant_settings::MediaTypes;

/// How far a conversation may reach beyond a period. Longer ones are split.
pub(super) const LONGEST_CONVERSATION: SignedDuration = SignedDuration::from_hours(4);

/// Number of segments that a page is asked for.
pub(super) const SEGMENT_PAGE: usize = 100;

/// The list of a period.
pub(super) struct TenantPeriod {
    client: TenantClient,
    media: MediaTypes,
    period: ConversationQuery,
    step: Step,
    known: KnownContacts,
    segments: Vec<Segment>,
    digital: Vec<DigitalContact>,
}

/// What is read next.
enum Step {
    Dispositions,
    Contacts(ContactWindows),
    Segments(FeedCursor),
    Digital(Box<DigitalWalk>),
    Assembly,
    Done,
}

impl TenantPeriod {
    /// Builds the list of a period.
    pub(super) fn new(client: TenantClient, media: MediaTypes, period: ConversationQuery) -> Self {
        Self {
            client,
            media,
            period,
            step: Step::Dispositions,
            known: KnownContacts::default(),
            segments: Vec::new(),
            digital: Vec::new(),
        }
    }

    fn read_from(&self) -> Timestamp {
        earlier(self.period.from, LONGEST_CONVERSATION)
    }

    fn read_to(&self) -> Timestamp {
        let to = self.period.to;
        to.saturating_add(LONGEST_CONVERSATION).unwrap_or(to)
    }

    /// Makes one step. After an error the step is the same as before.
    async fn advance(&mut self, deadline: Deadline) -> Result<Option<SourcePage>, Error> {
        let mut page = SourcePage::default();
        match &mut self.step {
            Step::Dispositions => {
                self.known.dispositions = read_dispositions(&self.client, deadline).await?;
                let windows = ContactWindows::of_period(self.read_from(), self.read_to());
                self.step = Step::Contacts(windows);
            }
            Step::Contacts(windows) => {
                let contacts = windows.read_next(&self.client, deadline).await?;
                let is_done = windows.is_done();
                for contact in contacts {
                    self.known.contacts.insert(contact.id.clone(), contact);
                }
                if is_done {
                    self.step = if self.media.voice {
                        Step::Segments(FeedCursor::starting_at(self.read_from()))
                    } else {
                        self.digital_step()
                    };
                }
            }
            Step::Segments(cursor) => {
                let read = read_segments(
                    &self.client,
                    SegmentDate::Start,
                    cursor.at(),
                    SEGMENT_PAGE,
                    deadline,
                );
                let read = read.await?;
                page.unusable = read.unusable;
                let taken = cursor.take_page(read.rows, read.listed, SEGMENT_PAGE);
                if taken.is_stuck {
                    return Err(stuck());
                }
                let is_past = cursor.at() > self.read_to();
                self.segments.extend(taken.new_rows);
                if is_past || !taken.may_have_more {
                    self.step = self.digital_step();
                }
            }
            Step::Digital(walk) => match walk.next_page(&self.client, deadline).await? {
                Some(contacts) => self.digital.extend(contacts),
                None => {
                    page.unusable = walk.unusable;
                    self.step = Step::Assembly;
                }
            },
            Step::Assembly => {
                page.conversations = self.conversations();
                self.step = Step::Done;
            }
            Step::Done => return Ok(None),
        }
        Ok(Some(page))
    }

    fn digital_step(&self) -> Step {
        if !self.media.digital {
            return Step::Assembly;
        }
        // The days of the filter are somebody's; a day more on both sides holds all of them.
        let day = SignedDuration::from_hours(24);
        let to = self.read_to();
        let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let created = (
            date(earlier(self.read_from(), day)),
            date(to.saturating_add(day).unwrap_or(to)),
        );
        Step::Digital(Box::new(DigitalWalk::new(DigitalQuery {
            statuses: FINISHED_STATUSES,
            created: Some(created),
        })))
    }

    /// Returns the conversations whose first part began in the period.
    fn conversations(&mut self) -> Vec<Conversation> {
        let (segments, digital) = (
            std::mem::take(&mut self.segments),
            std::mem::take(&mut self.digital),
        );
        let ended: HashSet<String> = self
            .known
            .contacts
            .values()
            .filter(|contact| {
                if contact.is_digital {
                    self.media.digital
                } else {
                    self.media.voice
                }
            })
            .map(|contact| contact.id.clone())
            .collect();
        let mut ended: Vec<_> = ended.into_iter().collect();
        ended.sort_unstable();
        let mut conversations = assemble(&self.known, self.media, segments, digital, &ended);
        conversations.retain(|conversation| {
            let start = conversation.start_time.parse::<Timestamp>();
            start.is_ok_and(|start| (self.period.from..self.period.to).contains(&start))
        });
        conversations
    }
}

impl ConversationList for TenantPeriod {
    fn next_page(
        &mut self,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Option<SourcePage>, Error>> {
        Box::pin(self.advance(deadline))
    }
}

/// Returns the error of a feed whose cursor leads nowhere.
pub(super) fn stuck() -> Error {
    HttpError::invalid_response(
        "{analytics}/segments/analyzed",
        "its pages bring nothing new, however far the cursor goes",
    )
    .into()
}

/// Returns a moment some time earlier.
pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::UNIX_EPOCH)
}
