//! The event loop of a session: takes arrivals, outgoing messages, finished archives and timers, one after the other.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::arrival::Arrival;
use super::options::{Options, OutgoingMessage};
use super::presence::PresenceKeeper;
use super::state::{SessionState, ToRead};
use super::tasks::TaskSet;
use crate::gauges::SessionFigures;
use crate::records::Phase;

/// Number of arrivals that are stored together at most.
const BATCH_LIMIT: usize = 256;
/// Time between two checks for silent and ended conversations.
const TICK_INTERVAL: Duration = Duration::from_millis(500);
/// Time between two reports of metrics. An invocation lasts fifteen minutes, so metrics cannot wait for its end.
const METRICS_INTERVAL: Duration = Duration::from_secs(60);
/// Time between two writes of a session's record in which nothing but the time of its last frame has changed. After the death of the
/// session, its outage counts from there.
const RECORD_INTERVAL: Duration = Duration::from_secs(60);
/// When a session first reads the notes of unsent messages again: the session that handed over to it still took messages after it had
/// read them at its start, and has ended by then. The notes of ended conversations are read at the same times, and after each connection.
const FIRST_NOTES_AFTER: Duration = Duration::from_secs(15);
/// Time between two later readings of the notes of unsent messages.
const NOTES_INTERVAL: Duration = Duration::from_secs(60);

/// The event loop of a session that holds or hands over the lease of its agent.
pub(super) struct EventLoop {
    pub(super) state: SessionState,
    pub(super) presence: PresenceKeeper,
    tasks: TaskSet,
    outgoing: Option<mpsc::Receiver<OutgoingMessage>>,
    metrics_reported_at: Instant,
    recorded_at: Instant,
    notes_due: Instant,
}

/// Whether the session still holds the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The session holds the lease: it keeps presence, archives conversations, and records its progress.
    Serving,
    /// The session still holds the lease, and is about to hand over: it begins no further archive.
    Closing,
    /// The session waits for its successor: it stores and processes what arrives, and does nothing else.
    HandingOver,
}

impl EventLoop {
    /// Starts the tasks of the stream.
    pub(super) fn start(mut state: SessionState, options: &mut Options) -> Self {
        let tasks = TaskSet::start(
            &state.deps,
            &state.store.agent,
            state.stream.down_since_ms.take(),
            state.conversations.ids(),
        );
        Self {
            presence: PresenceKeeper::new(state.deps.clone(), &state.store.agent),
            state,
            tasks,
            outgoing: options.outbound.take(),
            metrics_reported_at: Instant::now(),
            recorded_at: Instant::now(),
            notes_due: Instant::now() + FIRST_NOTES_AFTER,
        }
    }

    /// Works until `end` completes, and returns its output.
    pub(super) async fn run_until<E>(
        &mut self,
        end: impl Future<Output = E>,
        mode: Mode,
    ) -> anyhow::Result<E> {
        tokio::pin!(end);
        let mut batch = Vec::with_capacity(BATCH_LIMIT);
        let mut tick = tokio::time::interval(TICK_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due = self.state.next_due();
            tokio::select! {
                end = &mut end => return Ok(end),
                _ = self.tasks.arrivals.recv_many(&mut batch, BATCH_LIMIT) => {
                    self.take_arrivals(std::mem::take(&mut batch), mode).await?;
                }
                () = sleep_until(due) => self.state.process_due().await?,
                outgoing = next_outgoing(&mut self.outgoing) => match outgoing {
                    Some(outgoing) => {
                        let to_read = self.state.send(outgoing).await?;
                        self.read_transcripts(to_read);
                    }
                    None => self.outgoing = None,
                },
                Some(finished) = self.state.archives.join_next() => {
                    self.state.finish_archive(finished?);
                }
                Some(scored) = self.state.scoring.next_done() => {
                    self.state.take_scored(scored).await?;
                }
                _ = tick.tick() => self.tick(mode).await?,
            }
            self.state.refill_and_send().await?;
        }
    }

    /// Waits for the archives that are being written, and takes their results.
    ///
    /// # Errors
    /// If the task of an archive panicked.
    pub(super) async fn finish_archives(&mut self) -> anyhow::Result<()> {
        while let Some(finished) = self.state.archives.join_next().await {
            self.state.finish_archive(finished?);
        }
        Ok(())
    }

    /// Asks the stream task to end, without waiting for it.
    pub(super) fn cancel_stream(&self) {
        self.tasks.stop_stream();
    }

