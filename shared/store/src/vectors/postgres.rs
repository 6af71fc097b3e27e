//! Vectors in PostgreSQL with pgvector: an HNSW index over cosine distance, metadata as JSONB.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
};
use jiff::Timestamp;
use pgvector::Vector;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::{
    Conversation, Hit, Model, Outcome, Query, VectorStore, Version, check_conversations,
    check_query, dimension_mismatch, tls, winners,
};
use crate::Error;

/// The migrations in order; a database is at version n when the first n are in it. `{dimension}` is filled in.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];
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
        if !(1..=MAX_DIMENSION).contains(&model.dimension) {
            return Err(Error::Limit {
                what: format!(
                    "the model {} with {} dimensions",
                    model.name, model.dimension
                ),
                limit: format!("an index takes 1 to {MAX_DIMENSION} dimensions"),
            });
        }
        let (config, connect) = tls::parse(url.expose_secret())?;
        let manager = Manager::from_config(
            config,
            connect,
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

    /// Makes the table and its index, or brings them up to date, and checks them as [`Self::check`] does. Safe to call
    /// from several processes at once; does nothing, and needs no right to change tables, where all is up to date.
    ///
    /// # Errors
    /// As [`Self::check`]; [`Error::Missing`] if a migration may not be run.
    pub async fn migrate(&self) -> Result<(), Error> {
        if self.table_version().await? < MIGRATIONS.len() {
            self.call("migrate", |mut client| async move {
                let transaction = client.transaction().await?;
                // One at a time; the number is this product's own.
                transaction.batch_execute("SELECT pg_advisory_xact_lock(731604821553)").await?;
                transaction
                    .batch_execute("CREATE TABLE IF NOT EXISTS conversation_embeddings_schema (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())")
                    .await?;
                let done = transaction.query_one("SELECT count(*) FROM conversation_embeddings_schema", &[]).await?;
                let done = usize::try_from(done.get::<_, i64>(0)).unwrap_or(0);
                for (version, migration) in MIGRATIONS.iter().enumerate().skip(done) {
                    let statements = migration.replace("{dimension}", &self.model.dimension.to_string());
                    transaction.batch_execute(&statements).await?;
                    let version = i32::try_from(version + 1).unwrap_or(i32::MAX);
                    transaction
                        .execute("INSERT INTO conversation_embeddings_schema (version) VALUES ($1)", &[&version])
                        .await?;
                }
                transaction.commit().await
            })
            .await?;
        }
        self.check().await
    }

    /// Checks that the table is there and holds vectors of the model's length.
    ///
    /// # Errors
    /// [`Error::Missing`] without the table, [`Error::Limit`] naming both lengths, [`Error::Unavailable`].
    pub async fn check(&self) -> Result<(), Error> {
        if self.table_version().await? < MIGRATIONS.len() {
            return Err(Error::Missing {
                what: "the table conversation_embeddings (or its newest columns)".to_owned(),
            });
        }
        let found = self
            .call("check", |client| async move {
                client
                    .query_one(
                        "SELECT atttypmod FROM pg_attribute
                         WHERE attrelid = 'conversation_embeddings'::regclass AND attname = 'embedding'",
                        &[],
                    )
                    .await
            })
            .await?;
        let dimension = usize::try_from(found.get::<_, i32>(0)).unwrap_or(0);
        if dimension == self.model.dimension {
            Ok(())
        } else {
            Err(dimension_mismatch(dimension, &self.model))
        }
    }

    /// How many migrations the database has; 0 without a table.
    async fn table_version(&self) -> Result<usize, Error> {
        self.call("check", |client| async move {
            let there = client
                .query_one(
                    "SELECT to_regclass('conversation_embeddings_schema') IS NOT NULL",
                    &[],
                )
                .await?;
            if !there.get::<_, bool>(0) {
                return Ok(0);
            }
            let row = client
                .query_one("SELECT count(*) FROM conversation_embeddings_schema", &[])
                .await?;
            Ok(usize::try_from(row.get::<_, i64>(0)).unwrap_or(0))
        })
        .await
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
                    done => return done.map_err(|error| failed(operation, &error)),
                }
            }
        };
        tokio::time::timeout(CALL_TIMEOUT, call)
            .await
            .unwrap_or_else(|elapsed| Err(unavailable(operation, elapsed)))
    }

    async fn nearest(&self, query: &Query, exact: bool) -> Result<Vec<Hit>, Error> {
        let statement = statement(!query.filter.is_empty(), exact);
        let vector = Vector::from(query.embedding.clone());
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        let filter = Json(&query.filter);
        let (vector, limit, filter) = (&vector, &limit, &filter);
        let rows = self
            .call("search", |client| async move {
                let statement = client.prepare_cached(statement).await?;
                let mut values: Vec<&(dyn ToSql + Sync)> =
                    vec![vector, &self.model.name, &self.source_system, limit];
                if !query.filter.is_empty() {
                    values.push(filter);
                }
                client.query(&statement, &values).await
            })
            .await?;
        rows.iter().map(hit).collect()
    }
}

