//! Vectors in a SQLite file, compared exactly by the cosine distance of sqlite-vec: for a laptop and for the demo, where a
//! hundred thousand rows are searched in about a tenth of a second.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::OnceLock;

use jiff::Timestamp;
use rusqlite::types::{Type, Value as Sql};
use rusqlite::{Connection, Row as SqlRow, TransactionBehavior, params, params_from_iter};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::vector_store::{
    EmbeddedConversation, EmbeddingModel, FORGOTTEN_DIGEST, MAX_OTHER_ROWS, ReplaceOutcome,
    SearchHit, StoredVersion, VectorQuery, VectorStore, check_conversations, check_model,
    check_query, choose_winners, dimension_mismatch,
};
use crate::Error;
use crate::embedded::{Database, Durability, empty_log};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS conversation_embeddings (
        id TEXT PRIMARY KEY,
        source_system TEXT NOT NULL,
        conversation_id TEXT NOT NULL,
        chunk_index INTEGER NOT NULL,
        model TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        event_time INTEGER NOT NULL,
        text_content TEXT NOT NULL,
        embedding BLOB NOT NULL,
        semantic_metadata TEXT NOT NULL,
        created_at TEXT NOT NULL DEFAULT (datetime('now')),
        event_digest TEXT NOT NULL DEFAULT '',
        UNIQUE (source_system, conversation_id, chunk_index)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS conversation_removals (
        source_system TEXT NOT NULL,
        conversation_id TEXT NOT NULL,
        event_time INTEGER NOT NULL,
        event_digest TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        PRIMARY KEY (source_system, conversation_id)
    ) STRICT;";

/// Adds the column that files of an earlier version lack.
const ADD_EVENT_DIGEST: &str =
    "ALTER TABLE conversation_embeddings ADD COLUMN event_digest TEXT NOT NULL DEFAULT ''";

/// Vectors in a SQLite file, of one source system and one model. Several processes may open the same file. Clones share
/// its thread.
#[derive(Debug, Clone)]
pub struct SqliteVectors {
    database: Database,
    model: EmbeddingModel,
    source_system: String,
}

impl SqliteVectors {
    /// Opens the file, and creates it and its folder for this user alone if they do not exist.
    ///
    /// # Errors
    /// [`Error::Missing`] if the file cannot be opened or created, or holds vectors of another length; [`Error::Corrupt`] if
    /// it is not a SQLite file.
    pub async fn open(
        path: impl AsRef<Path>,
        source_system: &str,
        model: EmbeddingModel,
    ) -> Result<Self, Error> {
        check_model(&model)?;
        register_sqlite_vec();
        let database = Database::open(path.as_ref(), Durability::Process, SCHEMA)?;
        let stored: Option<i64> = database
            .run("check", |connection| {
                let has_digest: bool = connection.query_row(
                    "SELECT EXISTS (SELECT 1 FROM pragma_table_info('conversation_embeddings') WHERE name = 'event_digest')",
                    [],
                    |row| row.get(0),
                )?;
                if !has_digest {
                    connection.execute_batch(ADD_EVENT_DIGEST)?;
                }
                connection.query_row(
                    "SELECT (SELECT length(embedding) FROM conversation_embeddings LIMIT 1)",
                    [],
                    |row| row.get(0),
                )
            })
            .await?;
        let stored = stored.and_then(|bytes| usize::try_from(bytes).ok());
        match stored {
            Some(bytes) if bytes != model.dimension * size_of::<f32>() => {
                Err(dimension_mismatch(bytes / size_of::<f32>(), &model))
            }
            _ => Ok(Self {
                database,
                model,
                source_system: source_system.to_owned(),
            }),
        }
    }
}

/// Makes the functions of sqlite-vec known to every connection that is opened from now on.
fn register_sqlite_vec() {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        type Entry = unsafe extern "C" fn(
            *mut rusqlite::ffi::sqlite3,
            *mut *mut std::ffi::c_char,
            *const rusqlite::ffi::sqlite3_api_routines,
        ) -> std::ffi::c_int;
        #[expect(
            unsafe_code,
            reason = "a C extension is registered by its entry point; sqlite-vec declares it without its parameters"
        )]
        // SAFETY: `sqlite3_vec_init` is an extension entry point with exactly this signature in C, linked statically.
        unsafe {
            let entry = std::mem::transmute::<*const (), Entry>(sqlite_vec::sqlite3_vec_init as *const ());
            rusqlite::ffi::sqlite3_auto_extension(Some(entry));
        }
    });
}

impl VectorStore for SqliteVectors {
    async fn prepare(&self, _deadline: Instant) -> Result<(), Error> {
        Ok(())
    }

