//! Vectors in PostgreSQL with pgvector: an HNSW index over cosine distance, metadata as JSONB.

mod database;
mod failures;
mod migrations;
mod rows;
mod search;

use std::collections::HashMap;

use secrecy::SecretString;

use self::database::Database;
use self::failures::corrupt;
use self::rows::{ConversationArrays, array_position};
use super::rotation::RenewUrl;
use super::vector_store::{
    EmbeddedConversation, EmbeddingModel, ReplaceOutcome, SearchHit, StoredVersion, VectorQuery,
    VectorStore, check_conversations, check_query, choose_winners,
};
use crate::Error;

/// Longest vectors that an HNSW index takes (pgvector, `vector_cosine_ops`).
const MAX_DIMENSION: usize = 2000;

/// Vectors in PostgreSQL, of one source system and one model. Clones share the connections.
#[derive(Clone)]
pub struct PgVectors {
    database: Database,
    model: EmbeddingModel,
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
    /// Creates a store on the database of a URL, with at most `connections` connections. Nothing is connected yet: callers
    /// call [`Self::migrate`] or [`Self::check`] before anything else.
    ///
    /// # Errors
    /// [`Error::Missing`] for a bad URL, [`Error::Limit`] for a model whose vectors cannot be indexed.
    pub fn new(
        url: &SecretString,
        source_system: &str,
        model: EmbeddingModel,
        connections: usize,
    ) -> Result<Self, Error> {
        Self::build(url, source_system, model, connections, None)
    }

    /// Creates a store as [`Self::new`] does, which reads the URL again with `renew` when the database refuses the user or
    /// the password.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_renewal(
        url: &SecretString,
        source_system: &str,
        model: EmbeddingModel,
        connections: usize,
        renew: RenewUrl,
    ) -> Result<Self, Error> {
        Self::build(url, source_system, model, connections, Some(renew))
    }

    fn build(
        url: &SecretString,
        source_system: &str,
        model: EmbeddingModel,
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
        let database = Database::new(url, connections, renew)?;
        Ok(Self {
            database,
            model,
            source_system: source_system.to_owned(),
        })
    }

    /// Creates the table and its index, or brings them up to date, and checks them as [`Self::check`] does. Several
    /// processes may call this at once. Where all is up to date, nothing is changed and no right to change tables is needed.
    ///
    /// # Errors
    /// As [`Self::check`]; [`Error::Missing`] if a migration may not be run.
    pub async fn migrate(&self) -> Result<(), Error> {
        migrations::apply(&self.database, &self.model).await
    }

    /// Checks that the table exists and holds vectors of the model's length.
    ///
    /// # Errors
    /// [`Error::Missing`] without the table, [`Error::Limit`] naming both lengths, [`Error::Unavailable`].
    pub async fn check(&self) -> Result<(), Error> {
        migrations::check(&self.database, &self.model).await
    }

    /// Returns the nearest rows, either by the index or by comparing all rows that match.
    async fn search_nearest(
        &self,
        query: &VectorQuery,
        is_exact: bool,
    ) -> Result<Vec<SearchHit>, Error> {
        search::search_nearest(
            &self.database,
            &self.model.name,
            &self.source_system,
            query,
            is_exact,
        )
        .await
    }
}

impl VectorStore for PgVectors {
    async fn versions(
        &self,
        conversations: &[&str],
    ) -> Result<HashMap<String, StoredVersion>, Error> {
        let rows = self
            .database
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
                let version = StoredVersion {
                    event_time: row.try_get(1).map_err(|error| corrupt(&error))?,
                    content_hash: row.try_get(2).map_err(|error| corrupt(&error))?,
                };
                Ok((row.try_get(0).map_err(|error| corrupt(&error))?, version))
            })
            .collect()
    }

    async fn replace(
        &self,
        conversations: &[EmbeddedConversation],
    ) -> Result<Vec<ReplaceOutcome>, Error> {
        check_conversations(conversations, self.model.dimension)?;
        let winners = choose_winners(conversations);
        let arrays = &ConversationArrays::new(conversations, &winners);
        let rows = self
            .database
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
                    .map(array_position);
                let won = winners.get(conversation.conversation_id.as_str()) == Some(&index);
                if won && position.is_some_and(|position| stored.contains(&position)) {
                    ReplaceOutcome::Stored
                } else {
                    ReplaceOutcome::Outdated
                }
            })
            .collect())
    }

    async fn search(&self, query: &VectorQuery) -> Result<Vec<SearchHit>, Error> {
        check_query(query, self.model.dimension)?;
        let mut hits = self.search_nearest(query, false).await?;
        // The index scan gives up after a number of rows. So few rows match then that comparing all of them is quick.
        if hits.len() < query.limit && !query.filter.is_empty() {
            hits = self.search_nearest(query, true).await?;
        }
        Ok(hits)
    }

    async fn count(&self) -> Result<u64, Error> {
        let row = self
            .database
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
