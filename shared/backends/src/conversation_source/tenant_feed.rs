//! The conversations of a tenant that were finished since a checkpoint, for embeddings.
//!
//! A run reads, in this order:
//!
//! 0. digital contacts of which somebody has said that they ended, one by one; those that have not are left to the lists. So one is
//!    found that was open for longer than the lists reach back;
//! 1. segments in the order of their first analysis, from some time before the checkpoint: some become visible late;
//! 2. twice a day all segments that were first analyzed in the last four days, because a segment that is published again stays
//!    where it was in the list;
//! 3. digital contacts that have ended and began in the last two days;
//! 4. twice a day those that began in the last two weeks, because a contact may stay open for long.
//!
//! What is new is found by [`insights_core::feed::KnownConversation`], so that reading a part of a list
//! again costs the list alone.

use std::collections::VecDeque;

use cxone::Error;
use cxone::tenant::TenantClient;
use cxone::tenant::contacts::read_dispositions;
use cxone::tenant::digital::{
    DigitalContact, DigitalQuery, DigitalWalk, FINISHED_STATUSES, read_contact,
};
use cxone::tenant::segments::{Segment, SegmentDate, read_segments};
use futures::future::BoxFuture;
use insights_core::WithCauses;
use insights_core::feed::FeedCursor;
use insights_http::Deadline;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::assembly::{KnownContacts, assemble};
use super::contacts_join::ContactWindows;
use super::tenant_period::{LONGEST_CONVERSATION, SEGMENT_PAGE, earlier, stuck};
use super::{ConversationList, SourcePage};
use crate::tenant_settings::MediaTypes;

/// How far back a feed begins that has no checkpoint.
const FIRST_LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// How long before the checkpoint the recent segments are read again.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// How far back segments are looked for that came late or were published again.
const DEEP_SEGMENTS: SignedDuration = SignedDuration::from_hours(96);

/// How far back digital contacts are looked for that have ended, in each run and in a deep read.
const RECENT_DIGITAL: SignedDuration = SignedDuration::from_hours(48);
const DEEP_DIGITAL: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How often the deep reads are made.
const DEEP_EVERY: SignedDuration = SignedDuration::from_hours(12);

/// Where a feed stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Checkpoint {
    /// The date of first analysis up to which segments were read.
    segments_until: Option<Timestamp>,
    /// The moment at which the last deep read of segments began.
    deep_segments_at: Option<Timestamp>,
    /// Where an interrupted deep read of segments goes on, and when it began.
    deep_segments: Option<(Timestamp, FeedCursor)>,
    /// The moment at which the last deep read of digital contacts began.
    deep_digital_at: Option<Timestamp>,
}

/// One list that a run reads.
#[derive(Debug)]
enum Task {
    RecentSegments(FeedCursor),
    DeepSegments {
        began: Timestamp,
        cursor: FeedCursor,
    },
    Digital {
        walk: Box<DigitalWalk>,
        is_deep: bool,
    },
    /// Contacts that are said to have ended.
    Hinted(VecDeque<String>),
}

/// What was read of a list and waits for the contacts that it belongs to.
#[derive(Debug)]
struct Pending {
    segments: Vec<Segment>,
    digital: Vec<DigitalContact>,
    windows: ContactWindows,
}

/// The feed of a tenant: finished conversations since a checkpoint.
pub(super) struct TenantFeed {
    client: TenantClient,
    media: MediaTypes,
    now: Timestamp,
    checkpoint: Checkpoint,
    known: KnownContacts,
    has_dispositions: bool,
    tasks: VecDeque<Task>,
    pending: Option<Pending>,
}

impl TenantFeed {
    /// Builds the feed behind a checkpoint.
    pub(super) fn new(
        client: TenantClient,
        media: MediaTypes,
        checkpoint: Option<&str>,
        now: Timestamp,
    ) -> Self {
        let checkpoint: Checkpoint = checkpoint
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let is_due = |last: Option<Timestamp>| {
            last.is_none_or(|last| now.duration_since(last) >= DEEP_EVERY)
        };
        let mut tasks = VecDeque::new();
        if media.voice {
            let from = match checkpoint.segments_until {
                Some(until) => earlier(until, OVERLAP),
                None => earlier(now, FIRST_LOOK_BACK),
            };
            tasks.push_back(Task::RecentSegments(FeedCursor::starting_at(from)));
            if let Some((began, cursor)) = checkpoint.deep_segments.clone() {
                tasks.push_back(Task::DeepSegments { began, cursor });
            } else if is_due(checkpoint.deep_segments_at) {
                let cursor = FeedCursor::starting_at(earlier(now, DEEP_SEGMENTS));
                tasks.push_back(Task::DeepSegments { began: now, cursor });
            }
        }
        if media.digital {
            tasks.push_back(digital_task(now, RECENT_DIGITAL, false));
            if is_due(checkpoint.deep_digital_at) {
                tasks.push_back(digital_task(now, DEEP_DIGITAL, true));
            }
        }
        Self {
            client,
            media,
            now,
            checkpoint,
            known: KnownContacts::default(),
            has_dispositions: false,
            tasks,
            pending: None,
        }
    }

    /// Reads these contacts first, which are said to have ended.
    pub(super) fn with_hints(mut self, contacts: &[String]) -> Self {
        if self.media.digital && !contacts.is_empty() {
            let contacts = contacts.iter().cloned().collect();
            self.tasks.push_front(Task::Hinted(contacts));
        }
        self
    }