    async fn versions(
        &self,
        conversations: &[&str],
        _deadline: Instant,
    ) -> Result<HashMap<String, StoredVersion>, Error> {
        let wanted: Vec<String> = conversations.iter().map(|id| (*id).to_owned()).collect();
        let (source, model) = (self.source_system.clone(), self.model.name.clone());
        self.database
            .run("versions", move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT event_time, event_digest, content_hash FROM conversation_embeddings
                     WHERE source_system = ?1 AND model = ?2 AND conversation_id = ?3 AND chunk_index = 0
                     UNION ALL
                     SELECT event_time, event_digest, content_hash FROM conversation_removals
                     WHERE source_system = ?1 AND conversation_id = ?3",
                )?;
                let mut versions = HashMap::new();
                for id in wanted {
                    let mut rows = statement.query(params![source, model, id])?;
                    if let Some(row) = rows.next()? {
                        let version = StoredVersion {
                            event_time: parse_timestamp(row, 0)?,
                            event_digest: row.get(1)?,
                            content_hash: row.get(2)?,
                        };
                        versions.insert(id, version);
                    }
                }
                Ok(versions)
            })
            .await
    }

    async fn replace(
        &self,
        conversations: &[EmbeddedConversation],
        _deadline: Instant,
    ) -> Result<Vec<ReplaceOutcome>, Error> {
        check_conversations(conversations, self.model.dimension)?;
        let winners: Vec<usize> = choose_winners(conversations).into_values().collect();
        let conversations = conversations.to_vec();
        let (source, model) = (self.source_system.clone(), self.model.name.clone());
        self.database
            .run("replace", move |connection| {
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let mut outcomes = vec![ReplaceOutcome::Outdated; conversations.len()];
                for index in winners {
                    if replace_one(&transaction, &source, &model, &conversations[index])? {
                        outcomes[index] = ReplaceOutcome::Stored;
                    }
                }
                transaction.commit()?;
                Ok(outcomes)
            })
            .await
    }

    async fn search(
        &self,
        query: &VectorQuery,
        _deadline: Instant,
    ) -> Result<Vec<SearchHit>, Error> {
        check_query(query, self.model.dimension)?;
        // A field of the metadata must equal the wanted value as JSON, which is what containment means for a single value.
        let matches: String = (0..query.filter.len())
            .map(|index| {
                let (path, value) = (5 + index * 2, 6 + index * 2);
                format!(" AND semantic_metadata -> ?{path} = ?{value}")
            })
            .collect();
        let statement = format!(
            "SELECT conversation_id, chunk_index, text_content, semantic_metadata, vec_distance_cosine(embedding, ?1) AS distance
             FROM conversation_embeddings WHERE source_system = ?2 AND model = ?3{matches} ORDER BY distance LIMIT ?4"
        );
        let mut values = vec![
            Sql::Blob(encode_vector(&query.embedding)),
            Sql::Text(self.source_system.clone()),
            Sql::Text(self.model.name.clone()),
            Sql::Integer(i64::try_from(query.limit).unwrap_or(i64::MAX)),
        ];
        for (name, value) in &query.filter {
            values.push(Sql::Text(format!("$.{}", Value::String(name.clone()))));
            values.push(Sql::Text(value.to_string()));
        }
        self.database
            .run("search", move |connection| {
                connection
                    .prepare_cached(&statement)?
                    .query_map(params_from_iter(values), parse_hit)?
                    .collect()
            })
            .await
    }

    async fn count(&self, _deadline: Instant) -> Result<u64, Error> {
        let (source, model) = (self.source_system.clone(), self.model.name.clone());
        self.database
            .run("count", move |connection| {
                connection.query_row(
                    "SELECT count(*) FROM conversation_embeddings WHERE source_system = ?1 AND model = ?2",
                    [source, model],
                    |row| row.get::<_, i64>(0).map(|count| u64::try_from(count).unwrap_or(0)),
                )
            })
            .await
    }

    async fn forget(
        &self,
        conversation_id: &str,
        moment: Timestamp,
        _deadline: Instant,
    ) -> Result<u64, Error> {
        let (source, id) = (self.source_system.clone(), conversation_id.to_owned());
        let moment = moment.as_microsecond();
        self.database
            .run("forget", move |connection| {
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                transaction.execute(
                    "INSERT INTO conversation_removals AS r (source_system, conversation_id, event_time, event_digest, content_hash)
                     VALUES (?1, ?2, max(?3, coalesce((SELECT max(event_time) FROM conversation_embeddings
                             WHERE source_system = ?1 AND conversation_id = ?2), ?3)), ?4, '')
                     ON CONFLICT (source_system, conversation_id) DO UPDATE SET
                         event_time = max(r.event_time, excluded.event_time), event_digest = excluded.event_digest, content_hash = ''",
                    params![source, id, moment, FORGOTTEN_DIGEST],
                )?;
                let deleted = transaction.execute(
                    "DELETE FROM conversation_embeddings WHERE source_system = ?1 AND conversation_id = ?2",
                    params![source, id],
                )?;
                transaction.commit()?;
                empty_log(connection)?;
                Ok(deleted as u64)
            })
            .await
    }

    async fn delete_before(
        &self,
        moment: Timestamp,
        limit: u32,
        _deadline: Instant,
    ) -> Result<u64, Error> {
        let (source, moment) = (self.source_system.clone(), moment.as_microsecond());
        self.database
            .run("delete", move |connection| {
                let deleted = connection.execute(
                    "DELETE FROM conversation_embeddings WHERE id IN (SELECT id FROM conversation_embeddings
                     WHERE source_system = ?1 AND event_time < ?2 LIMIT ?3)",
                    params![source, moment, limit],
                )?;
                Ok(deleted as u64)
            })
            .await
    }

    async fn other_models(&self, _deadline: Instant) -> Result<BTreeMap<String, u64>, Error> {
        let (source, model) = (self.source_system.clone(), self.model.name.clone());
        self.database
            .run("other models", move |connection| {
                connection
                    .prepare_cached(
                        "SELECT model, count(*) FROM (SELECT model FROM conversation_embeddings
                         WHERE source_system = ?1 AND model <> ?2 LIMIT ?3) GROUP BY model",
                    )?
                    .query_map(params![source, model, MAX_OTHER_ROWS], |row| {
                        let rows = row.get::<_, i64>(1)?;
                        Ok((row.get(0)?, u64::try_from(rows).unwrap_or(0)))
                    })?
                    .collect()
            })
            .await
    }

    async fn delete_other_models(&self, limit: u32, _deadline: Instant) -> Result<u64, Error> {
        let (source, model) = (self.source_system.clone(), self.model.name.clone());
        self.database
            .run("delete", move |connection| {
                let deleted = connection.execute(
                    "DELETE FROM conversation_embeddings WHERE id IN (SELECT id FROM conversation_embeddings
                     WHERE source_system = ?1 AND model <> ?2 LIMIT ?3)",
                    params![source, model, limit],
                )?;
                Ok(deleted as u64)
            })
            .await
    }
}

