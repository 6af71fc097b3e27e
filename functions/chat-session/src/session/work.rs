//! A session at work: the one loop that everything meets in.

use std::time::Duration;

use cxone::chat::transcript;
use futures::StreamExt;
use insights_http::Deadline;
use runtime::metrics;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::agent::Presence;
use super::archives::Done;
use super::desk::Desk;
use super::link::{Arrival, Link};
use super::{Options, Outgoing};
use crate::records;

/// What may wait between the socket and the session; then the socket is read no further, and TCP slows the server down.
const ARRIVALS: usize = 1024;
/// Stored together at most.
const BATCH: usize = 256;
/// How long reading the transcripts after an outage may take.
const RECOVERY: Duration = Duration::from_secs(60);
/// Transcripts read at once.
const TRANSCRIPTS: usize = 8;
/// How often a session looks after its chats.
const TICK: Duration = Duration::from_millis(500);
/// How often metrics are written: an invocation lasts fifteen minutes.
const FLUSH: Duration = Duration::from_secs(60);
/// A session at work.
pub(super) struct Work {
    pub(super) desk: Desk,
    pub(super) presence: Presence,
    pub(super) arrivals: mpsc::Receiver<Arrival>,
    pub(super) link: tokio::task::JoinHandle<()>,
    pub(super) stop_link: CancellationToken,
    to_desk: mpsc::Sender<Arrival>,
    outgoing: Option<mpsc::Receiver<Outgoing>>,
    recoveries: JoinSet<()>,
    pub(super) archives: JoinSet<Done>,
    flushed: Instant,
    recorded: Instant,
}

impl Work {
    /// Starts the link.
    pub(super) fn start(mut desk: Desk, options: &mut Options) -> Self {
        let (to_desk, arrivals) = mpsc::channel(ARRIVALS);
        let stop_link = CancellationToken::new();
        let link = Link {
            deps: desk.deps.clone(),
            arrivals: to_desk.clone(),
            stop: stop_link.clone(),
            down_since: desk.down_since.take(),
        };
        Self {
            presence: Presence::new(desk.deps.clone(), &desk.agent),
            desk,
            arrivals,
            link: tokio::spawn(link.keep()),
            stop_link,
            to_desk,
            outgoing: options.outbound.take(),
            recoveries: JoinSet::new(),
            archives: JoinSet::new(),
            flushed: Instant::now(),
            recorded: Instant::now(),
        }
    }

    /// Works until `end` says how it ends.
    pub(super) async fn until<E>(
        &mut self,
        end: impl Future<Output = E>,
        serving: bool,
    ) -> anyhow::Result<E> {
        tokio::pin!(end);
        let mut batch = Vec::with_capacity(BATCH);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let due = self.desk.next_due();
            tokio::select! {
                end = &mut end => return Ok(end),
                _ = self.arrivals.recv_many(&mut batch, BATCH) => self.take(std::mem::take(&mut batch), serving).await?,
                () = at(due) => self.desk.release().await?,
                outgoing = next(&mut self.outgoing) => match outgoing {
                    Some(outgoing) => self.desk.take_outgoing(outgoing).await?,
                    None => self.outgoing = None,
                },
                Some(done) = self.archives.join_next() => self.desk.archived(done?).await?,
                Some(_) = self.recoveries.join_next() => {}
                _ = tick.tick() => self.tick(serving).await?,
            }
            self.desk.refill().await?;
            self.desk.outbox.send();
        }
    }

    /// Ends the link and takes all that it brought. What it brings until it has ended is taken meanwhile: it could not end
    /// while it waits for room.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        self.stop_link.cancel();
        self.recoveries.abort_all();
        while self.recoveries.join_next().await.is_some() {}
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                ended = &mut self.link => break ended?,
                _ = self.arrivals.recv_many(&mut batch, BATCH) => {
                    self.desk.take(std::mem::take(&mut batch)).await?;
                }
            }
        }
        while let Ok(arrival) = self.arrivals.try_recv() {
            batch.push(arrival);
            if batch.len() == BATCH {
                self.desk.take(std::mem::take(&mut batch)).await?;
            }
        }
        self.desk.take(batch).await
    }

    async fn take(&mut self, batch: Vec<Arrival>, serving: bool) -> anyhow::Result<()> {
        let up = batch
            .iter()
            .any(|arrival| matches!(arrival, Arrival::Up { .. }));
        self.desk.take(batch).await?;
        if up {
            self.recover();
            if serving {
                self.presence.keep(self.desk.active.subscribe());
                self.desk.record(records::Phase::Serving).await?;
                self.recorded = Instant::now();
            }
        }
        Ok(())
    }

    /// Reads the transcripts of the open chats for what the stream missed.
    fn recover(&mut self) {
        let chats: Vec<String> = self
            .desk
            .chats
            .iter()
            .filter(|(_, chat)| !chat.ended)
            .map(|(id, _)| id.clone())
            .collect();
        let (client, arrivals) = (self.desk.deps.client.clone(), self.to_desk.clone());
        let connection = self.desk.counts.connections;
        // One task for all: a second outage meanwhile starts another, and what both bring is known the second time.
        self.recoveries.spawn(async move {
            let deadline = Deadline::within(RECOVERY);
            let reading = chats.into_iter().map(|conversation| {
                recover_one(client.clone(), conversation, arrivals.clone(), deadline)
            });
            futures::stream::iter(reading)
                .buffer_unordered(TRANSCRIPTS)
                .collect::<Vec<()>>()
                .await;
            let _ = arrivals.send(Arrival::CaughtUp(connection)).await;
        });
    }

    async fn tick(&mut self, serving: bool) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.link.is_finished() || self.stop_link.is_cancelled(),
            "the task of the stream ended by itself"
        );
        self.desk.pacer.purge(Instant::now().into_std());
        if serving {
            self.desk.end_silent().await?;
            self.desk.archive_ended(&mut self.archives);
            if self.recorded.elapsed() >= self.desk.deps.config.lease / 3 {
                self.recorded = Instant::now();
                self.desk.record(records::Phase::Serving).await?;
            }
        }
        if self.flushed.elapsed() >= FLUSH {
            self.flushed = Instant::now();
            let summary = self.desk.summary();
            metrics::gauge("chat_active", *self.desk.active.borrow() as f64);
            metrics::gauge("chat_waiting", self.desk.pacer.waiting() as f64);
            metrics::gauge("message_latency_p99_ms", summary.sla.p99_ms.unwrap_or(0.0));
            metrics::flush();
        }
        Ok(())
    }
}

async fn recover_one(
    client: cxone::CxoneClient,
    conversation: String,
    arrivals: mpsc::Sender<Arrival>,
    deadline: Deadline,
) {
    match transcript(&client, &conversation, deadline).await {
        Ok(found) => {
            for message in found.into_iter().flat_map(|transcript| transcript.messages) {
                if arrivals.send(Arrival::Recovered(message)).await.is_err() {
                    return;
                }
            }
        }
        Err(error) => {
            tracing::warn!(conversation, error = %error, "transcript not read after an outage")
        }
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn next(outgoing: &mut Option<mpsc::Receiver<Outgoing>>) -> Option<Outgoing> {
    match outgoing {
        Some(outgoing) => outgoing.recv().await,
        None => std::future::pending().await,
    }
}