    /// Makes one step. After an error the step is the same as before.
    async fn advance(&mut self, deadline: Deadline) -> Result<Option<SourcePage>, Error> {
        if !self.has_dispositions {
            self.known.dispositions = read_dispositions(&self.client, deadline).await?;
            self.has_dispositions = true;
            return Ok(Some(SourcePage::default()));
        }
        if let Some(pending) = &mut self.pending {
            if !pending.windows.is_done() {
                let contacts = pending.windows.read_next(&self.client, deadline).await?;
                for contact in contacts {
                    self.known.contacts.insert(contact.id.clone(), contact);
                }
                return Ok(Some(SourcePage::default()));
            }
            return Ok(Some(self.assemble_pending()));
        }
        let Some(task) = self.tasks.front_mut() else {
            return Ok(None);
        };
        let (mut segments, mut digital) = (Vec::new(), Vec::new());
        let mut unusable = 0;
        let has_ended = match task {
            Task::RecentSegments(cursor) | Task::DeepSegments { cursor, .. } => {
                let read = read_segments(
                    &self.client,
                    SegmentDate::FirstAnalyzed,
                    cursor.at(),
                    SEGMENT_PAGE,
                    deadline,
                );
                let read = read.await?;
                unusable = read.unusable;
                let taken = cursor.take_page(read.rows, read.listed, SEGMENT_PAGE);
                if taken.is_stuck {
                    return Err(stuck());
                }
                segments = taken.new_rows;
                !taken.may_have_more
            }
            Task::Digital { walk, .. } => match walk.next_page(&self.client, deadline).await? {
                Some(contacts) => {
                    digital = contacts;
                    false
                }
                None => true,
            },
            Task::Hinted(contacts) => {
                if let Some(contact) = contacts.front() {
                    digital.extend(read_hinted(&self.client, contact, deadline).await?);
                }
                contacts.pop_front();
                contacts.is_empty()
            }
        };
        self.note_progress(has_ended);
        self.pending = Some(Pending {
            windows: self.windows_of(&segments, &digital),
            segments,
            digital,
        });
        Ok(Some(SourcePage {
            unusable,
            ..SourcePage::default()
        }))
    }

    /// Moves the checkpoint behind the page that was read. It is handed out with the page's conversations.
    fn note_progress(&mut self, has_ended: bool) {
        let Some(task) = self.tasks.front() else {
            return;
        };
        match task {
            Task::RecentSegments(cursor) => {
                let until = self.checkpoint.segments_until;
                self.checkpoint.segments_until = until.max(Some(cursor.at()));
            }
            Task::DeepSegments { began, cursor } => {
                self.checkpoint.deep_segments = (!has_ended).then(|| (*began, cursor.clone()));
                if has_ended {
                    self.checkpoint.deep_segments_at = Some(*began);
                }
            }
            Task::Hinted(_) => {}
            Task::Digital { is_deep, .. } => {
                if *is_deep && has_ended {
                    self.checkpoint.deep_digital_at = Some(self.now);
                }
            }
        }
        if has_ended {
            self.tasks.pop_front();
        }
    }

    /// Returns the windows of time in which the contacts began that are not known yet.
    fn windows_of(&self, segments: &[Segment], digital: &[DigitalContact]) -> ContactWindows {
        let of_segments = segments.iter().map(|it| (&it.contact_id, it.started_at));
        let of_digital = digital.iter().map(|it| (&it.id, it.created_at));
        let periods = of_segments.chain(of_digital).filter_map(|(id, start)| {
            if self.known.contacts.contains_key(id) {
                return None;
            }
            let start = start?;
            let end = start.saturating_add(SignedDuration::from_mins(1)).ok()?;
            Some((earlier(start, LONGEST_CONVERSATION), end))
        });
        ContactWindows::of_periods(periods.collect())
    }

    fn assemble_pending(&mut self) -> SourcePage {
        let Some(pending) = self.pending.take() else {
            return SourcePage::default();
        };
        let conversations = assemble(
            &self.known,
            self.media,
            pending.segments,
            pending.digital,
            &[],
        );
        SourcePage {
            conversations,
            unusable: 0,
            checkpoint: serde_json::to_string(&self.checkpoint).ok(),
        }
    }
}

/// Reads a contact that is said to have ended; `None` if it has not, or if there is none of this number in the digital part.
async fn read_hinted(
    client: &TenantClient,
    contact: &str,
    deadline: Deadline,
) -> Result<Option<DigitalContact>, Error> {
    match read_contact(client, contact, deadline).await {
        Ok(found) => Ok(found.filter(DigitalContact::is_finished)),
        Err(error) if error.is_retryable() || error.is_access_refused() => Err(error),
        Err(error) => {
            // The number is somebody's word, and the lists name the contact where there is one.
            tracing::warn!(
                conversation_id = contact,
                cause = %WithCauses(&error),
                "a contact that is said to have ended was not read"
            );
            Ok(None)
        }
    }
}

fn digital_task(now: Timestamp, look_back: SignedDuration, is_deep: bool) -> Task {
    let date = |at: Timestamp| -> Date { at.to_zoned(TimeZone::UTC).date() };
    // The days of the filter are somebody's, so that the last one may be tomorrow here.
    let last = now
        .saturating_add(SignedDuration::from_hours(24))
        .unwrap_or(now);
    let created = (date(earlier(now, look_back)), date(last));
    Task::Digital {
        walk: Box::new(DigitalWalk::new(DigitalQuery {
            statuses: FINISHED_STATUSES,
            created: Some(created),
        })),
        is_deep,
    }
}

impl ConversationList for TenantFeed {
    fn next_page(
        &mut self,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Option<SourcePage>, Error>> {
        Box::pin(self.advance(deadline))
    }
}
