//! The dead letters of a queue on SQS or in a file, and what is done with those that a reason selects.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use runtime::config::Env;
use store::queue::{HeldDeadLetter, SqliteQueue, SqsDeadLetters};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::local_context::LocalArgs;

/// How long SQS hides a dead letter that this command has received, if the command dies before releasing the letter.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(300);
/// Largest number of dead letters that are read from a local queue.
const MAX_LOCAL_LETTERS: usize = 100_000;
/// File name and queue name of the local queue.
pub(super) const LOCAL_QUEUE: (&str, &str) = ("queue.sqlite", "embedding");

/// A dead letter without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeadLetter {
    pub(super) id: String,
    pub(super) reason: String,
    pub(super) sent_at: Option<Timestamp>,
    pub(super) bytes: usize,
}

/// The dead letters of the embedding queue.
pub(super) enum DeadLetters {
    Sqs(SqsDeadLetters),
    File(SqliteQueue),
}

/// What happens to the selected dead letters.
pub(super) enum Action<'a> {
    List(&'a mut Vec<DeadLetter>),
    SendBack { rate: u32, sent: &'a mut usize },
}

impl DeadLetters {
    /// Opens the dead letters of the deployed queue, or those of the queue in the data folder.
    ///
    /// # Errors
    /// If a variable is not set, or the data folder has no queue.
    pub(super) async fn open(local: &LocalArgs) -> anyhow::Result<Self> {
        if local.aws {
            let env = Env::process();
            let queue = env.required("EMBEDDING_QUEUE_URL", "the URL of the embedding queue")?;
            let dead = env.required("EMBEDDING_DLQ_URL", "the URL of its dead-letter queue")?;
            let config = store::aws::load_config(env.text("AWS_ENDPOINT_URL")).await;
            return Ok(Self::Sqs(SqsDeadLetters::new(&config, queue, dead)));
        }
        let (file, name) = LOCAL_QUEUE;
        let path = local.data_dir.join(file);
        anyhow::ensure!(
            path.exists(),
            "{} does not exist: no function has used this data folder yet",
            path.display()
        );
        Ok(Self::File(SqliteQueue::open(&path, name)?))
    }

    /// Applies an action to the dead letters whose reason contains `reason`, at most `limit` of them.
    ///
    /// # Errors
    /// If the queue cannot be read, or a dead letter cannot be sent back.
    pub(super) async fn process(
        &self,
        reason: Option<&str>,
        limit: usize,
        action: Action<'_>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Sqs(letters) => {
                let mut held = Vec::new();
                let result = process_sqs(letters, reason, limit, action, &mut held).await;
                // Even after a failure, the letters that stay must become visible to other receivers.
                for letter in &held {
                    letters.release(letter).await?;
                }
                result
            }
            Self::File(queue) => process_file(queue, reason, limit, action).await,
        }
    }
}

async fn process_sqs(
    letters: &SqsDeadLetters,
    reason: Option<&str>,
    limit: usize,
    mut action: Action<'_>,
    held: &mut Vec<HeldDeadLetter>,
) -> anyhow::Result<()> {
    let mut seen = HashSet::new();
    let mut found = 0;
    let mut rate_limit = rate_limit(&action);
    loop {
        let batch = letters
            .hold(VISIBILITY_TIMEOUT)
            .await
            .context("the dead letters cannot be received")?;
        // A letter is received twice only after its visibility timeout: by then, every letter was received once.
        let is_new: Vec<bool> = batch
            .iter()
            .map(|letter| seen.insert(letter.id.clone()))
            .collect();
        if !is_new.contains(&true) {
            held.extend(batch);
            return Ok(());
        }
        for (letter, is_new) in batch.into_iter().zip(is_new) {
            if !is_new || found == limit || !matches_reason(&letter.reason, reason) {
                held.push(letter);
                continue;
            }
            found += 1;
            match &mut action {
                Action::List(list) => {
                    list.push(without_body(&letter));
                    held.push(letter);
                }
                Action::SendBack { sent, .. } => {
                    if let Some(rate_limit) = &mut rate_limit {
                        rate_limit.tick().await;
                    }
                    let id = letter.id.clone();
                    if let Err(error) = letters.send_back(&letter).await {
                        held.push(letter);
                        return Err(error).with_context(|| format!("{id} was not sent back"));
                    }
                    **sent += 1;
                }
            }
        }
        if found == limit {
            return Ok(());
        }
    }
}

async fn process_file(
    queue: &SqliteQueue,
    reason: Option<&str>,
    limit: usize,
    mut action: Action<'_>,
) -> anyhow::Result<()> {
    let mut rate_limit = rate_limit(&action);
    let letters = queue.list_dead_letters(MAX_LOCAL_LETTERS).await?;
    for letter in letters
        .into_iter()
        .filter(|letter| matches_reason(&letter.reason, reason))
        .take(limit)
    {
        match &mut action {
            Action::List(list) => list.push(DeadLetter {
                bytes: letter.body.len(),
                id: letter.id,
                reason: letter.reason,
                sent_at: None,
            }),
            Action::SendBack { sent, .. } => {
                if let Some(rate_limit) = &mut rate_limit {
                    rate_limit.tick().await;
                }
                **sent += usize::from(queue.redrive(&letter.id).await?);
            }
        }
    }
    Ok(())
}

/// Returns an interval with one tick per letter that may be sent back. The first tick is immediate.
fn rate_limit(action: &Action<'_>) -> Option<tokio::time::Interval> {
    let Action::SendBack { rate, .. } = action else {
        return None;
    };
    let mut ticks = interval_at(Instant::now(), Duration::from_secs(1) / (*rate).max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Some(ticks)
}

fn without_body(letter: &HeldDeadLetter) -> DeadLetter {
    DeadLetter {
        id: letter.id.clone(),
        reason: letter.reason.clone(),
        sent_at: letter.sent_at,
        bytes: letter.body.len(),
    }
}

pub(super) fn matches_reason(reason: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| reason.to_lowercase().contains(&wanted.to_lowercase()))
}
