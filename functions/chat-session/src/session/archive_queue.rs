//! The archives of a session: of conversations that end while the session goes on, and of all conversations at its end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures::StreamExt;
use insights_core::WithCauses;
use insights_core::chat::archive::Gap;
use insights_http::Deadline;
use runtime::metrics;
use store::Error as StoreError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::conversations::ConversationTable;
use super::removals::Removals;
use super::send::OutboundWriter;
use super::session_store::SessionStore;
use super::updates::{Update, UpdateFeed};
use crate::archive::{self, ArchiveResult, TranscriptReading};
use crate::deps::Deps;
use crate::records;

/// Number of archives that are written at the same time.
const CONCURRENCY: usize = 8;
/// Time limit of one archive while the session goes on.
pub(super) const ARCHIVE_TIMEOUT: Duration = Duration::from_secs(30);

/// The time for an archive that is kept for reading and writing the stores, if there is twice as much in all.
const STORE_TIME: Duration = Duration::from_secs(5);

/// Time between two attempts of one of the archives that wait, while archives fail for a reason that passes: however long their own
/// waits have become, all of them go on soon after a store or the contact center is back.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);

/// The result of an archive that was written in the background.
pub(super) struct FinishedArchive {
    conversation: String,
    /// Number of messages that the session had stored when the archive began.
    stored_messages: u64,
    result: anyhow::Result<ArchiveResult>,
}

/// Writes archives in the background and at the end of the session.
pub(super) struct ArchiveQueue {
    deps: Arc<Deps>,
    running: JoinSet<FinishedArchive>,
    /// The number of archives that are being written.
    running_count: watch::Sender<usize>,
    /// When one of the archives that wait is tried before its time, while archives fail for a reason that passes.
    probe_at: Option<Instant>,
    written: u64,
}

/// The parts of a session that take the result of an archive.
pub(super) struct Archiving<'s> {
    pub(super) store: &'s SessionStore,
    pub(super) conversations: &'s mut ConversationTable,
    pub(super) outbound: &'s mut OutboundWriter,
    pub(super) updates: &'s mut UpdateFeed,
    pub(super) removals: &'s mut Removals,
}

impl ArchiveQueue {
    /// Creates a queue without running archives.
    pub(super) fn new(deps: Arc<Deps>) -> Self {
        Self {
            deps,
            running: JoinSet::new(),
            running_count: watch::channel(0).0,
            probe_at: None,
            written: 0,
        }
    }

    /// Starts to archive conversations that have ended, as many as may be archived at the same time.
    pub(super) fn start_ended(&mut self, conversations: &mut ConversationTable, outages: &[Gap]) {
        let delay = self.deps.config.archive_delay;
        let now = Instant::now();
        let probe = self.take_probe(conversations, now);
        for (id, conversation) in conversations.iter_mut() {
            let is_due = conversation.has_ended()
                && !conversation.archiving
                && !conversation.waits_for_model()
                && conversation.last_activity.elapsed() >= delay
                && (conversation.archive_not_before <= now || probe.as_ref() == Some(id));
            if !is_due || self.running.len() >= CONCURRENCY {
                continue;
            }
            conversation.archiving = true;
            let (deps, outages) = (Arc::clone(&self.deps), outages.to_vec());
            let (id, stored_messages) = (id.clone(), conversation.stored_messages);
            self.running.spawn(async move {
                let deadline = Deadline::within(ARCHIVE_TIMEOUT);
                let result = archive_in_time(&deps, &id, &outages, deadline).await;
                FinishedArchive {
                    conversation: id,
                    stored_messages,
                    result,
                }
            });
        }
        self.publish_running();
    }

    /// Returns the conversation whose archive is tried before its time now, if one is.
    fn take_probe(
        &mut self,
        conversations: &mut ConversationTable,
        now: Instant,
    ) -> Option<String> {
        self.probe_at.filter(|probe_at| *probe_at <= now)?;
        let waiting = conversations.iter_mut().filter(|(_, conversation)| {
            conversation.has_ended()
                && !conversation.archiving
                && conversation.archive_not_before > now
        });
        let (id, _) = waiting.min_by_key(|(_, conversation)| conversation.archive_not_before)?;
        self.probe_at = Some(now + PROBE_INTERVAL);
        Some(id.clone())
    }

    /// Lets all archives that wait be tried now, because one of those that had failed was written.
    fn end_waits(&mut self, conversations: &mut ConversationTable) {
        if self.probe_at.take().is_some() {
            let now = Instant::now();
            for (_, conversation) in conversations.iter_mut() {
                conversation.archive_not_before = now;
            }
        }
    }

    /// Returns a receiver of the number of archives that are being written.
    pub(super) fn watch_running(&self) -> watch::Receiver<usize> {
        self.running_count.subscribe()
    }

    fn publish_running(&self) {
        self.running_count.send_replace(self.running.len());
    }

    /// Waits until a background archive has finished; `None` if none is running.
    ///
    /// # Errors
    /// If the task of the archive panicked.
    pub(super) async fn join_next(&mut self) -> Option<anyhow::Result<FinishedArchive>> {
        let joined = self.running.join_next().await?;
        self.publish_running();
        Some(joined.context("the task of an archive ended early"))
    }

