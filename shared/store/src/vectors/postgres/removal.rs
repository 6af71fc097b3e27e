//! Deletes rows: of one conversation, by age, and of models that are not used any more.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;

use super::database::Database;
use crate::Error;
use crate::vectors::vector_store::{FORGOTTEN_DIGEST, MAX_OTHER_ROWS};

/// Deletes the rows of a conversation, keeps events up to `moment` from bringing it back, and returns how many rows
/// there were.
pub(super) async fn forget(
    database: &Database,
    source_system: &String,
    conversation_id: &str,
    moment: Timestamp,
    deadline: Instant,
) -> Result<u64, Error> {
    let moment = &moment;
    let row = database
        .call("forget", deadline, |client| async move {
            let row = client
                .query_one(
                    "SELECT forget_conversation($1, $2, $3, $4)",
                    &[source_system, &conversation_id, moment, &FORGOTTEN_DIGEST],
                )
                .await;
            client.finish(row)
        })
        .await?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}

/// Deletes at most `limit` rows whose event is older than `moment`, and returns how many.
pub(super) async fn delete_before(
    database: &Database,
    source_system: &String,
    moment: Timestamp,
    limit: u32,
    deadline: Instant,
) -> Result<u64, Error> {
    // The age is compared again where a row was written meanwhile.
    let statement = "DELETE FROM conversation_embeddings WHERE event_time < $2 AND id IN (
             SELECT id FROM conversation_embeddings WHERE source_system = $1 AND event_time < $2 LIMIT $3
         )";
    let limit = i64::from(limit);
    delete(
        database,
        statement,
        &[source_system, &moment, &limit],
        deadline,
    )
    .await
}

/// Deletes at most `limit` rows of models other than `model`, and returns how many.
pub(super) async fn delete_other_models(
    database: &Database,
    source_system: &String,
    model: &String,
    limit: u32,
    deadline: Instant,
) -> Result<u64, Error> {
    let statement = "DELETE FROM conversation_embeddings WHERE model <> $2 AND id IN (
             SELECT id FROM conversation_embeddings WHERE source_system = $1 AND (model < $2 OR model > $2) LIMIT $3
         )";
    let limit = i64::from(limit);
    delete(
        database,
        statement,
        &[source_system, model, &limit],
        deadline,
    )
    .await
}

/// Counts the rows of models other than `model`, up to [`MAX_OTHER_ROWS`].
pub(super) async fn other_models(
    database: &Database,
    source_system: &String,
    model: &String,
    deadline: Instant,
) -> Result<BTreeMap<String, u64>, Error> {
    let limit = &i64::from(MAX_OTHER_ROWS);
    let rows = database
        .call("other models", deadline, |client| async move {
            let rows = client
                .query(
                    "SELECT model, count(*) FROM (
                         SELECT model FROM conversation_embeddings
                         WHERE source_system = $1 AND (model < $2 OR model > $2) LIMIT $3
                     ) AS others GROUP BY model",
                    &[source_system, model, limit],
                )
                .await;
            client.finish(rows)
        })
        .await?;
    Ok(rows
        .iter()
        .map(|row| (row.get(0), u64::try_from(row.get::<_, i64>(1)).unwrap_or(0)))
        .collect())
}

async fn delete(
    database: &Database,
    statement: &str,
    values: &[&(dyn ToSql + Sync)],
    deadline: Instant,
) -> Result<u64, Error> {
    database
        .call("delete", deadline, |client| async move {
            let deleted = client.execute(statement, values).await;
            client.finish(deleted)
        })
        .await
}
