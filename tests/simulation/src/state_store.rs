//! A state store in memory, whose answers can be late, lost or wrong.

use std::time::Duration;

use jiff::Timestamp;
use rand::Rng;
use store::Error;
use store::state::{Expect, Item, Key, Put, StateStore};
use tokio::time::Instant;

use crate::faults::{Fault, Target};
use crate::items::Items;
use crate::lease_failures::LeaseFailures;
use crate::processes::Process;
use crate::seeded_os;
use crate::world::SharedWorld;

/// How long an operation waits for an answer before it fails, as the client of DynamoDB does.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time for which the holder of a lease of ten seconds waits for an answer about it.
const MAX_LEASE_WAIT: Duration = Duration::from_secs(3);

/// The state store as one process sees it.
#[derive(Debug, Clone)]
pub struct SimulatedState {
    world: SharedWorld,
    process: Process,
}

impl SimulatedState {
    /// Connects a process to the store.
    #[must_use]
    pub fn new(world: SharedWorld, process: Process) -> Self {
        Self { world, process }
    }

    /// Carries out one operation: it travels, meets the fault of the moment, and its answer travels back.
    async fn operate<T>(
        &self,
        what: impl Fn() -> String,
        carry_out: impl Fn(&mut Items) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (fault, latency_ms) = self.world.lock().meet(Target::State);
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
        self.process.turn().await;
        let unavailable = || Error::Unavailable {
            store: "the simulated store",
            operation: "the operation",
            source: "no answer came".into(),
        };
        let mut delay = Duration::from_millis(latency_ms);
        match fault {
            None => {}
            Some(Fault::Slow(ms)) => delay = Duration::from_millis(ms.into()),
            Some(Fault::LostAnswer) => {
                let is_late = self.world.lock().random.random_bool(0.3);
                if is_late {
                    // The operation fails first and is carried out afterwards, as a packet that was delayed on its way.
                    self.log(&what, "fails, and is carried out later");
                    {
                        let mut world = self.world.lock();
                        let wait_ms = world.random.random_range(3100..9000);
                        world.happen_at(
                            seeded_os::elapsed_ms() + wait_ms,
                            Box::new(move |world| drop(carry_out(&mut world.items))),
                        );
                    }
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    return Err(unavailable());
                }
                let _ = carry_out(&mut self.world.lock().items);
                self.log(&what, "is carried out, but its answer is lost");
                tokio::time::sleep(OPERATION_TIMEOUT).await;
                return Err(unavailable());
            }
            Some(fault) => {
                self.log(&what, "fails");
                let wait = match fault {
                    Fault::Hang => OPERATION_TIMEOUT,
                    _ => Duration::from_millis(900),
                };
                tokio::time::sleep(wait).await;
                return Err(unavailable());
            }
        }
        let answer = carry_out(&mut self.world.lock().items);
        self.log(
            &what,
            if answer.is_ok() {
                "succeeds"
            } else {
                "is refused"
            },
        );
        tokio::time::sleep(delay.min(OPERATION_TIMEOUT)).await;
        if delay >= OPERATION_TIMEOUT {
            return Err(unavailable());
        }
        answer
    }

    /// Waits for a request for an item, and notes it if the item is a lease.
    async fn note_lease<T>(
        &self,
        key: &Key,
        is_write: bool,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if !LeaseFailures::is_lease(key) {
            return request.await;
        }
        let process = self.process.name();
        self.world.lock().lease_failures.begin(process);
        let asked = Instant::now();
        let answer = request.await;
        // What comes so late has failed: nobody waits for it that long.
        if asked.elapsed() < MAX_LEASE_WAIT {
            let mut world = self.world.lock();
            world.lease_failures.answer(process, &answer, is_write);
        }
        answer
    }

    fn log(&self, what: &impl Fn() -> String, end: &str) {
        let line = || format!("{} state {} {end}", self.process.name(), what());
        self.world.lock().trace.add(line);
    }
}

impl StateStore for SimulatedState {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Item>, Error> {
        let owned = key.clone();
        let request = self.operate(
            || format!("get {key}"),
            move |items| Ok(items.get(&owned, now).cloned()),
        );
        self.note_lease(key, false, request).await
    }

    async fn put(&self, put: Put, expect: Expect, now: Timestamp) -> Result<u64, Error> {
        let key = put.key.clone();
        let request = self.operate(
            || format!("put {key} {expect:?}"),
            move |items| items.put(put.clone(), expect, now),
        );
        self.note_lease(&key, true, request).await
    }

    async fn put_many(&self, puts: Vec<Put>, now: Timestamp) -> Result<(), Error> {
        let count = puts.len();
        self.operate(
            || format!("put {count} items"),
            move |items| {
                for put in puts.clone() {
                    items.put(put, Expect::Any, now)?;
                }
                Ok(())
            },
        )
        .await
    }

    async fn delete(&self, key: &Key, expect: Expect, now: Timestamp) -> Result<(), Error> {
        let owned = key.clone();
        self.operate(
            || format!("delete {key}"),
            move |items| match items.get(&owned, now) {
                None if !matches!(expect, Expect::Version(_)) => Ok(()),
                _ => items.delete(&owned, expect, now),
            },
        )
        .await
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        let (owned, prefix) = (partition.to_owned(), prefix.to_owned());
        let after = after.map(str::to_owned);
        self.operate(
            || format!("list {partition}"),
            move |items| Ok(items.list(&owned, &prefix, after.as_deref(), limit, now)),
        )
        .await
    }
}
