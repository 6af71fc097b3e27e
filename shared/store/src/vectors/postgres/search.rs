//! Searches for the nearest rows.

use pgvector::Vector;
use tokio_postgres::types::{Json, ToSql};

use super::database::Database;
use super::rows::parse_hit;
use crate::Error;
use crate::vectors::vector_store::{SearchHit, VectorQuery};

/// Begins a scan with a filter. Most candidates of such a scan do not match, so that it has more of them, for the same
/// recall.
const BEGIN_FILTERED_SCAN: &str = "BEGIN; SET LOCAL hnsw.ef_search = 400";

/// Returns the nearest rows of one model and source system, either by the index or by comparing all rows that match.
pub(super) async fn search_nearest(
    database: &Database,
    model: &String,
    source_system: &String,
    query: &VectorQuery,
    is_exact: bool,
) -> Result<Vec<SearchHit>, Error> {
    let statement = search_statement(!query.filter.is_empty(), is_exact);
    let vector = Vector::from(query.embedding.clone());
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let filter = Json(&query.filter);
    let (vector, limit, filter) = (&vector, &limit, &filter);
    let rows = database
        .call("search", |client| async move {
            let statement = client.prepare_cached(statement).await?;
            let mut values: Vec<&(dyn ToSql + Sync)> = vec![vector, model, source_system, limit];
            if !query.filter.is_empty() {
                values.push(filter);
            }
            if is_exact || query.filter.is_empty() {
                return client.query(&statement, &values).await;
            }
            // One round trip: the three statements are sent together and run in this order.
            let (wider, rows, end) = futures::join!(
                client.batch_execute(BEGIN_FILTERED_SCAN),
                client.query(&statement, &values),
                client.batch_execute("COMMIT"),
            );
            wider.and(end)?;
            rows
        })
        .await?;
    rows.iter().map(parse_hit).collect()
}

/// Returns the statement of a search, which uses the index or compares all rows that match the filter.
fn search_statement(is_filtered: bool, is_exact: bool) -> &'static str {
    match (is_filtered, is_exact) {
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
