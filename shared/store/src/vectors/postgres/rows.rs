//! Converts conversations to the arrays that the function of the database takes, and rows to hits.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pgvector::Vector;
use serde_json::{Map, Value};
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::failures::corrupt;
use crate::Error;
use crate::vectors::vector_store::{EmbeddedConversation, SearchHit};

/// The arguments of `replace_conversation_embeddings`: the conversations, and their rows, each with the position of its
/// conversation from 1.
pub(super) struct ConversationArrays<'a> {
    pub(super) conversations: Vec<&'a str>,
    pub(super) event_times: Vec<Timestamp>,
    pub(super) hashes: Vec<&'a str>,
    pub(super) ids: Vec<Uuid>,
    pub(super) positions: Vec<i32>,
    pub(super) indexes: Vec<i32>,
    pub(super) texts: Vec<&'a str>,
    pub(super) vectors: Vec<Vector>,
    pub(super) metadata: Vec<Json<&'a Map<String, Value>>>,
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
        let rows = || {
            chosen.iter().enumerate().flat_map(|(index, conversation)| {
                conversation.rows.iter().map(move |row| (index, row))
            })
        };
        Self {
            conversations: chosen
                .iter()
                .map(|conversation| conversation.conversation_id.as_str())
                .collect(),
            event_times: chosen
                .iter()
                .map(|conversation| conversation.event_time)
                .collect(),
            hashes: chosen
                .iter()
                .map(|conversation| conversation.content_hash.as_str())
                .collect(),
            ids: rows().map(|(_, row)| row.id).collect(),
            positions: rows().map(|(index, _)| array_position(index)).collect(),
            indexes: rows()
                .map(|(_, row)| i32::try_from(row.chunk_index).unwrap_or(i32::MAX))
                .collect(),
            texts: rows().map(|(_, row)| row.text.as_str()).collect(),
            vectors: rows()
                .map(|(_, row)| Vector::from(row.embedding.clone()))
                .collect(),
            metadata: rows().map(|(_, row)| Json(&row.metadata)).collect(),
        }
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
