//! The search for the nearest rows.

use pgvector::Vector;
use tokio_postgres::types::{Json, ToSql};

use super::PgVectors;
use super::rows::hit;
use crate::Error;
use crate::vectors::{Hit, Query};

/// Begins a scan with a filter, most of whose candidates do not match: it has more of them, for the same recall.
const WIDER: &str = "BEGIN; SET LOCAL hnsw.ef_search = 400";

impl PgVectors {
    /// The nearest rows, by the index, or by comparing all that match.
    pub(super) async fn nearest(&self, query: &Query, exact: bool) -> Result<Vec<Hit>, Error> {
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
                if exact || query.filter.is_empty() {
                    return client.query(&statement, &values).await;
                }
                // One round trip: the three go out together and are carried out in this order.
                let (wider, rows, end) = futures::join!(
                    client.batch_execute(WIDER),
                    client.query(&statement, &values),
                    client.batch_execute("COMMIT"),
                );
                wider.and(end)?;
                rows
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
