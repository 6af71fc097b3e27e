//! Creates the table, its index and the function that writes, brings them up to date, and checks them.

use deadpool_postgres::ClientWrapper;
use tokio::time::Instant;

use super::database::Database;
use crate::Error;
use crate::vectors::vector_store::{EmbeddingModel, dimension_mismatch};

/// The migrations in order. A database is at version n when the first n of them were applied; `{dimension}` is replaced by
/// the length of the model's vectors.
const MIGRATIONS: [&str; 2] = [include_str!("schema.sql"), include_str!("schema_2.sql")];

/// The version that a search needs: it finds its rows in a database that a newer writer has not brought up to date yet.
const SEARCHED_VERSION: usize = 1;

/// Applies the migrations that the database lacks, and checks the table.
pub(super) async fn apply(
    database: &Database,
    model: &EmbeddingModel,
    deadline: Instant,
) -> Result<(), Error> {
    if read_version(database, deadline).await? < MIGRATIONS.len() {
        database
            .call("migrate", deadline, |mut client| async move {
                let migrated = migrate(&mut client, model).await;
                client.finish(migrated)
            })
            .await?;
    }
    check_dimension(database, model, deadline).await
}

/// Checks that the table exists, as a search needs it, and holds vectors of the model's length.
pub(super) async fn check(
    database: &Database,
    model: &EmbeddingModel,
    deadline: Instant,
) -> Result<(), Error> {
    if read_version(database, deadline).await? < SEARCHED_VERSION {
        return Err(Error::missing(
            "the table conversation_embeddings, which the embedding writer creates,",
        ));
    }
    check_dimension(database, model, deadline).await
}

async fn migrate(
    client: &mut ClientWrapper,
    model: &EmbeddingModel,
) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    // One process at a time; the number of the lock is this product's own.
    transaction
        .batch_execute("SELECT pg_advisory_xact_lock(731604821553)")
        .await?;
    transaction
        .batch_execute("CREATE TABLE IF NOT EXISTS conversation_embeddings_schema (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())")
        .await?;
    let done = transaction
        .query_one("SELECT count(*) FROM conversation_embeddings_schema", &[])
        .await?;
    let done = usize::try_from(done.get::<_, i64>(0)).unwrap_or(0);
    for (version, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        let statements = migration.replace("{dimension}", &model.dimension.to_string());
        transaction.batch_execute(&statements).await?;
        let version = i32::try_from(version + 1).unwrap_or(i32::MAX);
        transaction
            .execute(
                "INSERT INTO conversation_embeddings_schema (version) VALUES ($1)",
                &[&version],
            )
            .await?;
    }
    transaction.commit().await
}

/// Checks that the table holds vectors of the model's length.
async fn check_dimension(
    database: &Database,
    model: &EmbeddingModel,
    deadline: Instant,
) -> Result<(), Error> {
    let found = database
        .call("check", deadline, |client| async move {
            let found = client
                .query_one(
                    "SELECT atttypmod FROM pg_attribute
                     WHERE attrelid = 'conversation_embeddings'::regclass AND attname = 'embedding'",
                    &[],
                )
                .await;
            client.finish(found)
        })
        .await?;
    let dimension = usize::try_from(found.get::<_, i32>(0)).unwrap_or(0);
    if dimension == model.dimension {
        Ok(())
    } else {
        Err(dimension_mismatch(dimension, model))
    }
}

/// Returns how many migrations were applied to the database; 0 without a table.
async fn read_version(database: &Database, deadline: Instant) -> Result<usize, Error> {
    database
        .call("check", deadline, |client| async move {
            let version = count_migrations(&client).await;
            client.finish(version)
        })
        .await
}

async fn count_migrations(client: &ClientWrapper) -> Result<usize, tokio_postgres::Error> {
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
}
