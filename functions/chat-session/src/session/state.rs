//! The state of a session, and the steps that its event loop takes with it.
//!
//! Only the event loop changes the state. Each step borrows the parts that it needs and gives them to the module that
//! does the work.

use std::sync::Arc;
use std::time::Duration;

use insights_core::chat::escalation::RaisedSeverities;
use insights_core::chat::stored_message::StoredMessage;
use insights_core::rules::RuleFile;
use insights_http::Deadline;
use jiff::Timestamp;
use store::state::StateStore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::archive_queue::{ArchiveQueue, Archiving, FinishedArchive};
use super::arrival::Arrival;
use super::board_rows;
use super::conversations::{Conversation, ConversationTable};
use super::escalation::Escalations;
use super::ingest::{self, Ingest};
use super::loading::Loading;
use super::message_queue::{MessageQueue, PendingMessage};
use super::options::{Options, OutgoingMessage, RefusedMessage};
use super::processing::Processing;
use super::removals::Removals;
use super::report::Summary;
use super::scoring::ScoringQueue;
use super::send::OutboundWriter;
use super::session_store::SessionStore;
use super::statistics::SessionStatistics;
use super::stream_status::StreamStatus;
use super::updates::{Update, UpdateFeed};
use crate::deps::Deps;
use crate::records::{self, Phase, SessionRecord};

/// Time after which every message that was sent counts as received, so that rules are decided, in milliseconds.
const RULE_SETTLE_MS: i64 = 2000;

/// The state of a session.
pub(super) struct SessionState {
    pub(super) deps: Arc<Deps>,
    /// Name of the lease holder.
    holder: String,
    pub(super) store: SessionStore,
    pub(super) conversations: ConversationTable,
    pub(super) queue: MessageQueue,
    pub(super) outbound: OutboundWriter,
    escalations: Escalations,
    pub(super) scoring: ScoringQueue,
    pub(super) archives: ArchiveQueue,
    pub(super) removals: Removals,
    pub(super) stream: StreamStatus,
    statistics: SessionStatistics,
    updates: UpdateFeed,
}

/// The conversations whose transcripts are to be read after a batch of arrivals.
#[derive(Debug, Default)]
pub(super) struct ToRead {
    /// Those that are seen for the first time after a part of the stream was missed: their transcripts may hold messages that nobody
    /// has received.
    pub(super) first_seen: Vec<String>,
    /// Those with messages that another session left unsent: their transcripts tell whether the messages have arrived.
    pub(super) adopted: Vec<String>,
}

impl SessionState {
    /// Creates the state of a session without conversations, and starts the tasks that score messages and deliver
    /// notifications.
    pub(super) fn new(
        deps: Arc<Deps>,
        agent: &str,
        options: &Options,
        lease_lost: CancellationToken,
    ) -> Self {
        let config = &deps.config;
        let conversations = ConversationTable::new();
        let updates = options.updates.clone();
        let updates = board_rows::start(&deps, agent, conversations.watch_open(), updates);
        Self {
            holder: options.holder.clone(),
            store: SessionStore::new(
                deps.state.clone(),
                agent.to_owned(),
                config.retention,
                lease_lost,
            ),
            conversations,
            queue: MessageQueue::new(config.rate, config.room),
            outbound: OutboundWriter::new(config.rate),
            escalations: Escalations::start(&deps, agent, &options.holder),
            scoring: ScoringQueue::start(&deps, updates.clone()),
            archives: ArchiveQueue::new(Arc::clone(&deps)),
            removals: Removals::new(deps.state.clone()),
            stream: StreamStatus::new(),
            statistics: SessionStatistics::new(config.sla),
            updates: UpdateFeed::new(updates),
            deps,
        }
    }

    /// Stores how far the session has come.
    pub(super) async fn record(&self, phase: Phase) -> anyhow::Result<()> {
        let record = SessionRecord {
            holder: self.holder.clone(),
            phase,
            connected: self.stream.connected,
            last_frame_ms: self.stream.last_frame_ms,
            had_gap: self.stream.missed_until_ms.is_some(),
            missed_until_ms: self.stream.missed_until_ms,
            alive_ms: (phase == Phase::HandingOver).then(|| Timestamp::now().as_millisecond()),
        };
        let key = records::session_key(&self.store.agent);
        self.store
            .write(vec![self.store.encode(key, &record)?])
            .await
    }

