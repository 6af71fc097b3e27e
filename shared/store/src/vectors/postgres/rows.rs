//! Converts conversations to the arrays that the function of the database takes, and rows to hits.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pgvector::Vector;
use serde_json::{Map, Value};
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::failures::corrupt;
use crate::Error;
use crate::vectors::vector_store::{ChunkRow, EmbeddedConversation, SearchHit};

/// The conversations of a call, in the order of their positions from 1.
pub(super) struct ConversationArrays<'a> {
    pub(super) conversations: Vec<&'a str>,
    pub(super) event_times: Vec<Timestamp>,
    pub(super) digests: Vec<&'a str>,
    pub(super) hashes: Vec<&'a str>,
    /// The positions of the conversations without rows.
    pub(super) removed: Vec<i32>,
}

/// The rows of one statement, each with the position of its conversation.
#[derive(Default)]
pub(super) struct RowArrays<'a> {
    ids: Vec<Uuid>,
    positions: Vec<i32>,
    indexes: Vec<i32>,
    texts: Vec<&'a str>,
    vectors: Vec<Vector>,
    metadata: Vec<Json<&'a Map<String, Value>>>,
}

impl<'a> ConversationArrays<'a> {
    pub(super) fn new(
        conversations: &'a [EmbeddedConversation],
        winners: &BTreeMap<&str, usize>,
    ) -> Self {
        let chosen: Vec<&EmbeddedConversation> = winners
            .values()
            .map(|index| &conversations[*index])
            .collect();
        Self {
            conversations: chosen
                .iter()
                .map(|conversation| conversation.conversation_id.as_str())
                .collect(),
            event_times: chosen
                .iter()
                .map(|conversation| conversation.event_time)
                .collect(),
            digests: chosen
                .iter()
                .map(|conversation| conversation.event_digest.as_str())
                .collect(),
            hashes: chosen
                .iter()
                .map(|conversation| conversation.content_hash.as_str())
                .collect(),
            removed: chosen
                .iter()
                .enumerate()
                .filter(|(_, conversation)| conversation.rows.is_empty())
                .map(|(index, _)| array_position(index))
                .collect(),
        }
    }
}

impl<'a> RowArrays<'a> {
    /// Returns the rows of the chosen conversations in parts of at most `max_rows` rows; the first part is there in any case.
    pub(super) fn split(
        conversations: &'a [EmbeddedConversation],
        winners: &BTreeMap<&str, usize>,
        max_rows: usize,
    ) -> Vec<Self> {
        let mut parts = vec![Self::default()];
        for (index, winner) in winners.values().enumerate() {
            for row in &conversations[*winner].rows {
                if parts.last().is_some_and(|part| part.ids.len() >= max_rows) {
                    parts.push(Self::default());
                }
                if let Some(part) = parts.last_mut() {
                    part.push(array_position(index), row);
                }
            }
        }
        parts
    }

    fn push(&mut self, position: i32, row: &'a ChunkRow) {
        self.ids.push(row.id);
        self.positions.push(position);
        self.indexes
            .push(i32::try_from(row.chunk_index).unwrap_or(i32::MAX));
        self.texts.push(&row.text);
        self.vectors.push(Vector::from(row.embedding.clone()));
        self.metadata.push(Json(&row.metadata));
    }

    /// Returns the arrays in the order in which the statements take them.
    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 6] {
        [
            &self.ids,
            &self.positions,
            &self.indexes,
            &self.texts,
            &self.vectors,
            &self.metadata,
        ]
    }
}

/// Returns the position in an array of PostgreSQL, which counts from 1.
pub(super) fn array_position(index: usize) -> i32 {
    i32::try_from(index + 1).unwrap_or(i32::MAX)
}

/// Reads the hit of a row of the result.
pub(super) fn parse_hit(row: &tokio_postgres::Row) -> Result<SearchHit, Error> {
    let corrupt = |error: tokio_postgres::Error| corrupt(&error);
    let Json(metadata) = row
        .try_get::<_, Json<Map<String, Value>>>(3)
        .map_err(corrupt)?;
    Ok(SearchHit {
        conversation_id: row.try_get(0).map_err(corrupt)?,
        chunk_index: u32::try_from(row.try_get::<_, i32>(1).map_err(corrupt)?).unwrap_or(0),
        text: row.try_get(2).map_err(corrupt)?,
        score: 1.0 - row.try_get::<_, f64>(4).map_err(corrupt)?,
        metadata,
    })
}
