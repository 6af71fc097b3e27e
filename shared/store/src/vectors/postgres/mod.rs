//! Vectors in PostgreSQL with pgvector: an HNSW index over cosine distance, metadata as JSONB.

mod database;
mod failures;
mod lent;
mod migrations;
mod removal;
mod replace;
mod rotation;
mod rows;
mod search;
mod tls;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use insights_core::WithCauses;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::database::Database;
use self::failures::corrupt;
use self::search::Rows;
use super::vector_store::{
    EmbeddedConversation, EmbeddingModel, ReplaceOutcome, SearchHit, StoredVersion, VectorQuery,
    VectorStore, check_conversations, check_model, check_query,
};
use crate::Error;

pub use self::rotation::{ReadUrl, UrlFreshness};

/// Longest vectors that an HNSW index takes (pgvector, `vector_cosine_ops`).
const MAX_DIMENSION: usize = 2000;
/// How long one call may take, all its attempts together, where its caller would wait for longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// What a process may do with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The process reads and writes, and brings the tables up to date.
    ReadWrite,
    /// The process only searches, with the rights of a user that only reads.
    ReadOnly,
}

/// Vectors in PostgreSQL, of one source system and one model. The database is read and connected to at the first call, so
/// that a process starts while the database is away. Clones share the connections.
#[derive(Clone)]
pub struct PgVectors {
    database: Database,
    model: EmbeddingModel,
    source_system: String,
    access: Access,
    /// Set once the tables were found as they must be.
    prepared: Arc<OnceCell<()>>,
}

impl std::fmt::Debug for PgVectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgVectors")
            .field("model", &self.model)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl PgVectors {
    /// Creates a store on the database of a URL that does not change, with at most `connections` connections, to read and
    /// write.
    ///
    /// # Errors
    /// As [`Self::with_url_source`].
    pub fn new(
        url: &SecretString,
        source_system: &str,
        model: EmbeddingModel,
        connections: usize,
    ) -> Result<Self, Error> {
        let url = url.clone();
        let read_url: ReadUrl = Arc::new(move |_| {
            let url = url.clone();
            Box::pin(async move { Ok(url) })
        });
        Self::with_url_source(
            read_url,
            source_system,
            model,
            connections,
            Access::ReadWrite,
        )
    }

    /// Creates a store on the database whose URL `read_url` reads at the first call, and reads again when the database refuses
    /// the user or the password.
    ///
    /// # Errors
    /// [`Error::Missing`] for a model whose vectors cannot be indexed or whose name cannot be stored.
    pub fn with_url_source(
        read_url: ReadUrl,
        source_system: &str,
        model: EmbeddingModel,
        connections: usize,
        access: Access,
    ) -> Result<Self, Error> {
        check_model(&model)?;
        let EmbeddingModel { name, dimension } = &model;
        if !(1..=MAX_DIMENSION).contains(dimension) {
            return Err(Error::missing(format!(
                "an index for the model {name} with {dimension} dimensions (1 to {MAX_DIMENSION} are possible)"
            )));
        }
        Ok(Self {
            database: Database::new(read_url, connections),
            model,
            source_system: source_system.to_owned(),
            access,
            prepared: Arc::default(),
        })
    }

    /// Finds the tables as they must be, or makes them so; a success is remembered.
    async fn ready(&self, deadline: Instant) -> Result<(), Error> {
        self.prepared
            .get_or_try_init(|| self.prepare_tables(deadline))
            .await?;
        Ok(())
    }

    async fn prepare_tables(&self, deadline: Instant) -> Result<(), Error> {
        if self.access == Access::ReadOnly {
            return migrations::check(&self.database, &self.model, deadline).await;
        }
        migrations::apply(&self.database, &self.model, deadline).await?;
        match removal::other_models(
            &self.database,
            &self.source_system,
            &self.model.name,
            call_deadline(deadline),
        )
        .await
        {
            Ok(others) => {
                for (model, rows) in others {
                    tracing::warn!(
                        model,
                        rows,
                        "rows of another model are stored that no search finds"
                    );
                }
            }
            Err(error) => {
                tracing::warn!(cause = %WithCauses(&error), "the rows of other models were not counted");
            }
        }
        Ok(())
    }
}

