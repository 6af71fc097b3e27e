//! What arrives: everything is stored before anything else is done with it.

use std::time::Duration;

use insights_core::chat::archive::Gap;
use insights_core::chat::envelope::Event;
use insights_core::chat::merge::{Heard, Via};
use insights_core::chat::message::Message;
use insights_core::chat::pace::Offer;
use jiff::Timestamp;
use runtime::metrics;
use store::state::Put;
use tokio::time::Instant;

use super::Update;
use super::desk::{Desk, Waiting};
use super::link::Arrival;
use crate::records;

/// One breach of the service level a second is logged, all are counted.
const BREACH_LOG: Duration = Duration::from_secs(1);

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
            self.arrived(arrival, &mut puts, &mut passed)?;
        }
        self.store(puts).await?;
        self.remove_notes().await;
        self.count_active();
        for waiting in passed {
            self.turn(waiting).await?;
        }
        Ok(())
    }

    /// One arrival: what it stores goes to `puts`, a message whose turn it is to `passed`.
    fn arrived(
        &mut self,
        arrival: Arrival,
        puts: &mut Vec<Put>,
        passed: &mut Vec<Waiting>,
    ) -> anyhow::Result<()> {
        if let Arrival::Event(_, at_ms, _) | Arrival::Heard(at_ms, _) = &arrival {
            self.heard_ms = *at_ms;
        }
        match arrival {
            Arrival::Event(Event::Message(message), at_ms, at) => {
                self.message(message, Via::Stream, Some((at_ms, at)), puts, passed)?;
            }
            Arrival::Recovered(message) => {
                self.message(message, Via::Recovered, None, puts, passed)?
            }
            Arrival::Event(Event::Assigned { conversation_id }, ..) => {
                self.assigned(conversation_id, puts)?
            }
            Arrival::Event(Event::Ended { conversation_id }, ..) => {
                self.end(conversation_id, puts)?
            }
            Arrival::Event(Event::Other, ..) => {}
            Arrival::Malformed(reason) => {
                self.counts.malformed.count(&reason);
                metrics::count("chat_malformed", 1);
                tracing::warn!(agent = self.agent, %reason, "frame skipped");
            }
            Arrival::Sent(identity) => self.outbox.wrote(identity),
            Arrival::Heard(_, arrived) => self.outbox.arrived(&arrived),
            Arrival::CaughtUp(connection) if connection == self.counts.connections => {
                self.outbox.release();
            }
            Arrival::CaughtUp(_) => {}
            Arrival::Up { gap, outbound } => {
                self.outbox.again(outbound);
                self.up(gap, puts)?
            }
            Arrival::Down { reason, wait } => {
                self.connected = false;
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                self.show(|| Update::Disconnected { reason, wait_ms });
            }
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
        let heard_back = !new && self.outbox.is_echo(&identity);
        let echo = heard_back && received.is_some();
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
        let at = received.map(|(_, at)| at);
        self.pace(Waiting { heard, latency, at }, puts, passed)
    }

    /// A message has its turn now, waits for it, or waits in the store.
    fn pace(
        &mut self,
        waiting: Waiting,
        puts: &mut Vec<Put>,
        passed: &mut Vec<Waiting>,
    ) -> anyhow::Result<()> {
        let conversation = waiting.heard.message.conversation_id.clone();
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
