//! Stores conversations in place of what is stored of them.

use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;

use super::database::Database;
use super::rows::{ConversationArrays, RowArrays, array_position};
use crate::Error;
use crate::vectors::vector_store::{EmbeddedConversation, ReplaceOutcome, choose_winners};

/// Most rows of one statement. A statement of so many rows ends in seconds even where the index is larger than the memory of
/// the database and each row is put into it in a fifth of a second.
const MAX_STATEMENT_ROWS: usize = 50;
/// How long one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// Stores conversations in one transaction, and returns an outcome for each, in order.
pub(super) async fn replace(
    database: &Database,
    source_system: &String,
    model: &String,
    conversations: &[EmbeddedConversation],
    deadline: Instant,
) -> Result<Vec<ReplaceOutcome>, Error> {
    let winners = choose_winners(conversations);
    let arrays = &ConversationArrays::new(conversations, &winners);
    let parts = &RowArrays::split(conversations, &winners, MAX_STATEMENT_ROWS);
    let statements = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let deadline = deadline.min(Instant::now() + STATEMENT_TIMEOUT.saturating_mul(statements));
    let stored = database
        .call("replace", deadline, |mut client| async move {
            let stored = store_parts(&mut client, source_system, model, arrays, parts).await;
            client.finish(stored)
        })
        .await?;
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

/// Stores the first part of the rows with the function of the database, and the other parts behind it in the same
/// transaction. Returns the positions of the conversations that were stored.
async fn store_parts(
    client: &mut ClientWrapper,
    source_system: &String,
    model: &String,
    arrays: &ConversationArrays<'_>,
    parts: &[RowArrays<'_>],
) -> Result<Vec<i32>, tokio_postgres::Error> {
    let Some((first, others)) = parts.split_first() else {
        return Ok(Vec::new());
    };
    let replace = client
        .prepare_cached(
            "SELECT replace_conversations($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .await?;
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![
        source_system,
        model,
        &arrays.conversations,
        &arrays.event_times,
        &arrays.digests,
        &arrays.hashes,
        &arrays.removed,
    ];
    values.extend(first.values());
    if others.is_empty() {
        let rows = client.query(&replace, &values).await?;
        return Ok(rows.iter().map(|row| row.get(0)).collect());
    }
    let append = client
        .prepare_cached(
            "INSERT INTO conversation_embeddings
                 (id, source_system, conversation_id, chunk_index, model, content_hash, event_time, event_digest, text_content,
                  embedding, semantic_metadata)
             SELECT r.id, $1, ($3::text[])[r.position], r.chunk_index, $2, ($6::text[])[r.position],
                    ($4::timestamptz[])[r.position], ($5::text[])[r.position], r.text_content, r.embedding, r.metadata
             FROM unnest($8::uuid[], $9::integer[], $10::integer[], $11::text[], $12::vector[], $13::jsonb[])
                 AS r (id, position, chunk_index, text_content, embedding, metadata)
             WHERE r.position = ANY ($7::integer[])",
        )
        .await?;
    let transaction = client.transaction().await?;
    let rows = transaction.query(&replace, &values).await?;
    let stored: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
    for part in others {
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![
            source_system,
            model,
            &arrays.conversations,
            &arrays.event_times,
            &arrays.digests,
            &arrays.hashes,
            &stored,
        ];
        values.extend(part.values());
        transaction.execute(&append, &values).await?;
    }
    transaction.commit().await?;
    Ok(stored)
}
