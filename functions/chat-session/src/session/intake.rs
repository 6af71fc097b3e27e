//! The work of a session: everything that arrives is stored, then gets its turn.

use std::time::Duration;

use cxone::Deadline;
use cxone::chat::transcript;
use insights_core::chat::archive::Gap;
use insights_core::chat::envelope::Event;
use insights_core::chat::merge::{Heard, Via};
use insights_core::chat::message::Message;
use insights_core::chat::pace::Offer;
use jiff::Timestamp;
use runtime::metrics;
use store::state::{Expect, Put, StateStore};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::agent::Presence;
use super::desk::{Desk, Waiting};
use super::finish::Done;
use super::link::{Arrival, Link};
use super::{Options, Outgoing, Update};
use crate::records;

/// What may wait between the socket and the session; then the socket is read no further, and TCP slows the server down.
const ARRIVALS: usize = 1024;
/// Stored together at most.
const BATCH: usize = 256;
/// Messages handed to the link at most.
const OUTBOUND: usize = 16;
/// How long reading the transcripts after an outage may take.
const RECOVERY: Duration = Duration::from_secs(60);
/// Transcripts read at once.
const TRANSCRIPTS: usize = 8;
/// How often a session looks after its chats.
const TICK: Duration = Duration::from_millis(500);
/// How often metrics are written: an invocation lasts fifteen minutes.
const FLUSH: Duration = Duration::from_secs(60);
/// One breach of the service level a second is logged, all are counted.
const BREACH_LOG: Duration = Duration::from_secs(1);