    /// Takes the result of a background archive: removes a conversation that is archived completely, and lets every other
    /// conversation be archived again later.
    pub(super) fn finish(&mut self, finished: FinishedArchive, mut parts: Archiving<'_>) {
        let FinishedArchive {
            conversation: id,
            stored_messages,
            result,
        } = finished;
        let (must_retry, may_pass) = match result {
            Ok(archived) => {
                self.note_archived(&id, archived, parts.updates);
                let must_retry = archived.transcript.must_be_read_again();
                (must_retry, must_retry)
            }
            Err(error) => {
                tracing::error!(
                    conversation_id = id,
                    cause = %WithCauses(error.as_ref()),
                    "the conversation was not archived, trying again"
                );
                metrics::count("chat_archive_failures", 1);
                (true, archive::may_pass(&error))
            }
        };
        let Some(conversation) = parts.conversations.get_mut(&id) else {
            return;
        };
        conversation.archiving = false;
        let had_failed = conversation.archive_backoff.attempt() > 0;
        if must_retry {
            let wait = conversation.archive_backoff.next_delay(rand::random());
            conversation.archive_not_before = Instant::now() + wait;
            if may_pass {
                self.probe_at
                    .get_or_insert_with(|| Instant::now() + PROBE_INTERVAL);
            }
            return;
        }
        if conversation.has_ended() && conversation.stored_messages == stored_messages {
            parts.conversations.remove_archived(&id);
            close_conversation(&id, &mut parts);
        } else {
            conversation.archive_backoff.reset();
        }
        if had_failed {
            self.end_waits(parts.conversations);
        }
    }

    /// Archives all conversations, whether they have ended or not.
    ///
    /// # Errors
    /// If a conversation could not be archived; the others are archived nevertheless.
    pub(super) async fn archive_all(
        &mut self,
        outages: &[Gap],
        deadline: Deadline,
        mut parts: Archiving<'_>,
    ) -> anyhow::Result<()> {
        let deps = &self.deps;
        let archiving: Vec<_> = parts
            .conversations
            .ids()
            .into_iter()
            .map(|id| async move {
                let result = archive_in_time(deps, &id, outages, deadline).await;
                (id, result)
            })
            .collect();
        let results: Vec<_> = futures::stream::iter(archiving)
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        let mut failed = None;
        for (id, result) in results {
            match result {
                Ok(archived) => {
                    self.note_archived(&id, archived, parts.updates);
                    let has_ended = parts
                        .conversations
                        .get_mut(&id)
                        .is_some_and(|conversation| conversation.has_ended());
                    // What the contact center refuses today, the next session may read of a conversation that goes on.
                    let is_over = match archived.transcript {
                        TranscriptReading::Complete => true,
                        TranscriptReading::Refused => has_ended,
                        TranscriptReading::Failed => false,
                    };
                    if is_over {
                        close_conversation(&id, &mut parts);
                    }
                }
                Err(error) => {
                    tracing::error!(
                        conversation_id = id,
                        cause = %WithCauses(error.as_ref()),
                        "the conversation was not archived, the next session archives it"
                    );
                    failed = Some(error.context(format!("conversation {id} was not archived")));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Returns the number of archives that were written.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    fn note_archived(&mut self, id: &str, archived: ArchiveResult, updates: &mut UpdateFeed) {
        let ArchiveResult {
            messages,
            written,
            transcript,
        } = archived;
        tracing::info!(
            conversation_id = id,
            messages,
            written,
            ?transcript,
            "the conversation was archived"
        );
        if transcript == TranscriptReading::Refused {
            metrics::count("chat_archives_without_transcript", 1);
        }
        if written {
            self.written += 1;
            metrics::count("chat_archived", 1);
        }
        updates.publish(|| Update::Archived {
            conversation_id: id.to_owned(),
            messages,
        });
    }
}

/// Archives a conversation, its reads and writes of the stores included, in the time until the deadline.
async fn archive_in_time(
    deps: &Deps,
    id: &str,
    outages: &[Gap],
    deadline: Deadline,
) -> anyhow::Result<ArchiveResult> {
    // A contact center that does not answer leaves time for an archive without the transcript.
    let time = deadline.remaining();
    let for_transcript = Deadline::within(time - STORE_TIME.min(time / 2));
    deadline
        .bound(archive::archive_conversation(
            deps,
            id,
            outages,
            for_transcript,
        ))
        .await
        .unwrap_or_else(|| {
            Err(StoreError::Unavailable {
                store: "one of the stores",
                operation: "an archive",
                source: "its time is over".into(),
            }
            .into())
        })
}

/// Notes that a conversation is archived: the next session does not load it, and no message of it is sent again.
fn close_conversation(id: &str, parts: &mut Archiving<'_>) {
    parts.outbound.outbox.discard_outbound(id);
    parts.outbound.remove_notes(parts.store, parts.removals);
    parts
        .removals
        .close(id, records::open_key(&parts.store.agent, id));
}
