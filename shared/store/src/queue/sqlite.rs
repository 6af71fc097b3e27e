//! The queue in a SQLite file: durable, shared by the processes that open the file, with the rules of SQS.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use super::message::{Message, Queue, RECEIVE_MAX, check_body, stored_reason};
use crate::Error;
use crate::embedded::{Database, Durability, empty_log};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS queue (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        id TEXT NOT NULL UNIQUE,
        body TEXT NOT NULL,
        receipt TEXT UNIQUE,
        visible_at INTEGER NOT NULL,
        deliveries INTEGER NOT NULL DEFAULT 0,
        dead_reason TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS queue_order ON queue (queue, position) WHERE dead_reason IS NULL;
";

/// Pause between two looks of a waiting receiver for messages of other processes; its own process wakes it at once.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Most deliveries of a message before it becomes a dead letter, as the template sets them for SQS.
const DELIVERIES_MAX: u32 = 960;

/// A named queue in a SQLite file. A message that was delivered as often as the template allows, and
/// not deleted, becomes a dead letter.
#[derive(Debug, Clone)]
pub struct SqliteQueue {
    database: Database,
    name: String,
    sent: Arc<Notify>,
}

/// A message that could not be processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The id of the message.
    pub id: String,
    /// The text that was sent.
    pub body: String,
    /// How often the message was delivered.
    pub deliveries: u32,
    /// Why the message was not processed.
    pub reason: String,
}

impl SqliteQueue {
    /// Opens the file, and creates it for this user alone if it does not exist. The file of the state store may be shared.
    ///
    /// # Errors
    /// As [`crate::state::SqliteState::open`].
    pub fn open(path: impl AsRef<Path>, name: impl Into<String>) -> Result<Self, Error> {
        let database = Database::open(path.as_ref(), Durability::Power, SCHEMA)?;
        Ok(Self {
            database,
            name: name.into(),
            sent: Arc::default(),
        })
    }

    /// Lists dead letters, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the file cannot be read.
    pub async fn list_dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, Error> {
        let name = self.name.clone();
        self.database
            .run("dead_letters", move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT id, body, deliveries, dead_reason FROM queue
                     WHERE queue = ?1 AND dead_reason IS NOT NULL ORDER BY position LIMIT ?2",
                )?;
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                let letters = statement.query_map(params![name, limit], |row| {
                    Ok(DeadLetter {
                        id: row.get(0)?,
                        body: row.get(1)?,
                        deliveries: row.get(2)?,
                        reason: row.get(3)?,
                    })
                })?;
                letters.collect()
            })
            .await
    }

    /// Puts a dead letter back in the queue as if it had never been delivered; returns whether there was one of this id.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the file cannot be written.
    pub async fn redrive(&self, id: &str) -> Result<bool, Error> {
        let (name, id) = (self.name.clone(), id.to_owned());
        let redriven = self
            .database
            .run("redrive", move |connection| {
                connection
                    .prepare_cached(
                        "UPDATE queue SET dead_reason = NULL, deliveries = 0, visible_at = 0, receipt = NULL
                         WHERE queue = ?1 AND id = ?2 AND dead_reason IS NOT NULL",
                    )?
                    .execute([name, id])
            })
            .await?;
        self.sent.notify_waiters();
        Ok(redriven == 1)
    }

    /// Deletes the messages and dead letters whose body is wanted, and returns how many there were.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the file cannot be read or written.
    pub async fn delete_where(
        &self,
        is_wanted: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<usize, Error> {
        let name = self.name.clone();
        self.database
            .run("delete_where", move |connection| {
                let transaction = connection.transaction()?;
                let wanted: Vec<String> = transaction
                    .prepare_cached("SELECT id, body FROM queue WHERE queue = ?1")?
                    .query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .filter_map(|row: rusqlite::Result<(String, String)>| match row {
                        Ok((id, body)) => is_wanted(&body).then_some(Ok(id)),
                        Err(error) => Some(Err(error)),
                    })
                    .collect::<rusqlite::Result<_>>()?;
                for id in &wanted {
                    transaction
                        .prepare_cached("DELETE FROM queue WHERE queue = ?1 AND id = ?2")?
                        .execute([&name, id])?;
                }
                transaction.commit()?;
                empty_log(connection)?;
                Ok(wanted.len())
            })
            .await
    }

    async fn take_visible(
        &self,
        limit: usize,
        visible_after: Duration,
    ) -> Result<Vec<Message>, Error> {
        let name = self.name.clone();
        self.database
            .run("receive", move |connection| {
                take_visible(connection, &name, limit, visible_after, Timestamp::now())
            })
            .await
    }
}

impl Queue for SqliteQueue {
    async fn send(&self, body: &str) -> Result<String, Error> {
        check_body(body)?;
        let id = Uuid::new_v4().to_string();
        let row = (self.name.clone(), id.clone(), body.to_owned());
        self.database
            .run("send", move |connection| {
                connection
                    .prepare_cached(
                        "INSERT INTO queue (queue, id, body, visible_at) VALUES (?1, ?2, ?3, 0)",
                    )?
                    .execute(row)
            })
            .await?;
        self.sent.notify_waiters();
        Ok(id)
    }

