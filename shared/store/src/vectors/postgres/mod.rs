//! Vectors in PostgreSQL with pgvector: an HNSW index over cosine distance, metadata as JSONB.

mod failures;
mod migrations;
mod rows;
mod search;

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime,
};
use secrecy::{ExposeSecret, SecretString};

use self::failures::{corrupt, failed, no_connection, unavailable};
use self::rows::{Arrays, position};
use super::rotation::{RenewUrl, Rotating};
use super::{
    Conversation, Hit, Model, Outcome, Query, VectorStore, Version, check_conversations,
    check_query, tls, winners,
};
use crate::Error;

/// HNSW indexes take no longer vectors (pgvector, `vector_cosine_ops`).
const MAX_DIMENSION: usize = 2000;
/// How long one call may take in all. A batch of 200 conversations takes well under a second.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// How long to wait for a free connection.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Settings of every connection. Candidates of the index scan: 100 in place of 40 for recall, and the scan goes on in
/// order of distance until a filter's limit is full. Plans are made for the filter at hand, not for any.
const SESSION: &str = "SET hnsw.iterative_scan = strict_order; SET hnsw.ef_search = 100; SET plan_cache_mode = force_custom_plan; SET statement_timeout = '20s'";

/// Vectors in PostgreSQL, of one source system and one model. Clones share the connections.
#[derive(Clone)]
pub struct PgVectors {
    pool: Pool,
    model: Model,
    source_system: String,
}

impl std::fmt::Debug for PgVectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgVectors")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl PgVectors {
    /// A store on the database of a URL, with at most so many connections. Nothing is connected yet: call
    /// [`Self::migrate`] or [`Self::check`] before anything else.
    ///
    /// # Errors
    /// [`Error::Missing`] for a bad URL, [`Error::Limit`] for a model whose vectors cannot be indexed.
    pub fn new(
        url: &SecretString,
        source_system: &str,
        model: Model,
        connections: usize,
    ) -> Result<Self, Error> {
        Self::build(url, source_system, model, connections, None)
    }

    /// As [`Self::new`], with a way to read the URL anew when the database refuses its user or password.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_renewal(
        url: &SecretString,
        source_system: &str,
        model: Model,
        connections: usize,
        renew: RenewUrl,
    ) -> Result<Self, Error> {
        Self::build(url, source_system, model, connections, Some(renew))
    }

    fn build(
        url: &SecretString,
        source_system: &str,
        model: Model,
        connections: usize,
        renew: Option<RenewUrl>,
    ) -> Result<Self, Error> {
        if !(1..=MAX_DIMENSION).contains(&model.dimension) {
            return Err(Error::limit(
                format!(
                    "the model {} with {} dimensions",
                    model.name, model.dimension
                ),
                format!("an index takes 1 to {MAX_DIMENSION} dimensions"),
            ));
        }
        let (config, connect) = tls::parse(url.expose_secret())?;
        let manager = Manager::from_connect(
            config.clone(),
            Rotating::new(config, connect, renew),
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(connections.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_TIMEOUT))
            .create_timeout(Some(WAIT_TIMEOUT * 2))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move {
                    client
                        .batch_execute(SESSION)
                        .await
                        .map_err(HookError::Backend)
                })
            }))
            .build()
            .map_err(|source| unavailable("connect", source))?;
        Ok(Self {
            pool,
            model,
            source_system: source_system.to_owned(),
        })
    }

    /// Runs a call on a connection, within the time limit, and once more on a new one if the connection turns out to be
    /// dead: a function that was frozen wakes up with such. Every call here may be repeated.
    async fn call<T, F, Fut>(&self, operation: &'static str, work: F) -> Result<T, Error>
    where
        F: Fn(Client) -> Fut + Send,
        Fut: Future<Output = Result<T, tokio_postgres::Error>> + Send,
    {
        let call = async {
            let mut fresh = false;
            loop {
                let client = self
                    .pool
                    .get()
                    .await
                    .map_err(|error| no_connection(operation, error))?;
                match work(client).await {
                    Err(error) if error.is_closed() && !fresh => fresh = true,
                    done => return done.map_err(|error| failed(operation, error)),
                }
            }
        };
        tokio::time::timeout(CALL_TIMEOUT, call)
            .await
            .unwrap_or_else(|elapsed| Err(unavailable(operation, elapsed)))
    }
}

impl VectorStore for PgVectors {
    async fn versions(&self, conversations: &[&str]) -> Result<HashMap<String, Version>, Error> {
        let rows = self
            .call("versions", |client| async move {
                let statement = client
                    .prepare_cached(
                        "SELECT conversation_id, event_time, content_hash FROM conversation_embeddings
                         WHERE source_system = $1 AND model = $2 AND conversation_id = ANY ($3) AND chunk_index = 0",
                    )
                    .await?;
                client.query(&statement, &[&self.source_system, &self.model.name, &conversations]).await
            })
            .await?;
        rows.iter()
            .map(|row| {
                let version = Version {
                    event_time: row.try_get(1).map_err(|error| corrupt(&error))?,
                    content_hash: row.try_get(2).map_err(|error| corrupt(&error))?,
                };
                Ok((row.try_get(0).map_err(|error| corrupt(&error))?, version))
            })
            .collect()
    }

    async fn replace(&self, conversations: &[Conversation]) -> Result<Vec<Outcome>, Error> {
        check_conversations(conversations, self.model.dimension)?;
        let winners = winners(conversations);
        let arrays = &Arrays::new(conversations, &winners);
        let rows = self
            .call("replace", |client| async move {
                let statement = client
                    .prepare_cached(
                        "SELECT replace_conversation_embeddings($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                    )
                    .await?;
                client
                    .query(
                        &statement,
                        &[
                            &self.source_system,
                            &self.model.name,
                            &arrays.conversations,
                            &arrays.event_times,
                            &arrays.hashes,
                            &arrays.ids,
                            &arrays.positions,
                            &arrays.indexes,
                            &arrays.texts,
                            &arrays.vectors,
                            &arrays.metadata,
                        ],
                    )
                    .await
            })
            .await?;
        let stored: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        Ok(conversations
            .iter()
            .enumerate()
            .map(|(index, conversation)| {
                let position = winners
                    .values()
                    .position(|winner| *winner == index)
                    .map(position);
                let won = winners.get(conversation.conversation_id.as_str()) == Some(&index);
                if won && position.is_some_and(|position| stored.contains(&position)) {
                    Outcome::Stored
                } else {
                    Outcome::Outdated
                }
            })
            .collect())
    }

    async fn search(&self, query: &Query) -> Result<Vec<Hit>, Error> {
        check_query(query, self.model.dimension)?;
        let mut hits = self.nearest(query, false).await?;
        // The index scan gives up after a number of rows; so few match then that to compare all of them is quick.
        if hits.len() < query.limit && !query.filter.is_empty() {
            hits = self.nearest(query, true).await?;
        }
        Ok(hits)
    }

    async fn count(&self) -> Result<u64, Error> {
        let row = self
            .call("count", |client| async move {
                client
                    .query_one(
                        "SELECT count(*) FROM conversation_embeddings WHERE source_system = $1 AND model = $2",
                        &[&self.source_system, &self.model.name],
                    )
                    .await
            })
            .await?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
    }
}
