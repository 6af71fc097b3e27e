//! The tasks of an operator that need the database, which nothing outside its network can reach, and the erasure of a conversation
//! by an HTTP request ([`erasure_request`]).
//!
//! An operator or a schedule invokes the function with an event that names a [`Task`]. A task stops before the invocation
//! ends and replies `{"done": false}` with a cursor; the same event with that cursor goes on there. Every task may be
//! repeated: what is done already is done once.
//!
//! | task | reads | writes |
//! |---|---|---|
//! | `migrate` | | the tables of the database |
//! | `backfill` | objects of the bucket | vectors |
//! | `redrive` | dead letters | the embedding queue |
//! | `forget` | everything | erases one conversation from all stores |
//! | `expire` | | deletes the vectors of old conversations and, if asked to, of other models |

pub mod backfill;
pub mod config;
pub mod deps;
pub mod erasure_request;
pub mod redrive;
pub mod task;

use std::time::Duration;

use anyhow::Context;
use insights_http::Deadline;
use jiff::{SignedDuration, Timestamp};
use runtime::lambda::Invocation;
use runtime::metrics;
use store::vectors::VectorStore;

pub use crate::deps::Deps;
use crate::task::{Reply, Task};

/// Time kept back for the batch that is being worked on when a task stops.
const LAST_BATCH_MARGIN: Duration = Duration::from_secs(60);
/// Rows that one call deletes.
const DELETED_ROWS: u32 = 1000;

/// Does one task, or a part of it.
///
/// # Errors
/// If a store fails, or the event asks for something that is not possible. What was done until then stays done.
pub async fn handle(deps: &Deps, task: Task, invocation: Invocation) -> anyhow::Result<Reply> {
    let stop = invocation.stop_before(LAST_BATCH_MARGIN);
    let deadline = invocation.deadline();
    let now = Timestamp::now();
    let reply = match task {
        Task::Migrate => migrate(deps, deadline).await,
        Task::Backfill { prefix, cursor } => {
            backfill::backfill(deps, &prefix, cursor, stop, deadline, now).await
        }
        Task::Redrive { reason, cursor } => {
            redrive::redrive(deps, reason.as_deref(), cursor.unwrap_or(now), stop).await
        }
        Task::Forget { conversation_id } => {
            forget(deps, &conversation_id, now, stop, deadline).await
        }
        Task::Expire { other_models } => expire(deps, other_models, now, stop, deadline).await,
    };
    let reply = reply.inspect_err(|_| metrics::count("admin_failures", 1))?;
    tracing::info!(done = reply.done, counts = ?reply.counts, "the task was worked on");
    Ok(reply)
}

async fn migrate(deps: &Deps, deadline: Deadline) -> anyhow::Result<Reply> {
    let vectors = deps.indexer.store();
    vectors
        .prepare(deadline.instant())
        .await
        .context("the tables were not brought up to date")?;
    let others = vectors.other_models(deadline.instant()).await?;
    let mut reply = Reply {
        done: true,
        ..Reply::default()
    };
    reply.count("rows_of_other_models", others.values().sum());
    Ok(reply)
}

async fn forget(
    deps: &Deps,
    conversation_id: &str,
    now: Timestamp,
    stop: Deadline,
    deadline: Deadline,
) -> anyhow::Result<Reply> {
    let removed = deps
        .eraser
        .erase(conversation_id, now, stop, deadline)
        .await
        .context("the conversation was not forgotten")?;
    let mut reply = Reply {
        done: removed.done,
        ..Reply::default()
    };
    reply.count("deleted", removed.vectors);
    reply.count("state_items", removed.state_items as u64);
    reply.count("objects", removed.objects as u64);
    reply.count("queue_messages", removed.queue_messages as u64);
    Ok(reply)
}

/// Deletes in parts until nothing is left or the time ends.
async fn expire(
    deps: &Deps,
    other_models: bool,
    now: Timestamp,
    stop: Deadline,
    deadline: Deadline,
) -> anyhow::Result<Reply> {
    let vectors = deps.indexer.store();
    let mut reply = Reply::default();
    if deps.retention_days > 0 {
        let age = SignedDuration::from_hours(i64::from(deps.retention_days) * 24);
        let oldest = now.saturating_sub(age).unwrap_or(Timestamp::MIN);
        loop {
            if stop.has_passed() {
                return Ok(reply);
            }
            let deleted = vectors
                .delete_before(oldest, DELETED_ROWS, deadline.instant())
                .await
                .context("old conversations were not deleted")?;
            reply.count("deleted", deleted);
            if deleted == 0 {
                break;
            }
        }
    }
    while other_models && !reply.done {
        if stop.has_passed() {
            return Ok(reply);
        }
        let deleted = vectors
            .delete_other_models(DELETED_ROWS, deadline.instant())
            .await
            .context("the rows of other models were not deleted")?;
        reply.count("deleted_of_other_models", deleted);
        reply.done = deleted == 0;
    }
    reply.done = true;
    Ok(reply)
}