/// Returns the end of one call: the deadline of the caller, or the time that a call may take.
fn call_deadline(deadline: Instant) -> Instant {
    deadline.min(Instant::now() + CALL_TIMEOUT)
}

impl VectorStore for PgVectors {
    async fn prepare(&self, deadline: Instant) -> Result<(), Error> {
        self.ready(deadline).await
    }

    async fn versions(
        &self,
        conversations: &[&str],
        deadline: Instant,
    ) -> Result<HashMap<String, StoredVersion>, Error> {
        self.ready(deadline).await?;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&self.source_system, &self.model.name, &conversations];
        let values = &values;
        let rows = self
            .database
            .call("versions", call_deadline(deadline), |client| async move {
                let rows = client
                    .query(
                        "SELECT conversation_id, event_time, event_digest, content_hash FROM conversation_embeddings
                         WHERE source_system = $1 AND model = $2 AND conversation_id = ANY ($3) AND chunk_index = 0
                         UNION ALL
                         SELECT conversation_id, event_time, event_digest, content_hash FROM conversation_removals
                         WHERE source_system = $1 AND conversation_id = ANY ($3)",
                        values,
                    )
                    .await;
                client.finish(rows)
            })
            .await?;
        rows.iter()
            .map(|row| {
                let version = StoredVersion {
                    event_time: row.try_get(1).map_err(|error| corrupt(&error))?,
                    event_digest: row.try_get(2).map_err(|error| corrupt(&error))?,
                    content_hash: row.try_get(3).map_err(|error| corrupt(&error))?,
                };
                Ok((row.try_get(0).map_err(|error| corrupt(&error))?, version))
            })
            .collect()
    }

    async fn replace(
        &self,
        conversations: &[EmbeddedConversation],
        deadline: Instant,
    ) -> Result<Vec<ReplaceOutcome>, Error> {
        check_conversations(conversations, self.model.dimension)?;
        if conversations.is_empty() {
            return Ok(Vec::new());
        }
        self.ready(deadline).await?;
        replace::replace(
            &self.database,
            &self.source_system,
            &self.model.name,
            conversations,
            deadline,
        )
        .await
    }

    async fn search(
        &self,
        query: &VectorQuery,
        deadline: Instant,
    ) -> Result<Vec<SearchHit>, Error> {
        check_query(query, self.model.dimension)?;
        self.ready(deadline).await?;
        let rows = Rows {
            database: &self.database,
            model: &self.model.name,
            source_system: &self.source_system,
        };
        rows.search(query, call_deadline(deadline)).await
    }

    async fn count(&self, deadline: Instant) -> Result<u64, Error> {
        self.ready(deadline).await?;
        let row = self
            .database
            .call("count", call_deadline(deadline), |client| async move {
                let row = client
                    .query_one(
                        "SELECT count(*) FROM conversation_embeddings WHERE source_system = $1 AND model = $2",
                        &[&self.source_system, &self.model.name],
                    )
                    .await;
                client.finish(row)
            })
            .await?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
    }

    async fn forget(
        &self,
        conversation_id: &str,
        moment: Timestamp,
        deadline: Instant,
    ) -> Result<u64, Error> {
        self.ready(deadline).await?;
        let deadline = call_deadline(deadline);
        removal::forget(
            &self.database,
            &self.source_system,
            conversation_id,
            moment,
            deadline,
        )
        .await
    }

    async fn delete_before(
        &self,
        moment: Timestamp,
        limit: u32,
        deadline: Instant,
    ) -> Result<u64, Error> {
        self.ready(deadline).await?;
        let deadline = call_deadline(deadline);
        removal::delete_before(&self.database, &self.source_system, moment, limit, deadline).await
    }

    async fn other_models(&self, deadline: Instant) -> Result<BTreeMap<String, u64>, Error> {
        self.ready(deadline).await?;
        let deadline = call_deadline(deadline);
        removal::other_models(
            &self.database,
            &self.source_system,
            &self.model.name,
            deadline,
        )
        .await
    }

    async fn delete_other_models(&self, limit: u32, deadline: Instant) -> Result<u64, Error> {
        self.ready(deadline).await?;
        removal::delete_other_models(
            &self.database,
            &self.source_system,
            &self.model.name,
            limit,
            call_deadline(deadline),
        )
        .await
    }
}