/// A session at work.
pub(super) struct Work {
    pub(super) desk: Desk,
    pub(super) presence: Presence,
    pub(super) arrivals: mpsc::Receiver<Arrival>,
    pub(super) link: tokio::task::JoinHandle<()>,
    pub(super) stop_link: CancellationToken,
    to_desk: mpsc::Sender<Arrival>,
    to_link: mpsc::Sender<Message>,
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
        let (to_link, outbound) = mpsc::channel(OUTBOUND);
        let stop_link = CancellationToken::new();
        let link = Link {
            deps: desk.deps.clone(),
            arrivals: to_desk.clone(),
            outbound,
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
            to_link,
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
            self.desk.outbox.send(&self.to_link);
        }
    }

    /// Takes what is left after the link has ended.
    pub(super) async fn drain(&mut self) -> anyhow::Result<()> {
        self.recoveries.abort_all();
        while self.recoveries.join_next().await.is_some() {}
        let mut rest = Vec::new();
        while let Ok(arrival) = self.arrivals.try_recv() {
            rest.push(arrival);
            if rest.len() == BATCH {
                self.desk.take(std::mem::take(&mut rest)).await?;
            }
        }
        self.desk.take(rest).await
    }

    async fn take(&mut self, batch: Vec<Arrival>, serving: bool) -> anyhow::Result<()> {
        let up = batch
            .iter()
            .any(|arrival| matches!(arrival, Arrival::Up(_)));
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
        // One task for all: a second outage meanwhile starts another, and what both bring is known the second time.
        self.recoveries.spawn(async move {
            use futures::StreamExt;
            let deadline = Deadline::within(RECOVERY);
            let reading = chats.into_iter().map(|conversation| {
                recover_one(client.clone(), conversation, arrivals.clone(), deadline)
            });
            futures::stream::iter(reading)
                .buffer_unordered(TRANSCRIPTS)
                .collect::<Vec<()>>()
                .await;
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
    client: cxone::Client,
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

impl Desk {
    /// Takes a batch: everything in it is stored, in one go, before anything else is done with it.
    pub(super) async fn take(&mut self, batch: Vec<Arrival>) -> anyhow::Result<()> {
        let concerned: Vec<String> = batch
            .iter()
            .filter_map(conversation_of)
            .map(str::to_owned)
            .collect();
        self.open(&concerned).await?;
        let (mut puts, mut passed) = (Vec::new(), Vec::new());
        for arrival in batch {
            match arrival {
                Arrival::Event(Event::Message(message), at_ms, at) => {
                    self.heard_ms = at_ms;
                    self.message(
                        message,
                        Via::Stream,
                        Some((at_ms, at)),
                        &mut puts,
                        &mut passed,
                    )?;
                }
                Arrival::Recovered(message) => {
                    self.message(message, Via::Recovered, None, &mut puts, &mut passed)?
                }
                Arrival::Event(Event::Assigned { conversation_id }, at_ms, _) => {
                    self.heard_ms = at_ms;
                    self.assigned(conversation_id, &mut puts)?;
                }
                Arrival::Event(Event::Ended { conversation_id }, at_ms, _) => {
                    self.heard_ms = at_ms;
                    self.end(conversation_id, &mut puts)?;
                }
                Arrival::Event(Event::Other, at_ms, _) | Arrival::Heard(at_ms) => {
                    self.heard_ms = at_ms
                }
                Arrival::Malformed(reason) => {
                    self.counts.malformed.count(&reason);
                    metrics::count("chat_malformed", 1);
                    tracing::warn!(agent = self.agent, %reason, "frame skipped");
                }
                Arrival::Sent(identity) => self.sent(identity).await,
                Arrival::Up(gap) => self.up(gap, &mut puts)?,
                Arrival::Down { reason, wait } => {
                    self.connected = false;
                    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                    self.show(|| Update::Disconnected { reason, wait_ms });
                }
            }
        }
        self.store(puts).await?;
        self.count_active();
        for waiting in passed {
            self.turn(waiting).await?;
        }
        Ok(())
    }

    /// A message: new ones are numbered, measured, stored, and wait for their turn if their chat is too fast.
    fn message(
        &mut self,
        message: Message,
        via: Via,
        received: Option<(i64, Instant)>,
        puts: &mut Vec<Put>,
        passed: &mut Vec<Waiting>,
    ) -> anyhow::Result<()> {
        let identity = message.identity();
        let arrival = self.next_arrival();
        let Some(chat) = self.chats.get_mut(&message.conversation_id) else {
            return Ok(());
        };
        chat.touched = Instant::now();
        let new = chat.known.insert(identity);
        let echo = !new && received.is_some() && self.outbox.is_echo(&identity);
        if !new && !echo {
            self.counts.duplicates += 1;
            return Ok(());
        }
        chat.stored += 1;
        let latency = received.map(|(at_ms, _)| self.measure(&message, at_ms));
        let latency_ms = latency.filter(|latency| !latency.skewed);
        let latency_ms =
            latency_ms.and_then(|latency| i64::try_from(latency.took.as_millis()).ok());
        let heard = Heard {
            message,
            via,
            arrival,
            latency_ms,
            model_sentiment: None,
        };
        puts.push(self.put(records::message(&heard.message), &heard)?);
        if echo {
            return Ok(());
        }
        match via {
            Via::Recovered => self.counts.recovered += 1,
            Via::Stream | Via::Outbound => self.counts.messages += 1,
        }
        metrics::count("chat_messages", 1);
        let conversation = heard.message.conversation_id.clone();
        let waiting = Waiting {
            heard,
            latency,
            at: received.map(|(_, at)| at),
        };
        match self
            .pacer
            .offer(&conversation, waiting, Instant::now().into_std())
        {
            Offer::Pass(waiting) => passed.push(waiting),
            Offer::Waits => metrics::count("chat_waited", 1),
            Offer::Spill(waiting) => {
                metrics::count("chat_spilled", 1);
                puts.push(self.put(
                    records::spilled(&self.agent, &waiting.heard),
                    &waiting.heard,
                )?);
            }
        }
        Ok(())
    }

    fn measure(&mut self, message: &Message, at_ms: i64) -> insights_core::chat::sla::Latency {
        let latency = self.sla.record(message.timestamp_ms, at_ms);
        if latency.breach {
            metrics::count("sla_breaches", 1);
            if self
                .breach_logged
                .is_none_or(|logged| logged.elapsed() >= BREACH_LOG)
            {
                self.breach_logged = Some(Instant::now());
                let (conversation, latency_ms) =
                    (&message.conversation_id, latency.took.as_millis());
                let breaches = self.sla.summary().breaches;
                tracing::warn!(
                    agent = self.agent,
                    conversation,
                    latency_ms,
                    breaches,
                    "service level breached"
                );
            }
        }
        latency
    }

    fn assigned(&mut self, conversation: String, puts: &mut Vec<Put>) -> anyhow::Result<()> {
        if let Some(chat) = self.chats.get_mut(&conversation) {
            chat.touched = Instant::now();
            if std::mem::take(&mut chat.ended) {
                puts.push(self.put_open(&conversation, false)?);
            }
            self.ended.retain(|ended| *ended != conversation);
            self.show(|| Update::Assigned {
                conversation_id: conversation,
            });
        }
        Ok(())
    }

    /// The chat has ended; it is archived a little later.
    pub(super) fn end(&mut self, conversation: String, puts: &mut Vec<Put>) -> anyhow::Result<()> {
        if let Some(chat) = self.chats.get_mut(&conversation)
            && !std::mem::replace(&mut chat.ended, true)
        {
            chat.touched = Instant::now();
            puts.push(self.put_open(&conversation, true)?);
            self.show(|| Update::Ended {
                conversation_id: conversation,
            });
        }
        Ok(())
    }

    fn up(&mut self, gap: Option<Gap>, puts: &mut Vec<Put>) -> anyhow::Result<()> {
        self.connected = true;
        self.counts.connections += 1;
        self.outbox.again();
        metrics::count("chat_connections", 1);
        if let Some(gap) = gap {
            tracing::info!(
                agent = self.agent,
                outage_ms = gap.to_ms - gap.from_ms,
                "stream up again"
            );
            puts.push(self.put(records::outage(&self.agent, &gap), &gap)?);
            self.note_outage(gap);
        }
        self.show(|| Update::Connected);
        Ok(())
    }

    fn put_open(&self, conversation: &str, ended: bool) -> anyhow::Result<Put> {
        let since_ms = Timestamp::now().as_millisecond();
        self.put(
            records::open(&self.agent, conversation),
            &records::OpenRecord { since_ms, ended },
        )
    }

    /// A message has its turn: it is scored, escalates if it must, and is shown.
    pub(super) async fn turn(&mut self, waiting: Waiting) -> anyhow::Result<()> {
        let Waiting { heard, latency, at } = waiting;
        let lexicon = insights_core::lexicon::score(&heard.message.text);
        let escalation = self.escalate(&heard.message).await?;
        self.score_later(&heard);
        if let Some(at) = at {
            self.added
                .record(u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
        let Heard { message, via, .. } = heard;
        self.show(|| Update::Message {
            message,
            via,
            lexicon,
            latency,
            escalation,
        });
        Ok(())
    }

    /// When something that waits has its turn.
    fn next_due(&self) -> Option<Instant> {
        let waiting = self.pacer.next_due().map(Instant::from);
        [waiting, self.outbox.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Lets those have their turn whose time has come.
    async fn release(&mut self) -> anyhow::Result<()> {
        while let Some(waiting) = self.pacer.release(Instant::now().into_std()) {
            self.turn(Waiting {
                at: None,
                ..waiting
            })
            .await?;
        }
        Ok(())
    }

    /// Reads messages back that wait in the store, where there is room for them.
    pub(super) async fn refill(&mut self) -> anyhow::Result<()> {
        while let Some((conversation, room)) = self
            .pacer
            .wants_back()
            .map(|(id, room)| (id.to_owned(), room))
        {
            let now = Timestamp::now();
            let partition = records::spill(&self.agent, &conversation);
            let items = match self.deps.state.list(&partition, "", None, room, now).await {
                Ok(items) => items,
                // They stay where they are; the next round asks again.
                Err(error) if error.is_retryable() => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let mut back = Vec::with_capacity(items.len());
            for item in &items {
                back.push(Waiting {
                    heard: item.decode()?,
                    latency: None,
                    at: None,
                });
            }
            self.pacer
                .take_back(&conversation, back, room, Instant::now().into_std());
            for item in items {
                // One that stays would have its turn twice: shown again, and known for the rest.
                if let Err(error) = self.deps.state.delete(&item.key, Expect::Any, now).await {
                    tracing::warn!(conversation, error = %error, "a message read back is still noted as waiting");
                }
            }
        }
        Ok(())
    }
}

fn conversation_of(arrival: &Arrival) -> Option<&str> {
    match arrival {
        Arrival::Event(Event::Message(message), ..) | Arrival::Recovered(message) => {
            Some(&message.conversation_id)
        }
        Arrival::Event(
            Event::Assigned { conversation_id } | Event::Ended { conversation_id },
            ..,
        ) => Some(conversation_id),
        _ => None,
    }
}
