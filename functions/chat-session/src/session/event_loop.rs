//! The event loop of a session: takes arrivals, outgoing messages, finished archives and timers, one after the other.

use std::time::Duration;

use runtime::metrics;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::archive_queue::FinishedArchive;
use super::arrival::Arrival;
use super::options::{Options, OutgoingMessage};
use super::presence::PresenceKeeper;
use super::state::SessionState;
use super::tasks::TaskSet;
use crate::records::Phase;

/// Number of arrivals that are stored together at most.
const BATCH_LIMIT: usize = 256;
/// Time between two checks for silent and ended conversations.
const TICK_INTERVAL: Duration = Duration::from_millis(500);
/// Time between two reports of metrics. An invocation lasts fifteen minutes, so metrics cannot wait for its end.
const METRICS_INTERVAL: Duration = Duration::from_secs(60);

/// The event loop of a session that holds or hands over the lease of its agent.
pub(super) struct EventLoop {
    pub(super) state: SessionState,
    pub(super) presence: PresenceKeeper,
    tasks: TaskSet,
    outgoing: Option<mpsc::Receiver<OutgoingMessage>>,
    metrics_reported_at: Instant,
    recorded_at: Instant,
}

/// Whether the session still holds the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The session holds the lease: it keeps presence, archives conversations, and records its progress.
    Serving,
    /// The session waits for its successor: it stores and processes what arrives, and does nothing else.
    HandingOver,
}

impl EventLoop {
    /// Starts the tasks of the stream.
    pub(super) fn start(mut state: SessionState, options: &mut Options) -> Self {
        let tasks = TaskSet::start(&state.deps, state.stream.down_since_ms.take());
        Self {
            presence: PresenceKeeper::new(state.deps.clone(), &state.store.agent),
            state,
            tasks,
            outgoing: options.outbound.take(),
            metrics_reported_at: Instant::now(),
            recorded_at: Instant::now(),
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
                    Some(outgoing) => self.state.send(outgoing).await?,
                    None => self.outgoing = None,
                },
                Some(finished) = self.state.archives.join_next() => {
                    self.state.finish_archive(finished?).await?;
                }
                Some(_) = self.tasks.transcripts.join_next() => {}
                _ = tick.tick() => self.tick(mode).await?,
            }
            self.state.refill_and_send().await?;
        }
    }

    /// Waits until a background archive has finished; `None` if none is running.
    ///
    /// # Errors
    /// If the task of the archive panicked.
    pub(super) async fn next_archive(&mut self) -> Option<anyhow::Result<FinishedArchive>> {
        self.state.archives.join_next().await
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
        self.tasks.abort_transcripts().await;
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
        self.state.ingest(batch).await
    }

    async fn take_arrivals(&mut self, batch: Vec<Arrival>, mode: Mode) -> anyhow::Result<()> {
        let has_connected = batch
            .iter()
            .any(|arrival| matches!(arrival, Arrival::Connected { .. }));
        self.state.ingest(batch).await?;
        if has_connected {
            self.tasks.read_transcripts(
                &self.state.deps,
                self.state.conversations.active_ids(),
                self.state.stream.connections,
            );
            if mode == Mode::Serving {
                self.presence.start(self.state.conversations.watch_active());
                self.state.record(Phase::Serving).await?;
                self.recorded_at = Instant::now();
            }
        }
        Ok(())
    }

    async fn tick(&mut self, mode: Mode) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.tasks.has_stream_failed(),
            "the task of the stream ended by itself"
        );
        self.state.queue.drop_idle_queues();
        if mode == Mode::Serving {
            self.state.end_silent_conversations().await?;
            self.state.start_archives();
            if self.recorded_at.elapsed() >= self.state.deps.config.lease / 3 {
                self.recorded_at = Instant::now();
                self.state.record(Phase::Serving).await?;
            }
        }
        if self.metrics_reported_at.elapsed() >= METRICS_INTERVAL {
            self.metrics_reported_at = Instant::now();
            let summary = self.state.summary();
            metrics::gauge(
                "chat_active",
                self.state.conversations.active_count() as f64,
            );
            metrics::gauge("chat_waiting", self.state.queue.queued() as f64);
            metrics::gauge("message_latency_p99_ms", summary.sla.p99_ms.unwrap_or(0.0));
            metrics::flush();
        }
        Ok(())
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
