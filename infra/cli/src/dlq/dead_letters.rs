//! The dead letters of a queue in SQS or in a file, and a pass over them.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use runtime::config::Env;
use store::queue::{HeldLetter, SqliteQueue, SqsDeadLetters};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::home::HomeArgs;

/// How long SQS hides a letter that this command looks at, if it dies before it lets go of it.
const HOLD: Duration = Duration::from_secs(300);
/// Letters that a local look reads at most.
const LOCAL_MAX: usize = 100_000;
/// The file and the name of the local queue.
pub(super) const LOCAL_QUEUE: (&str, &str) = ("queue.sqlite", "embedding");

/// A letter as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) id: String,
    pub(super) reason: String,
    pub(super) sent_at: Option<Timestamp>,
    pub(super) bytes: usize,
}

/// Where the letters are.
pub(super) enum Letters {
    Sqs(SqsDeadLetters),
    File(SqliteQueue),
}

/// What a pass over the letters does with those that match.
pub(super) enum Pass<'a> {
    Look(&'a mut Vec<Letter>),
    SendBack { rate: u32, sent: &'a mut usize },
}

impl Letters {
    pub(super) async fn open(home: &HomeArgs) -> anyhow::Result<Self> {
        if home.aws {
            let env = Env::process();
            let queue = env.required("EMBEDDING_QUEUE_URL", "the URL of the embedding queue")?;
            let dead = env.required("EMBEDDING_DLQ_URL", "the URL of its dead-letter queue")?;
            let config = store::aws::config(env.text("AWS_ENDPOINT_URL")).await;
            return Ok(Self::Sqs(SqsDeadLetters::new(&config, queue, dead)));
        }
        let (file, name) = LOCAL_QUEUE;
        let path = home.data_dir.join(file);
        anyhow::ensure!(
            path.exists(),
            "{} does not exist: nothing has run there yet",
            path.display()
        );
        Ok(Self::File(SqliteQueue::open(&path, name)?))
    }

    /// Goes over the letters once, at most `limit` of those that match.
    pub(super) async fn pass(
        &self,
        reason: Option<&str>,
        limit: usize,
        pass: Pass<'_>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Sqs(letters) => {
                let mut held = Vec::new();
                let result = pass_sqs(letters, reason, limit, pass, &mut held).await;
                // Whatever happened, others may see again what stays.
                for letter in &held {
                    letters.release(letter).await?;
                }
                result
            }
            Self::File(queue) => pass_file(queue, reason, limit, pass).await,
        }
    }
}

async fn pass_sqs(
    letters: &SqsDeadLetters,
    reason: Option<&str>,
    limit: usize,
    mut pass: Pass<'_>,
    held: &mut Vec<HeldLetter>,
) -> anyhow::Result<()> {
    let mut seen = HashSet::new();
    let mut found = 0;
    let mut pace = pace(&pass);
    loop {
        let batch = letters
            .hold(HOLD)
            .await
            .context("the dead letters cannot be read")?;
        // A letter comes twice only if its time ran out: everything has been looked at.
        let fresh: Vec<bool> = batch
            .iter()
            .map(|letter| seen.insert(letter.id.clone()))
            .collect();
        if !fresh.contains(&true) {
            held.extend(batch);
            return Ok(());
        }
        for (letter, fresh) in batch.into_iter().zip(fresh) {
            if !fresh || found == limit || !matches_reason(&letter.reason, reason) {
                held.push(letter);
                continue;
            }
            found += 1;
            match &mut pass {
                Pass::Look(list) => {
                    list.push(shown(&letter));
                    held.push(letter);
                }
                Pass::SendBack { sent, .. } => {
                    if let Some(pace) = &mut pace {
                        pace.tick().await;
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

async fn pass_file(
    queue: &SqliteQueue,
    reason: Option<&str>,
    limit: usize,
    mut pass: Pass<'_>,
) -> anyhow::Result<()> {
    let mut pace = pace(&pass);
    let letters = queue.dead_letters(LOCAL_MAX).await?;
    for letter in letters
        .into_iter()
        .filter(|letter| matches_reason(&letter.reason, reason))
        .take(limit)
    {
        match &mut pass {
            Pass::Look(list) => list.push(Letter {
                bytes: letter.body.len(),
                id: letter.id,
                reason: letter.reason,
                sent_at: None,
            }),
            Pass::SendBack { sent, .. } => {
                if let Some(pace) = &mut pace {
                    pace.tick().await;
                }
                **sent += usize::from(queue.redrive(&letter.id).await?);
            }
        }
    }
    Ok(())
}

/// One tick a letter, the first at once.
fn pace(pass: &Pass<'_>) -> Option<tokio::time::Interval> {
    let Pass::SendBack { rate, .. } = pass else {
        return None;
    };
    let mut pace = interval_at(Instant::now(), Duration::from_secs(1) / (*rate).max(1));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Some(pace)
}

fn shown(letter: &HeldLetter) -> Letter {
    Letter {
        id: letter.id.clone(),
        reason: letter.reason.clone(),
        sent_at: letter.sent_at,
        bytes: letter.body.len(),
    }
}

pub(super) fn matches_reason(reason: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| reason.to_lowercase().contains(&wanted.to_lowercase()))
}
