//! Searches for the nearest rows: by the index, and by comparing rows where the index gives fewer than asked for although more
//! match.

use std::time::Duration;

use insights_core::WithCauses;
use pgvector::Vector;
use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};

use super::database::Database;
use super::rows::parse_hit;
use crate::Error;
use crate::vectors::vector_store::{SearchHit, VectorQuery};

/// Most matching rows that are compared one by one without another scan of the index first.
const MAX_COMPARED_ROWS: i64 = 20_000;
/// Time kept back for answering with what the index gave, if comparing the rows takes too long.
const ANSWER_MARGIN: Duration = Duration::from_millis(500);

/// How the index is scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scan {
    /// With the settings of the connection, for a query without a filter.
    Plain,
    /// With more candidates: most candidates of a scan with a filter do not match, so that it has more of them for the same
    /// recall.
    Filtered,
    /// Further than usual and with the memory for it, where many rows match that are far from the query.
    Far,
}

impl Scan {
    /// Returns what is set for the scan, as the start of a transaction; `None` for the settings of the connection.
    fn begin(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Filtered => Some("BEGIN; SET LOCAL hnsw.ef_search = 400"),
            Self::Far => Some(
                "BEGIN; SET LOCAL hnsw.ef_search = 400; SET LOCAL hnsw.max_scan_tuples = 100000; \
                 SET LOCAL hnsw.scan_mem_multiplier = 32",
            ),
        }
    }
}

/// The rows of one model and source system, in which the nearest to a query are looked for.
pub(super) struct Rows<'a> {
    pub(super) database: &'a Database,
    pub(super) model: &'a String,
    pub(super) source_system: &'a String,
}

impl Rows<'_> {
    /// Returns the nearest rows: as many as the limit of the query says if that many match and the deadline allows.
    pub(super) async fn search(
        &self,
        query: &VectorQuery,
        deadline: Instant,
    ) -> Result<Vec<SearchHit>, Error> {
        let scan = if query.filter.is_empty() {
            Scan::Plain
        } else {
            Scan::Filtered
        };
        let hits = self.scan(query, scan, deadline).await?;
        if hits.len() >= query.limit {
            return Ok(hits);
        }
        // The index holds the rows of all models and gives up after a number of rows, whatever matches.
        let matching = self.count_matching(query, deadline).await?;
        if matching <= hits.len() {
            return Ok(hits);
        }
        let early = deadline.checked_sub(ANSWER_MARGIN).unwrap_or(deadline);
        match self.search_further(query, matching, early).await {
            Ok(further) => Ok(further),
            Err(error) if error.is_retryable() && !hits.is_empty() => {
                tracing::warn!(hits = hits.len(), limit = query.limit, cause = %WithCauses(&error), "the search gave fewer hits than match");
                Ok(hits)
            }
            Err(error) => Err(error),
        }
    }

    /// Looks for the hits that the first scan did not give. `matching` rows match, or more than are counted.
    async fn search_further(
        &self,
        query: &VectorQuery,
        matching: usize,
        deadline: Instant,
    ) -> Result<Vec<SearchHit>, Error> {
        if matching > usize::try_from(MAX_COMPARED_ROWS).unwrap_or(usize::MAX) {
            let hits = self.scan(query, Scan::Far, deadline).await?;
            if hits.len() >= query.limit {
                return Ok(hits);
            }
        }
        self.compare(query, deadline).await
    }

    /// Returns the nearest rows that a scan of the index gives.
    async fn scan(
        &self,
        query: &VectorQuery,
        scan: Scan,
        deadline: Instant,
    ) -> Result<Vec<SearchHit>, Error> {
        let statement = format!(
            "SELECT conversation_id, chunk_index, text_content, semantic_metadata, embedding <=> $4 AS distance
             FROM conversation_embeddings WHERE {} ORDER BY embedding <=> $4 LIMIT $3",
            condition(query)
        );
        self.nearest(&statement, query, scan, deadline).await
    }

    /// Returns the nearest rows by comparing all that match. Only ids and distances are sorted; the texts of the nearest are
    /// read in the end.
    async fn compare(
        &self,
        query: &VectorQuery,
        deadline: Instant,
    ) -> Result<Vec<SearchHit>, Error> {
        // The sum keeps the index, which gives up, out of the plan.
        let statement = format!(
            "SELECT conversation_id, chunk_index, text_content, semantic_metadata, nearest.distance
             FROM (
                 SELECT id, (embedding <=> $4) + 0 AS distance FROM conversation_embeddings
                 WHERE {} ORDER BY distance LIMIT $3
             ) AS nearest JOIN conversation_embeddings USING (id) ORDER BY nearest.distance",
            condition(query)
        );
        self.nearest(&statement, query, Scan::Plain, deadline).await
    }

    /// Runs a statement that returns the nearest rows.
    async fn nearest(
        &self,
        statement: &str,
        query: &VectorQuery,
        scan: Scan,
        deadline: Instant,
    ) -> Result<Vec<SearchHit>, Error> {
        let vector = &Vector::from(query.embedding.clone());
        let limit = &i64::try_from(query.limit).unwrap_or(i64::MAX);
        let filter = &Json(&query.filter);
        let rows = self
            .database
            .call("search", deadline, |client| async move {
                let rows = async {
                    let statement = client.prepare_cached(statement).await?;
                    let mut values = self.values(limit);
                    values.push(vector);
                    if !query.filter.is_empty() {
                        values.push(filter);
                    }
                    let Some(begin) = scan.begin() else {
                        return client.query(&statement, &values).await;
                    };
                    // One round trip: the three statements are sent together and run in this order.
                    let (began, rows, ended) = futures::join!(
                        client.batch_execute(begin),
                        client.query(&statement, &values),
                        client.batch_execute("COMMIT"),
                    );
                    began.and(ended)?;
                    rows
                };
                let rows: Result<Vec<Row>, _> = rows.await;
                client.finish(rows)
            })
            .await?;
        rows.iter().map(parse_hit).collect()
    }

    /// Counts the rows that match, up to one more than are compared.
    async fn count_matching(&self, query: &VectorQuery, deadline: Instant) -> Result<usize, Error> {
        let statement = &format!(
            "SELECT count(*) FROM (SELECT FROM conversation_embeddings WHERE {} LIMIT $3) AS matching",
            condition(query).replace("$5", "$4")
        );
        let limit = &(MAX_COMPARED_ROWS + 1);
        let filter = &Json(&query.filter);
        let row = self
            .database
            .call("search", deadline, |client| async move {
                let row = async {
                    let statement = client.prepare_cached(statement).await?;
                    let mut values = self.values(limit);
                    if !query.filter.is_empty() {
                        values.push(filter);
                    }
                    client.query_one(&statement, &values).await
                };
                let row: Result<Row, _> = row.await;
                client.finish(row)
            })
            .await?;
        Ok(usize::try_from(row.get::<_, i64>(0)).unwrap_or(0))
    }

    /// Returns the values that every statement begins with: model, source system and limit.
    fn values<'v>(&'v self, limit: &'v i64) -> Vec<&'v (dyn ToSql + Sync)> {
        vec![self.model, self.source_system, limit]
    }
}

/// Returns the condition on the rows that are searched.
fn condition(query: &VectorQuery) -> &'static str {
    if query.filter.is_empty() {
        "model = $1 AND source_system = $2"
    } else {
        "model = $1 AND source_system = $2 AND semantic_metadata @> $5"
    }
}