    async fn receive(
        &self,
        limit: usize,
        wait: Duration,
        visible_after: Duration,
    ) -> Result<Vec<Message>, Error> {
        let end = Instant::now() + wait;
        loop {
            // Registered before the look, so that a message that is sent after the look wakes this receiver.
            let mut sent = std::pin::pin!(self.sent.notified());
            sent.as_mut().enable();
            let messages = self
                .take_visible(limit.clamp(1, RECEIVE_MAX), visible_after)
                .await?;
            if !messages.is_empty() || Instant::now() >= end {
                return Ok(messages);
            }
            let look_again = (Instant::now() + POLL_INTERVAL).min(end);
            // Woken or not, it is time to look again.
            let _woken = tokio::time::timeout_at(look_again, sent).await;
        }
    }

    async fn delete(&self, receipt: &str) -> Result<(), Error> {
        let receipt = receipt.to_owned();
        self.database
            .run("delete", move |connection| {
                connection
                    .prepare_cached("DELETE FROM queue WHERE receipt = ?1")?
                    .execute([receipt])
            })
            .await?;
        Ok(())
    }

    async fn give_back(&self, messages: &[(&Message, Duration)]) -> Result<(), Error> {
        let now = Timestamp::now();
        let times: Vec<(String, i64)> = messages
            .iter()
            .map(|(message, hidden)| (message.receipt.clone(), visible_at_ms(now, *hidden)))
            .collect();
        self.database
            .run("give_back", move |connection| {
                let transaction = connection.transaction()?;
                for (receipt, visible_at) in &times {
                    transaction
                        .prepare_cached(
                            "UPDATE queue SET visible_at = ?2 WHERE receipt = ?1 AND dead_reason IS NULL",
                        )?
                        .execute(params![receipt, visible_at])?;
                }
                transaction.commit()
            })
            .await
    }

    async fn dead_letter(&self, message: &Message, reason: &str) -> Result<(), Error> {
        let (id, reason) = (message.id.clone(), stored_reason(reason).to_owned());
        self.database
            .run("dead_letter", move |connection| {
                connection
                    .prepare_cached(
                        "UPDATE queue SET dead_reason = ?2, receipt = NULL WHERE id = ?1",
                    )?
                    .execute([id, reason])
            })
            .await?;
        Ok(())
    }
}

/// Returns the moment, in milliseconds of the epoch, until which a message is hidden.
fn visible_at_ms(now: Timestamp, hidden: Duration) -> i64 {
    let hidden = SignedDuration::try_from(hidden).unwrap_or(SignedDuration::MAX);
    now.saturating_add(hidden)
        .map_or(i64::MAX, Timestamp::as_millisecond)
}

/// Takes visible messages in the order in which they were sent; those that were delivered too often become dead letters.
fn take_visible(
    connection: &mut Connection,
    name: &str,
    limit: usize,
    visible_after: Duration,
    now: Timestamp,
) -> rusqlite::Result<Vec<Message>> {
    let now_ms = now.as_millisecond();
    // Looking takes no lock, so that polling an empty queue does not write.
    let waiting = connection
        .prepare_cached(
            "SELECT 1 FROM queue WHERE queue = ?1 AND dead_reason IS NULL AND visible_at <= ?2",
        )?
        .exists(params![name, now_ms])?;
    if !waiting {
        return Ok(Vec::new());
    }
    let visible_at = visible_at_ms(now, visible_after);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction
        .prepare_cached(
            "UPDATE queue SET receipt = NULL, dead_reason = 'delivered ' || deliveries || ' times without success'
             WHERE queue = ?1 AND dead_reason IS NULL AND visible_at <= ?2 AND deliveries >= ?3",
        )?
        .execute(params![name, now_ms, DELIVERIES_MAX])?;
    let mut messages: Vec<Message> = transaction
        .prepare_cached(
            "SELECT id, body, deliveries FROM queue
             WHERE queue = ?1 AND dead_reason IS NULL AND visible_at <= ?2 ORDER BY position LIMIT ?3",
        )?
        .query_map(params![name, now_ms, limit as i64], |row| {
            let receipt = Uuid::new_v4().to_string();
            Ok(Message { id: row.get(0)?, receipt, body: row.get(1)?, deliveries: row.get(2)? })
        })?
        .collect::<Result<_, _>>()?;
    for message in &mut messages {
        message.deliveries += 1;
        transaction
            .prepare_cached(
                "UPDATE queue SET receipt = ?2, deliveries = ?3, visible_at = ?4 WHERE id = ?1",
            )?
            .execute(params![
                message.id,
                message.receipt,
                message.deliveries,
                visible_at
            ])?;
    }
    transaction.commit()?;
    Ok(messages)
}