/// Stores one conversation in place of what is stored of it; returns `false` if that is newer.
fn replace_one(
    connection: &Connection,
    source: &str,
    model: &str,
    conversation: &EmbeddedConversation,
) -> rusqlite::Result<bool> {
    let id = conversation.conversation_id.as_str();
    let event_time = conversation.event_time.as_microsecond();
    let digest = conversation.event_digest.as_str();
    let newer: bool = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM (
                 SELECT event_time, event_digest FROM conversation_embeddings WHERE source_system = ?1 AND conversation_id = ?2
                 UNION ALL
                 SELECT event_time, event_digest FROM conversation_removals WHERE source_system = ?1 AND conversation_id = ?2
             ) WHERE (event_time, event_digest) > (?3, ?4))",
        )?
        .query_row(params![source, id, event_time, digest], |row| row.get(0))?;
    if newer {
        return Ok(false);
    }
    for table in ["conversation_embeddings", "conversation_removals"] {
        connection
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE source_system = ?1 AND conversation_id = ?2"
            ))?
            .execute(params![source, id])?;
    }
    if conversation.rows.is_empty() {
        connection
            .prepare_cached(
                "INSERT INTO conversation_removals (source_system, conversation_id, event_time, event_digest, content_hash)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![source, id, event_time, digest, conversation.content_hash])?;
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO conversation_embeddings
         (id, source_system, conversation_id, chunk_index, model, content_hash, event_time, event_digest, text_content, embedding, semantic_metadata)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for row in &conversation.rows {
        let metadata = Value::Object(row.metadata.clone()).to_string();
        insert.execute(params![
            row.id.to_string(),
            source,
            id,
            row.chunk_index,
            model,
            conversation.content_hash,
            event_time,
            digest,
            row.text,
            encode_vector(&row.embedding),
            metadata,
        ])?;
    }
    Ok(true)
}

/// Encodes a vector as sqlite-vec reads it: little-endian floats, one after the other.
fn encode_vector(vector: &[f32]) -> Vec<u8> {
    vector
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Reads a column of microseconds since the epoch.
fn parse_timestamp(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(row.get(column)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error))
    })
}

/// Reads the hit of a row of the result.
fn parse_hit(row: &SqlRow<'_>) -> rusqlite::Result<SearchHit> {
    let metadata: Map<String, Value> =
        serde_json::from_str(&row.get::<_, String>(3)?).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(3, Type::Text, Box::new(error))
        })?;
    Ok(SearchHit {
        conversation_id: row.get(0)?,
        chunk_index: row.get(1)?,
        text: row.get(2)?,
        score: 1.0 - row.get::<_, f64>(4)?,
        metadata,
    })
}
