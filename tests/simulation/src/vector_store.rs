//! The product's own vector store in a file, whose answers can be late or lost.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::executor::block_on;
use jiff::Timestamp;
use rand::Rng;
use store::Error;
use store::vectors::{
    EmbeddedConversation, ReplaceOutcome, SearchHit, SqliteVectors, StoredVersion, VectorQuery,
    VectorStore,
};
use tokio::time::Instant;

use crate::faults::{Fault, Target};
use crate::processes::Process;
use crate::seeded_os;
use crate::world::SharedWorld;

/// Longest time that a call may take, as in the store of PostgreSQL.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The vector store as one process sees it. What a call does, the store of the product does at once, while the time of the run
/// stands.
#[derive(Debug, Clone)]
pub struct SimulatedVectors {
    world: SharedWorld,
    process: Process,
    vectors: SqliteVectors,
}

impl SimulatedVectors {
    /// Connects a process to the store.
    #[must_use]
    pub fn new(world: SharedWorld, process: Process, vectors: SqliteVectors) -> Self {
        Self {
            world,
            process,
            vectors,
        }
    }

    /// Carries out one call: it travels, meets the fault of the moment, and its answer travels back.
    async fn operate<T>(
        &self,
        what: &'static str,
        deadline: Instant,
        carry_out: impl Fn(&SqliteVectors) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let deadline = deadline.min(Instant::now() + CALL_TIMEOUT);
        let unavailable = || Error::Unavailable {
            store: "the simulated database",
            operation: what,
            source: "no answer came".into(),
        };
        let answer = self.travel(what, carry_out);
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(Some(answer)) => answer,
            Ok(None) | Err(_) => Err(unavailable()),
        }
    }

    async fn travel<T>(
        &self,
        what: &'static str,
        carry_out: impl Fn(&SqliteVectors) -> Result<T, Error> + Send + 'static,
    ) -> Option<Result<T, Error>> {
        let (fault, latency_ms) = self.world.lock().meet(Target::Vectors);
        let latency = Duration::from_millis(latency_ms);
        tokio::time::sleep(latency).await;
        self.process.turn().await;
        let line = |end: &str| format!("{} vectors {what} {end}", self.process.name());
        match fault {
            None => {
                let answer = carry_out(&self.vectors);
                self.world.lock().trace.add(|| line("succeeds"));
                tokio::time::sleep(latency).await;
                Some(answer)
            }
            Some(Fault::Slow(ms)) => {
                let answer = carry_out(&self.vectors);
                self.world.lock().trace.add(|| line("succeeds late"));
                tokio::time::sleep(Duration::from_millis(ms.into())).await;
                Some(answer)
            }
            Some(Fault::LostAnswer) => {
                self.carry_out_later(&line, carry_out);
                std::future::pending().await
            }
            Some(Fault::Hang) => {
                self.world.lock().trace.add(|| line("is not answered"));
                std::future::pending().await
            }
            Some(_) => {
                self.world.lock().trace.add(|| line("fails"));
                None
            }
        }
    }

    /// Lets a call be carried out at some later moment, as a statement that goes on in a database whose client is gone.
    fn carry_out_later<T>(
        &self,
        line: &impl Fn(&str) -> String,
        carry_out: impl Fn(&SqliteVectors) -> Result<T, Error> + Send + 'static,
    ) {
        let vectors = self.vectors.clone();
        let mut world = self.world.lock();
        let wait_ms = world.random.random_range(0..9000);
        world
            .trace
            .add(|| line("is carried out sooner or later, and nobody learns of it"));
        world.happen_at(
            seeded_os::elapsed_ms() + wait_ms,
            Box::new(move |_| drop(carry_out(&vectors))),
        );
    }
}

impl VectorStore for SimulatedVectors {
    async fn prepare(&self, deadline: Instant) -> Result<(), Error> {
        self.operate("prepare", deadline, |_| Ok(())).await
    }

    async fn versions(
        &self,
        conversations: &[&str],
        deadline: Instant,
    ) -> Result<HashMap<String, StoredVersion>, Error> {
        let ids: Vec<String> = conversations.iter().map(|id| (*id).to_owned()).collect();
        self.operate("versions", deadline, move |vectors| {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            block_on(vectors.versions(&ids, deadline))
        })
        .await
    }

    async fn replace(
        &self,
        conversations: &[EmbeddedConversation],
        deadline: Instant,
    ) -> Result<Vec<ReplaceOutcome>, Error> {
        let conversations = conversations.to_vec();
        self.operate("replace", deadline, move |vectors| {
            block_on(vectors.replace(&conversations, deadline))
        })
        .await
    }

    async fn search(
        &self,
        query: &VectorQuery,
        deadline: Instant,
    ) -> Result<Vec<SearchHit>, Error> {
        let query = query.clone();
        self.operate("search", deadline, move |vectors| {
            block_on(vectors.search(&query, deadline))
        })
        .await
    }

    async fn count(&self, deadline: Instant) -> Result<u64, Error> {
        self.operate("count", deadline, move |vectors| {
            block_on(vectors.count(deadline))
        })
        .await
    }

    async fn forget(
        &self,
        conversation_id: &str,
        moment: Timestamp,
        deadline: Instant,
    ) -> Result<u64, Error> {
        let id = conversation_id.to_owned();
        self.operate("forget", deadline, move |vectors| {
            block_on(vectors.forget(&id, moment, deadline))
        })
        .await
    }

    async fn delete_before(
        &self,
        moment: Timestamp,
        limit: u32,
        deadline: Instant,
    ) -> Result<u64, Error> {
        self.operate("delete before", deadline, move |vectors| {
            block_on(vectors.delete_before(moment, limit, deadline))
        })
        .await
    }

    async fn other_models(&self, deadline: Instant) -> Result<BTreeMap<String, u64>, Error> {
        self.operate("other models", deadline, move |vectors| {
            block_on(vectors.other_models(deadline))
        })
        .await
    }

    async fn delete_other_models(&self, limit: u32, deadline: Instant) -> Result<u64, Error> {
        self.operate("delete other models", deadline, move |vectors| {
            block_on(vectors.delete_other_models(limit, deadline))
        })
        .await
    }
}