    /// Ends the stream and takes everything that it brought.
    ///
    /// Arrivals are taken while the stream task ends: that task may wait for room in the channel, and could not end otherwise.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        self.tasks.stop_stream();
        self.tasks.transcripts.stop();
        let mut batch = Vec::with_capacity(BATCH_LIMIT);
        loop {
            tokio::select! {
                ended = &mut self.tasks.stream => break ended?,
                _ = self.tasks.arrivals.recv_many(&mut batch, BATCH_LIMIT) => {
                    self.state.ingest(std::mem::take(&mut batch)).await?;
                }
            }
        }
        while let Ok(arrival) = self.tasks.arrivals.try_recv() {
            batch.push(arrival);
            if batch.len() == BATCH_LIMIT {
                self.state.ingest(std::mem::take(&mut batch)).await?;
            }
        }
        self.state.ingest(batch).await?;
        Ok(())
    }

    async fn take_arrivals(&mut self, mut batch: Vec<Arrival>, mode: Mode) -> anyhow::Result<()> {
        if mode != Mode::Serving {
            // The successor sends what is left unsent.
            batch.retain(|arrival| !matches!(arrival, Arrival::UnsentNotes(_)));
        }
        let has_connected = batch
            .iter()
            .any(|arrival| matches!(arrival, Arrival::Connected { .. }));
        let was_connected = self.state.stream.connected;
        let to_read = self.state.ingest(batch).await?;
        if has_connected && self.state.deps.center.has_stream() {
            let (all, connection) = (
                self.state.conversations.ids(),
                self.state.stream.connections,
            );
            self.tasks.transcripts.read_after_outage(all, connection);
        } else {
            self.read_transcripts(to_read);
        }
        if mode == Mode::Serving && has_connected && self.state.deps.center.has_stream() {
            self.tasks.read_ended_notes();
        }
        if mode == Mode::Serving && has_connected {
            self.presence.start(self.state.conversations.watch_active());
        }
        let has_changed = has_connected || was_connected != self.state.stream.connected;
        if mode == Mode::Serving && has_changed {
            self.record().await?;
        }
        Ok(())
    }

    fn read_transcripts(&self, to_read: ToRead) {
        if !self.state.deps.center.has_stream() {
            // The watch over a tenant reads every open contact whole, and again after an outage.
            return;
        }
        let ToRead {
            first_seen,
            adopted,
        } = to_read;
        let transcripts = &self.tasks.transcripts;
        if !first_seen.is_empty() {
            transcripts.read_first_seen(first_seen);
        }
        if !adopted.is_empty() {
            transcripts.read_after_outage(adopted, self.state.stream.connections);
        }
    }

    async fn tick(&mut self, mode: Mode) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.tasks.has_stream_failed(),
            "the task of the stream ended by itself"
        );
        self.state.queue.drop_idle_queues();
        if mode == Mode::Serving {
            self.state.end_silent_conversations().await?;
            self.state.decide_rules().await?;
            self.state.start_archives();
            if Instant::now() >= self.notes_due && self.state.deps.center.has_stream() {
                self.notes_due = Instant::now() + NOTES_INTERVAL;
                self.tasks.read_unsent_notes();
                self.tasks.read_ended_notes();
            }
            if self.recorded_at.elapsed() >= RECORD_INTERVAL {
                let deps = Arc::clone(&self.state.deps);
                // Beside the loop: a bucket that is out of reach must not hold messages up.
                tokio::spawn(async move { deps.rules.refresh().await });
                self.record().await?;
            }
        }
        if self.metrics_reported_at.elapsed() >= METRICS_INTERVAL {
            self.metrics_reported_at = Instant::now();
            let figures = SessionFigures {
                active: self.state.conversations.active_count(),
                waiting: self.state.queue.queued(),
                latency_p99_ms: self.state.summary().sla.p99_ms.unwrap_or(0.0),
            };
            let agent = &self.state.store.agent;
            self.state.deps.gauges.report(agent, figures);
        }
        Ok(())
    }

    /// Stores how far the session has come, while it serves.
    async fn record(&mut self) -> anyhow::Result<()> {
        self.recorded_at = Instant::now();
        self.state.record(Phase::Serving).await
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        self.state.deps.gauges.remove(&self.state.store.agent);
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn next_outgoing(
    outgoing: &mut Option<mpsc::Receiver<OutgoingMessage>>,
) -> Option<OutgoingMessage> {
    match outgoing {
        Some(outgoing) => outgoing.recv().await,
        None => std::future::pending().await,
    }
}