/// The search, by the index or exactly among the rows that match the filter.
fn statement(filtered: bool, exact: bool) -> &'static str {
    match (filtered, exact) {
        (false, _) => {
            "SELECT conversation_id, chunk_index, text_content, semantic_metadata, embedding <=> $1 AS distance
             FROM conversation_embeddings WHERE model = $2 AND source_system = $3
             ORDER BY embedding <=> $1 LIMIT $4"
        }
        (true, false) => {
            "SELECT conversation_id, chunk_index, text_content, semantic_metadata, embedding <=> $1 AS distance
             FROM conversation_embeddings WHERE model = $2 AND source_system = $3 AND semantic_metadata @> $5
             ORDER BY embedding <=> $1 LIMIT $4"
        }
        (true, true) => {
            "WITH matching AS MATERIALIZED (
                 SELECT conversation_id, chunk_index, text_content, semantic_metadata, embedding
                 FROM conversation_embeddings WHERE model = $2 AND source_system = $3 AND semantic_metadata @> $5
             )
             SELECT conversation_id, chunk_index, text_content, semantic_metadata, embedding <=> $1 AS distance
             FROM matching ORDER BY distance LIMIT $4"
        }
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

/// What `replace_conversation_embeddings` takes: the conversations, and their rows with the position of theirs from 1.
struct Arrays<'a> {
    conversations: Vec<&'a str>,
    event_times: Vec<Timestamp>,
    hashes: Vec<&'a str>,
    ids: Vec<Uuid>,
    positions: Vec<i32>,
    indexes: Vec<i32>,
    texts: Vec<&'a str>,
    vectors: Vec<Vector>,
    metadata: Vec<Json<&'a Map<String, Value>>>,
}

impl<'a> Arrays<'a> {
    fn new(
        conversations: &'a [Conversation],
        winners: &std::collections::BTreeMap<&str, usize>,
    ) -> Self {
        let chosen: Vec<&Conversation> = winners
            .values()
            .map(|index| &conversations[*index])
            .collect();
        let rows = || {
            chosen.iter().enumerate().flat_map(|(index, conversation)| {
                conversation.rows.iter().map(move |row| (index, row))
            })
        };
        Self {
            conversations: chosen
                .iter()
                .map(|conversation| conversation.conversation_id.as_str())
                .collect(),
            event_times: chosen
                .iter()
                .map(|conversation| conversation.event_time)
                .collect(),
            hashes: chosen
                .iter()
                .map(|conversation| conversation.content_hash.as_str())
                .collect(),
            ids: rows().map(|(_, row)| row.id).collect(),
            positions: rows().map(|(index, _)| position(index)).collect(),
            indexes: rows()
                .map(|(_, row)| i32::try_from(row.chunk_index).unwrap_or(i32::MAX))
                .collect(),
            texts: rows().map(|(_, row)| row.text.as_str()).collect(),
            vectors: rows()
                .map(|(_, row)| Vector::from(row.embedding.clone()))
                .collect(),
            metadata: rows().map(|(_, row)| Json(&row.metadata)).collect(),
        }
    }
}

/// An index as the position in an array of PostgreSQL.
fn position(index: usize) -> i32 {
    i32::try_from(index + 1).unwrap_or(i32::MAX)
}

fn hit(row: &tokio_postgres::Row) -> Result<Hit, Error> {
    let corrupt = |error: tokio_postgres::Error| corrupt(&error);
    let Json(metadata) = row
        .try_get::<_, Json<Map<String, Value>>>(3)
        .map_err(corrupt)?;
    Ok(Hit {
        conversation_id: row.try_get(0).map_err(corrupt)?,
        chunk_index: u32::try_from(row.try_get::<_, i32>(1).map_err(corrupt)?).unwrap_or(0),
        text: row.try_get(2).map_err(corrupt)?,
        score: 1.0 - row.try_get::<_, f64>(4).map_err(corrupt)?,
        metadata,
    })
}

fn corrupt(error: &tokio_postgres::Error) -> Error {
    Error::Corrupt {
        what: "a row of conversation_embeddings".to_owned(),
        source: described(error),
    }
}

fn no_connection(operation: &'static str, error: PoolError) -> Error {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            failed(operation, &error)
        }
        other => unavailable(operation, other),
    }
}

/// The meaning of a database error for the caller.
fn failed(operation: &'static str, error: &tokio_postgres::Error) -> Error {
    let Some(state) = error.code() else {
        return Error::Unavailable {
            store: "PostgreSQL",
            operation,
            source: described(error),
        };
    };
    let missing = |what: &str| Error::Missing {
        what: format!("{what} ({})", described(error)),
    };
    match *state {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            missing("the database user")
        }
        SqlState::UNDEFINED_DATABASE => missing("the database"),
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_FUNCTION | SqlState::UNDEFINED_COLUMN => {
            missing("the table conversation_embeddings, as this version knows it,")
        }
        SqlState::UNDEFINED_FILE | SqlState::FEATURE_NOT_SUPPORTED => {
            missing("the extension vector")
        }
        SqlState::DUPLICATE_TABLE => {
            missing("room for the table conversation_embeddings, which another program has made,")
        }
        SqlState::INSUFFICIENT_PRIVILEGE => missing("the right to a table"),
        // Data and integrity: the same rows would fail again.
        _ if ["22", "23"]
            .iter()
            .any(|class| state.code().starts_with(class)) =>
        {
            Error::Corrupt {
                what: "what was to be stored".to_owned(),
                source: described(error),
            }
        }
        _ => Error::Unavailable {
            store: "PostgreSQL",
            operation,
            source: described(error),
        },
    }
}

/// The error in words that hold no content: a database's detail may show a whole row.
fn described(error: &tokio_postgres::Error) -> Box<dyn std::error::Error + Send + Sync> {
    match error.as_db_error() {
        Some(error) => format!("{} ({})", error.message(), error.code().code()).into(),
        None => error.to_string().into(),
    }
}

fn unavailable(
    operation: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::Unavailable {
        store: "PostgreSQL",
        operation,
        source: Box::new(source),
    }
}
