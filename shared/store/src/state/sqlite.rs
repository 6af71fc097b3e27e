//! State in a SQLite file. Every write is one statement or one transaction, so that it is atomic between threads and
//! between processes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::item::{Expect, Item, Key, Put, epoch_seconds, new_version};
use super::state_store::StateStore;
use crate::Error;
use crate::embedded::{Database, Durability, empty_log};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS state (
        pk TEXT NOT NULL,
        sk TEXT NOT NULL,
        body TEXT NOT NULL,
        version INTEGER NOT NULL,
        expires_at INTEGER,
        PRIMARY KEY (pk, sk)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS state_expiry ON state (expires_at) WHERE expires_at IS NOT NULL;
";

const UPSERT: &str = "
    INSERT INTO state (pk, sk, body, version, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (pk, sk) DO UPDATE
    SET body = excluded.body, version = excluded.version, expires_at = excluded.expires_at";

const UPDATE_VERSION: &str = "
    UPDATE state SET body = ?3, version = ?4, expires_at = ?5
    WHERE pk = ?1 AND sk = ?2 AND version = ?6 AND (expires_at IS NULL OR expires_at > ?7)";

/// Number of writes between two deletions of expired items.
const WRITES_PER_SWEEP: u64 = 1000;
/// How long an item stays on disk after its expiry. As with DynamoDB, nothing depends on this.
const EXPIRED_RETENTION: SignedDuration = SignedDuration::from_hours(1);

/// The state store on one SQLite file, which several processes may open. A commit survives the death of the process; after
/// a loss of power the last commits may be missing.
#[derive(Debug, Clone)]
pub struct SqliteState {
    database: Database,
    writes: Arc<AtomicU64>,
}

impl SqliteState {
    /// Opens the file, and creates it and its folder for this user alone if they do not exist.
    ///
    /// # Errors
    /// [`Error::Missing`] if the file cannot be opened or created, [`Error::Corrupt`] if it is not a SQLite file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let database = Database::open(path.as_ref(), Durability::Process, SCHEMA)?;
        Ok(Self {
            database,
            writes: Arc::default(),
        })
    }

    /// Removes what was deleted from the file's log as well.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the file cannot be written.
    pub async fn overwrite_deleted(&self) -> Result<(), Error> {
        self.database
            .run("overwrite_deleted", |connection| empty_log(connection))
            .await
    }

    /// Runs a write, and deletes expired items before some of the writes.
    async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        now: Timestamp,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let sweep =
            self.writes.fetch_add(1, Ordering::Relaxed) % WRITES_PER_SWEEP == WRITES_PER_SWEEP - 1;
        self.database
            .run(operation, move |connection| {
                if sweep {
                    let before = (now - EXPIRED_RETENTION).as_second();
                    connection.execute("DELETE FROM state WHERE expires_at <= ?1", [before])?;
                }
                work(connection)
            })
            .await
    }
}

impl StateStore for SqliteState {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Item>, Error> {
        key.check()?;
        let key = key.clone();
        self.database
            .run("get", move |connection| {
                connection
                    .prepare_cached(
                        "SELECT pk, sk, body, version, expires_at FROM state
                         WHERE pk = ?1 AND sk = ?2 AND (expires_at IS NULL OR expires_at > ?3)",
                    )?
                    .query_row(
                        params![key.partition, key.sort, now.as_second()],
                        parse_item,
                    )
                    .optional()
            })
            .await
    }

    async fn put(&self, put: Put, expect: Expect, now: Timestamp) -> Result<u64, Error> {
        put.check()?;
        let version = new_version();
        let conflict = put.key.conflict();
        let changed = self
            .write("put", now, move |connection| {
                write_one(connection, &put, version, expect, now)
            })
            .await?;
        if changed == 0 {
            Err(conflict)
        } else {
            Ok(version)
        }
    }

    async fn put_many(&self, puts: Vec<Put>, now: Timestamp) -> Result<(), Error> {
        puts.iter().try_for_each(Put::check)?;
        self.write("put_many", now, move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for put in &puts {
                write_one(&transaction, put, new_version(), Expect::Any, now)?;
            }
            transaction.commit()
        })
        .await
    }

    async fn delete(&self, key: &Key, expect: Expect, now: Timestamp) -> Result<(), Error> {
        key.check()?;
        let Key { partition, sort } = key.clone();
        let held = self
            .write("delete", now, move |connection| {
                let now = now.as_second();
                match expect {
                    Expect::Any => connection
                        .prepare_cached("DELETE FROM state WHERE pk = ?1 AND sk = ?2")?
                        .execute([partition, sort])
                        .map(|_| true),
                    Expect::Version(version) => connection
                        .prepare_cached(
                            "DELETE FROM state WHERE pk = ?1 AND sk = ?2 AND version = ?3
                             AND (expires_at IS NULL OR expires_at > ?4)",
                        )?
                        .execute(params![partition, sort, version.cast_signed(), now])
                        .map(|deleted| deleted == 1),
                    Expect::Absent => connection
                        .prepare_cached(
                            "SELECT 1 FROM state WHERE pk = ?1 AND sk = ?2
                             AND (expires_at IS NULL OR expires_at > ?3)",
                        )?
                        .exists(params![partition, sort, now])
                        .map(|there| !there),
                }
            })
            .await?;
        if held { Ok(()) } else { Err(key.conflict()) }
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        let (partition, prefix) = (partition.to_owned(), prefix.to_owned());
        let after = after.map(str::to_owned);
        self.database
            .run("list", move |connection| {
                // The keys with the prefix follow each other from the prefix on, and the first other key ends them.
                let mut statement = connection.prepare_cached(
                    "SELECT pk, sk, body, version, expires_at FROM state
                     WHERE pk = ?1 AND sk >= ?2 AND (?3 IS NULL OR sk > ?3)
                       AND (expires_at IS NULL OR expires_at > ?4)
                     ORDER BY sk LIMIT ?5",
                )?;
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                let rows = statement.query_map(
                    params![partition, prefix, after, now.as_second(), limit],
                    parse_item,
                )?;
                rows.take_while(|row| {
                    row.as_ref()
                        .map_or(true, |item| item.key.sort.starts_with(&prefix))
                })
                .collect()
            })
            .await
    }
}

/// Writes one item if the expectation holds, and returns the number of rows written.
fn write_one(
    connection: &Connection,
    put: &Put,
    version: u64,
    expect: Expect,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let Key { partition, sort } = &put.key;
    let expires_at = put.expires_at.map(epoch_seconds);
    let (now, version) = (now.as_second(), version.cast_signed());
    match expect {
        Expect::Any => connection
            .prepare_cached(UPSERT)?
            .execute(params![partition, sort, put.body, version, expires_at]),
        Expect::Absent => connection
            .prepare_cached(&format!("{UPSERT} WHERE state.expires_at <= ?6"))?
            .execute(params![partition, sort, put.body, version, expires_at, now]),
        Expect::Version(expected) => connection.prepare_cached(UPDATE_VERSION)?.execute(params![
            partition,
            sort,
            put.body,
            version,
            expires_at,
            expected.cast_signed(),
            now
        ]),
    }
}

/// Reads the item of a row of the table.
fn parse_item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let expires_at = match row.get::<_, Option<i64>>(4)? {
        None => None,
        Some(second) => Some(
            Timestamp::from_second(second)
                .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(4, second))?,
        ),
    };
    Ok(Item {
        key: Key {
            partition: row.get(0)?,
            sort: row.get(1)?,
        },
        body: row.get(2)?,
        version: row.get::<_, i64>(3)?.cast_unsigned(),
        expires_at,
    })
}