    /// Loads and opens conversations, and resumes what earlier sessions left of them.
    pub(super) const fn loading(&mut self) -> Loading<'_> {
        Loading {
            store: &self.store,
            conversations: &mut self.conversations,
            queue: &mut self.queue,
            escalations: &mut self.escalations,
            scoring: &mut self.scoring,
            removals: &mut self.removals,
        }
    }

    /// Takes a batch of arrivals: stores everything in one go, and then processes the messages that may be processed now.
    ///
    /// Returns the conversations whose transcripts are to be read.
    pub(super) async fn ingest(&mut self, batch: Vec<Arrival>) -> anyhow::Result<ToRead> {
        let mut conversations = Vec::new();
        for arrival in &batch {
            conversations.extend(arrival.conversation_id().map(str::to_owned));
            if let Arrival::UnsentNotes(messages) = arrival {
                let unknown = messages
                    .iter()
                    .filter(|message| !self.outbound.outbox.is_known(&message.identity()));
                conversations.extend(unknown.map(|message| message.conversation_id.clone()));
            }
        }
        let opened = self.loading().open(&conversations).await?;
        self.look_up_forgotten(&batch).await?;
        let mut ingest = Ingest {
            store: &self.store,
            conversations: &mut self.conversations,
            queue: &mut self.queue,
            outbound: &mut self.outbound,
            stream: &mut self.stream,
            statistics: &mut self.statistics,
            updates: &mut self.updates,
        };
        let ingested = ingest.take_batch(batch)?;
        self.store.write(ingested.puts).await?;
        self.outbound.remove_notes(&self.store, &mut self.removals);
        self.conversations.publish_active();
        for pending in ingested.ready {
            self.process(pending).await?;
        }
        Ok(ToRead {
            first_seen: self.of_missed_parts(opened),
            adopted: ingested.adopted,
        })
    }

    /// Returns those of the conversations, seen for the first time, that may have begun while a part of the stream was missed.
    fn of_missed_parts(&self, opened: Vec<String>) -> Vec<String> {
        let silence = self.deps.config.silence;
        if self.stream.may_have_missed_conversations(silence) {
            opened
        } else {
            Vec::new()
        }
    }

    /// Looks up in the store which messages of a batch were stored before, as far as memory has forgotten that.
    async fn look_up_forgotten(&mut self, batch: &[Arrival]) -> anyhow::Result<()> {
        for message in batch.iter().filter_map(Arrival::message) {
            let identity = message.identity();
            let Some(conversation) = self.conversations.get_mut(&message.conversation_id) else {
                continue;
            };
            if !conversation.seen.may_have_forgotten(&identity) {
                continue;
            }
            let key = records::message_key(message);
            let stored = self
                .store
                .read_with_retry(|| self.store.state.get(&key, Timestamp::now()))
                .await?;
            if stored.is_some() {
                conversation.seen.insert(identity);
            }
        }
        Ok(())
    }

    /// Takes a message that the agent sends: stores, queues and processes it, or tells why it is refused.
    ///
    /// Returns the conversations whose transcripts are to be read.
    pub(super) async fn send(&mut self, outgoing: OutgoingMessage) -> anyhow::Result<ToRead> {
        let OutgoingMessage {
            conversation_id,
            text,
            accepted,
        } = outgoing;
        let composed = if self.deps.center.has_stream() {
            self.outbound
                .compose(&self.store.agent, conversation_id, text)
        } else {
            Err(RefusedMessage::Watched)
        };
        let message = match composed {
            Ok(message) => message,
            Err(refused) => {
                let _ = accepted.send(Err(refused));
                return Ok(ToRead::default());
            }
        };
        let conversation = std::slice::from_ref(&message.conversation_id);
        let opened = self.loading().open(conversation).await?;
        let first_seen = self.of_missed_parts(opened);
        let pending = self
            .outbound
            .accept(
                message,
                &self.store,
                &mut self.conversations,
                &mut self.queue,
            )
            .await?;
        let _ = accepted.send(Ok(()));
        if let Some(pending) = pending {
            self.process(pending).await?;
        }
        Ok(ToRead {
            first_seen,
            adopted: Vec::new(),
        })
    }

    /// Returns when the next queued message may be processed or sent.
    pub(super) fn next_due(&self) -> Option<Instant> {
        [self.queue.next_due(), self.outbound.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Processes the queued messages that may be processed now.
    pub(super) async fn process_due(&mut self) -> anyhow::Result<()> {
        while let Some(pending) = self.queue.pop_due() {
            self.process(pending).await?;
        }
        Ok(())
    }

    /// Reads spilled messages back, and hands messages to the connection that may be sent now.
    pub(super) async fn refill_and_send(&mut self) -> anyhow::Result<()> {
        self.queue.refill(&self.store, &mut self.removals).await?;
        self.outbound.send_due();
        Ok(())
    }

    /// Processes all pending messages regardless of the rate, at the end of the session.
    pub(super) async fn drain_pending(&mut self) -> anyhow::Result<()> {
        loop {
            for pending in self.queue.drain() {
                self.process(pending).await?;
            }
            self.queue.refill(&self.store, &mut self.removals).await?;
            if self.queue.queued() == 0 {
                return Ok(());
            }
        }
    }

    /// Ends conversations that have been silent for too long. Silence is time in which everything that was said is known: none ends before
    /// the transcripts have shown what was said while nobody listened.
    pub(super) async fn end_silent_conversations(&mut self) -> anyhow::Result<()> {
        if self.deps.center.has_stream() && !self.stream.has_caught_up {
            return Ok(());
        }
        let mut puts = Vec::new();
        for id in self.conversations.silent_ids(self.deps.config.silence) {
            ingest::end_conversation(
                id,
                Timestamp::now().as_millisecond(),
                &self.store,
                &mut self.conversations,
                &mut self.updates,
                &mut puts,
            )?;
        }
        self.store.write(puts).await?;
        self.conversations.publish_active();
        Ok(())
    }

    /// Decides the rules of the rule file for all conversations, while the stream shows what is said.
    pub(super) async fn decide_rules(&mut self) -> anyhow::Result<()> {
        let Some(file) = self.deps.rules.current().filter(|_| self.stream.connected) else {
            return Ok(());
        };
        let until_ms = Timestamp::now().as_millisecond() - RULE_SETTLE_MS;
        self.decide_rules_until(&file, |_| until_ms).await
    }

    /// Decides the rules for the last time, after the session has stopped to listen at `stopped_ms` and the model has scored what it
    /// could. Nothing more will be heard, so whatever was heard counts as complete.
    pub(super) async fn decide_rules_finally(&mut self, stopped_ms: i64) -> anyhow::Result<()> {
        let Some(file) = self.deps.rules.current() else {
            return Ok(());
        };
        for (_, conversation) in self.conversations.iter_mut() {
            conversation.stop_waiting_for_model();
        }
        let settled_ms = stopped_ms - RULE_SETTLE_MS;
        self.decide_rules_until(&file, |conversation| {
            settled_ms.max(conversation.rules.last_end().unwrap_or(settled_ms))
        })
        .await
    }

    async fn decide_rules_until(
        &mut self,
        file: &RuleFile,
        until_ms: impl Fn(&Conversation) -> i64,
    ) -> anyhow::Result<()> {
        let outages = self.stream.outages();
        let raised: Vec<_> = self
            .conversations
            .iter_mut()
            .map(|(id, open)| {
                let until_ms = until_ms(open);
                (id.clone(), open.decide_rules(file, until_ms, outages))
            })
            .filter(|(_, hits)| !hits.is_empty())
            .collect();
        for (id, conversation) in self.conversations.iter_mut() {
            if let Some(unknown) = conversation.take_unknown() {
                self.updates.publish(|| Update::UnknownRules {
                    conversation_id: id.clone(),
                    unknown,
                });
            }
        }
        for (conversation, hits) in raised {
            self.escalations
                .raise_hits(&conversation, hits.clone(), &self.store)
                .await?;
            self.updates.publish(|| Update::RuleHits {
                conversation_id: conversation,
                hits,
            });
        }
        Ok(())
    }

    /// Starts to archive conversations that have ended.
    pub(super) fn start_archives(&mut self) {
        self.archives
            .start_ended(&mut self.conversations, self.stream.outages());
    }

    /// Takes the result of a background archive.
    pub(super) fn finish_archive(&mut self, finished: FinishedArchive) {
        let parts = Archiving {
            store: &self.store,
            conversations: &mut self.conversations,
            outbound: &mut self.outbound,
            updates: &mut self.updates,
            removals: &mut self.removals,
        };
        self.archives.finish(finished, parts);
    }

    /// Archives all conversations, at the end of the session.
    pub(super) async fn archive_all(&mut self, deadline: Deadline) -> anyhow::Result<()> {
        let parts = Archiving {
            store: &self.store,
            conversations: &mut self.conversations,
            outbound: &mut self.outbound,
            updates: &mut self.updates,
            removals: &mut self.removals,
        };
        self.archives
            .archive_all(self.stream.outages(), deadline, parts)
            .await
    }

    /// Waits until notifications are delivered and items removed that the session is done with, at most for `limit`. The next session
    /// does the rest.
    pub(super) async fn finish_background_work(&mut self, limit: Duration) {
        tokio::join!(self.escalations.finish(limit), self.removals.finish(limit));
    }

    /// Returns what the session did so far.
    pub(super) fn summary(&self) -> Summary {
        Summary {
            messages: self.statistics.messages,
            recovered: self.statistics.recovered,
            duplicates: self.statistics.duplicates,
            sent: self.outbound.outbox.sent(),
            malformed: self.statistics.malformed,
            pace: self.queue.counts(),
            sla: self.statistics.sla(),
            added_ms: self.statistics.processing_ms(),
            connections: self.stream.connections,
            escalations: self.escalations.raised(),
            archived: self.archives.written(),
            unscored: self.scoring.skipped(),
            not_shown: self.updates.dropped(),
        }
    }

    /// Takes a message that the model is done with: the rules learn its signals, which also raise its escalation. The conversation may
    /// have been archived meanwhile.
    pub(super) async fn take_scored(&mut self, stored: StoredMessage) -> anyhow::Result<()> {
        let mut of_archived = RaisedSeverities::default();
        let mut conversation = self.conversations.get_mut(&stored.message.conversation_id);
        if let Some(conversation) = &mut conversation {
            conversation.end_wait_for_model(&stored.message.identity());
        }
        if stored.signals.is_empty() {
            return Ok(());
        }
        let escalated = match conversation {
            Some(conversation) => {
                self.escalations.read_for_rules(&stored, conversation);
                &mut conversation.escalated
            }
            None => &mut of_archived,
        };
        let raised = self
            .escalations
            .raise(&stored, escalated, &self.store)
            .await?;
        if let Some(trigger) = raised {
            self.updates.publish(|| Update::Escalated {
                conversation_id: stored.message.conversation_id.clone(),
                trigger,
            });
        }
        Ok(())
    }

    /// Waits until the model has scored what waits for it, at most for `limit`, and raises what it finds. The next session does
    /// the rest.
    pub(super) async fn finish_scoring(&mut self, limit: Duration) -> anyhow::Result<()> {
        self.scoring.close();
        let deadline = Instant::now() + limit;
        while let Ok(Some(stored)) =
            tokio::time::timeout_at(deadline, self.scoring.next_done()).await
        {
            self.take_scored(stored).await?;
        }
        Ok(())
    }

    async fn process(&mut self, pending: PendingMessage) -> anyhow::Result<()> {
        let mut processing = Processing {
            store: &self.store,
            conversations: &mut self.conversations,
            escalations: &mut self.escalations,
            scoring: &mut self.scoring,
            statistics: &mut self.statistics,
            updates: &mut self.updates,
        };
        processing.process(pending).await
    }
}
