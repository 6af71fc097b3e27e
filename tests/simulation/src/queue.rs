//! A queue in memory: messages are hidden while they are worked on, come again, and become dead letters.

use std::time::Duration;

use store::Error;
use store::queue::{Message, Queue};

use crate::faults::{Fault, Target};
use crate::processes::Process;
use crate::queued_messages::QueuedMessages;
use crate::world::SharedWorld;

/// How long an operation waits for an answer before it fails, as the client of SQS does.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// The queue as one process sees it.
#[derive(Debug, Clone)]
pub struct SimulatedQueue {
    world: SharedWorld,
    process: Process,
}

impl SimulatedQueue {
    /// Connects a process to the queue.
    #[must_use]
    pub fn new(world: SharedWorld, process: Process) -> Self {
        Self { world, process }
    }

    /// Carries out one operation: it travels, meets the fault of the moment, and its answer travels back.
    async fn operate<T>(
        &self,
        what: &'static str,
        carry_out: impl FnOnce(&mut QueuedMessages) -> T + Send,
    ) -> Result<T, Error> {
        let (fault, latency_ms) = self.world.lock().meet(Target::Queue);
        let latency = Duration::from_millis(latency_ms);
        tokio::time::sleep(latency).await;
        self.process.turn().await;
        let line = |end: &str| format!("{} queue {what} {end}", self.process.name());
        let wait = match fault {
            None | Some(Fault::Slow(_) | Fault::LostAnswer) => {
                let answer = carry_out(&mut self.world.lock().queue);
                let delay = match fault {
                    Some(Fault::Slow(ms)) => Duration::from_millis(ms.into()),
                    _ => latency,
                };
                if fault != Some(Fault::LostAnswer) {
                    self.world.lock().trace.add(|| line("succeeds"));
                    tokio::time::sleep(delay).await;
                    return Ok(answer);
                }
                self.world
                    .lock()
                    .trace
                    .add(|| line("is carried out, but its answer is lost"));
                OPERATION_TIMEOUT
            }
            Some(Fault::Hang) => OPERATION_TIMEOUT,
            Some(_) => Duration::from_millis(900),
        };
        tokio::time::sleep(wait).await;
        self.world.lock().trace.add(|| line("has no answer"));
        Err(Error::Unavailable {
            store: "the simulated queue",
            operation: what,
            source: "no answer came".into(),
        })
    }
}

impl Queue for SimulatedQueue {
    async fn send(&self, body: &str) -> Result<String, Error> {
        self.operate("send", |queue| queue.send(body).to_string())
            .await
    }

    async fn receive(
        &self,
        limit: usize,
        _wait: Duration,
        visible_after: Duration,
    ) -> Result<Vec<Message>, Error> {
        let hidden_ms = u64::try_from(visible_after.as_millis()).unwrap_or(u64::MAX);
        self.operate("receive", |queue| queue.receive(limit, hidden_ms))
            .await
    }

    async fn delete(&self, receipt: &str) -> Result<(), Error> {
        let id = receipt.split('/').next().unwrap_or_default().to_owned();
        self.operate("delete", |queue| queue.delete(&id)).await
    }

    async fn give_back(&self, messages: &[(&Message, Duration)]) -> Result<(), Error> {
        let receipts: Vec<(String, u64)> = messages
            .iter()
            .map(|(message, hidden)| {
                let hidden_ms = u64::try_from(hidden.as_millis()).unwrap_or(u64::MAX);
                // SQS counts in whole seconds.
                (message.receipt.clone(), hidden_ms.next_multiple_of(1000))
            })
            .collect();
        self.operate("give back", move |queue| {
            for (receipt, hidden_ms) in &receipts {
                queue.give_back(receipt, *hidden_ms);
            }
        })
        .await
    }

    async fn dead_letter(&self, message: &Message, _reason: &str) -> Result<(), Error> {
        let body = message.body.clone();
        self.operate("dead letter", |queue| queue.dead_letters.push(body))
            .await
    }
}
