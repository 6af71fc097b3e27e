//! The table, its index and the function that writes: made, brought up to date, checked.

use super::PgVectors;
use crate::Error;
use crate::vectors::dimension_mismatch;

/// The migrations in order; a database is at version n when the first n are in it. `{dimension}` is filled in.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];
impl PgVectors {
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
            return Err(Error::missing(
                "the table conversation_embeddings (or its newest columns)",
            ));
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
}
