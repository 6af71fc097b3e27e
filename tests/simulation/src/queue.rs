//! A queue in memory: messages are hidden while they are worked on, come again, and become dead letters.

use std::collections::BTreeMap;
use std::time::Duration;

use store::Error;
use store::queue::{Message, Queue};

use crate::faults::{Fault, Target};
use crate::processes::Process;
use crate::seeded_os;
use crate::world::SharedWorld;

/// How long an operation waits for an answer before it fails, as the client of SQS does.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// A message that waits or is being worked on.
#[derive(Debug, Clone)]
struct Waiting {
    body: String,
    visible_ms: u64,
    deliveries: u32,
}

/// The messages, which outlive every process.
#[derive(Debug, Default)]
pub struct QueuedMessages {
    waiting: BTreeMap<u64, Waiting>,
    sent: u64,
    /// The bodies of the dead letters.
    pub dead_letters: Vec<String>,
}

impl QueuedMessages {
    /// Adds a message, and returns its number.
    pub fn send(&mut self, body: &str) -> u64 {
        self.sent += 1;
        let message = Waiting {
            body: body.to_owned(),
            visible_ms: 0,
            deliveries: 0,
        };
        self.waiting.insert(self.sent, message);
        self.sent
    }

    /// Takes up to `limit` messages, and hides each for `hidden_ms`.
    pub fn receive(&mut self, limit: usize, hidden_ms: u64) -> Vec<Message> {
        let now_ms = seeded_os::elapsed_ms();
        let visible = self
            .waiting
            .iter_mut()
            .filter(|(_, message)| message.visible_ms <= now_ms);
        visible
            .take(limit)
            .map(|(number, message)| {
                message.visible_ms = now_ms + hidden_ms;
                message.deliveries += 1;
                Message {
                    id: number.to_string(),
                    receipt: format!("{number}/{}", message.deliveries),
                    body: message.body.clone(),
                    deliveries: message.deliveries,
                }
            })
            .collect()
    }

    /// Deletes a message by its id.
    pub fn delete(&mut self, id: &str) {
        if let Ok(number) = id.parse::<u64>() {
            self.waiting.remove(&number);
        }
    }

    /// Returns how many messages are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Returns whether no message is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

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

    async fn dead_letter(&self, message: &Message, _reason: &str) -> Result<(), Error> {
        let body = message.body.clone();
        self.operate("dead letter", |queue| queue.dead_letters.push(body))
            .await
    }
}
