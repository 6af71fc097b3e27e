//! The turn of a message: now, or when its conversation's bucket has a token.

use insights_core::chat::merge::Heard;
use jiff::Timestamp;
use store::state::{Expect, StateStore};
use tokio::time::Instant;

use super::Update;
use super::desk::{Desk, Waiting};
use crate::records;

impl Desk {
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
    pub(super) fn next_due(&self) -> Option<Instant> {
        let waiting = self.pacer.next_due().map(Instant::from);
        [waiting, self.outbox.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Lets those have their turn whose time has come.
    pub(super) async fn release(&mut self) -> anyhow::Result<()> {
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
