//! Delivers pending conversations: reads what was said, and puts it into the sink.

use std::time::Duration;

use anyhow::Context;
use backends::conversation_source::SourceTranscript;
use backends::erasure::ErasedConversations;
use cxone::conversations::TranscriptLines;
use insights_core::WithCauses;
use insights_core::feed::DeliveryVersion;
use insights_http::Deadline;

use crate::deps::Deps;
use crate::event::{event_of, removal_of};
use crate::memory::{FeedMemory, Stored};
use crate::summary::Summary;

/// Number of pending conversations that are listed at a time.
const PENDING_PAGE: usize = 100;

/// Longest time of reading one conversation.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Number of conversations in a row that cannot be read after which the run ends: the contact center is away.
const MAX_FAILURES_IN_A_ROW: u32 = 10;

/// Delivers pending conversations until a deadline.
pub(crate) struct Delivering<'a> {
    deps: &'a Deps,
    memory: &'a FeedMemory<'a>,
    erased: &'a ErasedConversations,
    deadline: Deadline,
    failures_in_a_row: u32,
}

impl<'a> Delivering<'a> {
    /// Builds what delivers until a deadline.
    pub(crate) fn new(
        deps: &'a Deps,
        memory: &'a FeedMemory<'a>,
        erased: &'a ErasedConversations,
        deadline: Deadline,
    ) -> Self {
        Self {
            deps,
            memory,
            erased,
            deadline,
            failures_in_a_row: 0,
        }
    }

    /// Returns whether a conversation was erased here, so that it must not come back.
    pub(crate) fn is_erased(&self, id: &str) -> bool {
        self.erased.contains(id)
    }

    /// Delivers those of the conversations whose time has come. Returns whether there is time and reason to go on.
    pub(crate) async fn deliver(
        &mut self,
        ids: Vec<String>,
        summary: &mut Summary,
    ) -> anyhow::Result<bool> {
        for id in ids {
            let can_go_on =
                !self.deadline.has_passed() && self.failures_in_a_row < MAX_FAILURES_IN_A_ROW;
            if !can_go_on {
                return Ok(false);
            }
            self.deliver_one(&id, summary).await?;
        }
        Ok(!self.deadline.has_passed())
    }

    async fn deliver_one(&mut self, id: &str, summary: &mut Summary) -> anyhow::Result<()> {
        let now = (self.deps.clock)();
        let Some(stored) = self.memory.known(id, now).await? else {
            // The mark outlived what it stands for.
            self.memory.unmark(id, now).await?;
            return Ok(());
        };
        if !stored.known.is_pending() || self.is_erased(id) {
            self.memory.unmark(id, now).await?;
            return Ok(());
        }
        if !stored.known.is_due(now) {
            summary.waiting += 1;
            return Ok(());
        }
        let version = DeliveryVersion::of(&stored.known.conversation);
        let deadline = self.deadline.or_within(READ_TIMEOUT);
        let conversation = &stored.known.conversation;
        let read = self.deps.source.transcript(conversation, deadline).await;
        let transcript = match read {
            Ok(transcript) => transcript,
            Err(error) if error.is_access_refused() && !error.is_forbidden() => {
                return Err(error).context("conversations cannot be read");
            }
            Err(error) => {
                tracing::warn!(
                    conversation_id = id,
                    cause = %WithCauses(&error),
                    "a conversation was not read and is tried again"
                );
                self.failures_in_a_row += 1;
                if self.failures_in_a_row >= MAX_FAILURES_IN_A_ROW {
                    summary.interruption = Some(WithCauses(&error).to_string());
                }
                summary.waiting += 1;
                if error.is_retryable() {
                    // An outage is no reason to give a conversation up.
                    return Ok(());
                }
                return self.wait_or_give_up(stored, version, None, summary).await;
            }
        };
        self.failures_in_a_row = 0;
        match transcript {
            SourceTranscript::Complete(lines) => {
                self.put(stored, version, Some(&lines), summary).await
            }
            SourceTranscript::Partial(lines) => {
                self.wait_or_give_up(stored, version, Some(lines), summary)
                    .await
            }
            SourceTranscript::NotYet => self.wait_or_give_up(stored, version, None, summary).await,
            SourceTranscript::Missing => {
                summary.without_text += 1;
                self.settle(stored, version).await
            }
            SourceTranscript::Removed => self.put(stored, version, None, summary).await,
        }
    }

    /// Waits for a text that may follow. After the last wait the conversation is delivered with what there is of it.
    async fn wait_or_give_up(
        &self,
        mut stored: Stored,
        version: DeliveryVersion,
        lines: Option<TranscriptLines>,
        summary: &mut Summary,
    ) -> anyhow::Result<()> {
        let now = (self.deps.clock)();
        if stored.known.note_not_yet(now) {
            summary.waiting += 1;
            self.memory.store(&mut stored, now).await?;
            return Ok(());
        }
        match lines {
            Some(lines) => self.put(stored, version, Some(&lines), summary).await,
            None => {
                summary.without_text += 1;
                self.settle(stored, version).await
            }
        }
    }

    /// Puts a conversation into the sink; without lines, its removal.
    async fn put(
        &self,
        mut stored: Stored,
        version: DeliveryVersion,
        lines: Option<&TranscriptLines>,
        summary: &mut Summary,
    ) -> anyhow::Result<()> {
        let now = (self.deps.clock)();
        let event_at = stored.known.plan_event(now);
        let conversation = &stored.known.conversation;
        let event = match lines {
            Some(lines) => event_of(conversation, &lines.lines, event_at),
            None => removal_of(conversation, event_at),
        };
        let Some(event) = event else {
            summary.without_text += 1;
            return self.settle(stored, version).await;
        };
        if self.deps.pace.acquire(self.deadline).await.is_err() {
            // The time is up; the mark stays.
            summary.waiting += 1;
            return Ok(());
        }
        self.memory.store(&mut stored, now).await?;
        self.deps
            .sink
            .put(&event, self.deadline)
            .await
            .context("a conversation was not put into the embedding queue")?;
        match lines {
            Some(_) => summary.delivered += 1,
            None => summary.removed += 1,
        }
        self.settle(stored, version).await
    }

    /// Stores that a version was delivered, and removes the mark.
    async fn settle(&self, mut stored: Stored, version: DeliveryVersion) -> anyhow::Result<()> {
        let now = (self.deps.clock)();
        stored.known.note_delivery(version);
        self.memory.store(&mut stored, now).await?;
        let id = &stored.known.conversation.conversation_id;
        self.memory.unmark(id, now).await?;
        Ok(())
    }
}

/// Delivers everything that is pending and whose time has come. Returns whether there is time to go on.
pub(crate) async fn deliver_pending(
    delivering: &mut Delivering<'_>,
    summary: &mut Summary,
) -> anyhow::Result<bool> {
    let mut after: Option<String> = None;
    loop {
        let now = (delivering.deps.clock)();
        let ids = delivering
            .memory
            .pending(after.as_deref(), PENDING_PAGE, now)
            .await?;
        let Some(last) = ids.last().cloned() else {
            return Ok(!delivering.deadline.has_passed());
        };
        after = Some(last);
        if !delivering.deliver(ids, summary).await? {
            return Ok(false);
        }
    }
}
