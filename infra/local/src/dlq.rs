//! `dlq`: conversations that could not be embedded, by reason, and the way back into the queue.
//!
//! Nothing here prints a conversation's text.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use jiff::Timestamp;
use runtime::config::Env;
use serde_json::json;
use store::queue::{HeldLetter, SqliteQueue, SqsDeadLetters};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::home::HomeArgs;

const EXAMPLES: &str = "Examples:
  cxone-insights dlq list                                        what waits, by reason
  cxone-insights dlq list --aws --reason dimension --json        one object a letter
  cxone-insights dlq redrive --aws --reason timeout --dry-run    how many would go
  cxone-insights dlq redrive --aws --rate 20                     all of them, 20 a second at most

With --aws, EMBEDDING_QUEUE_URL and EMBEDDING_DLQ_URL name the queues, as the stack's outputs do.";

/// How long SQS hides a letter that this command looks at, if it dies before it lets go of it.
const HOLD: Duration = Duration::from_secs(300);
/// Letters that a local look reads at most.
const LOCAL_MAX: usize = 100_000;
/// The file and the name of the local queue.
const LOCAL_QUEUE: (&str, &str) = ("queue.sqlite", "embedding");

/// Arguments of `dlq`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what waits, by reason
    List(ListArgs),
    /// Put letters back into the queue
    Redrive(RedriveArgs),
}

#[derive(Debug, Clone, Parser)]
struct Selection {
    #[command(flatten)]
    home: HomeArgs,
    /// Only letters whose reason has this in it; case does not matter
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// At most so many letters
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

#[derive(Debug, Parser)]
struct ListArgs {
    #[command(flatten)]
    selection: Selection,
    /// One JSON object a letter
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Parser)]
struct RedriveArgs {
    #[command(flatten)]
    selection: Selection,
    /// Letters a second, at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// Only say how many would go
    #[arg(long)]
    dry_run: bool,
}

/// Lists or redrives.
///
/// # Errors
/// If the queue is not named, or does not answer.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::List(args) => list(&args).await,
        Command::Redrive(args) => redrive(&args).await,
    }
}

/// A letter as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Letter {
    id: String,
    reason: String,
    sent_at: Option<Timestamp>,
    bytes: usize,
}

/// Where the letters are.
enum Letters {
    Sqs(SqsDeadLetters),
    File(SqliteQueue),
}

/// What a pass over the letters does with those that match.
enum Pass<'a> {
    Look(&'a mut Vec<Letter>),
    SendBack { rate: u32, sent: &'a mut usize },
}

impl Letters {
    async fn open(home: &HomeArgs) -> anyhow::Result<Self> {
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
    async fn pass(&self, reason: Option<&str>, limit: usize, pass: Pass<'_>) -> anyhow::Result<()> {
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

fn matches_reason(reason: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| reason.to_lowercase().contains(&wanted.to_lowercase()))
}

async fn list(args: &ListArgs) -> anyhow::Result<()> {
    let Selection {
        home,
        reason,
        limit,
    } = &args.selection;
    let mut letters = Vec::new();
    let all = Letters::open(home).await?;
    all.pass(reason.as_deref(), *limit as usize, Pass::Look(&mut letters))
        .await?;
    if args.json {
        for Letter {
            id,
            reason,
            sent_at,
            bytes,
        } in &letters
        {
            println!(
                "{}",
                json!({"id": id, "reason": reason, "sent_at": sent_at, "bytes": bytes})
            );
        }
        return Ok(());
    }
    print!("{}", table(&letters));
    if letters.len() == *limit as usize {
        println!("and there may be more: --limit was reached");
    }
    Ok(())
}

/// The letters by reason, the most frequent first.
fn table(letters: &[Letter]) -> String {
    let mut reasons = BTreeMap::<&str, Vec<&Letter>>::new();
    for letter in letters {
        reasons.entry(&letter.reason).or_default().push(letter);
    }
    if reasons.is_empty() {
        return "no dead letters\n".to_owned();
    }
    let mut rows: Vec<_> = reasons.into_iter().collect();
    rows.sort_by_key(|(reason, letters)| (std::cmp::Reverse(letters.len()), *reason));
    let mut text = String::from(
        "LETTERS  OLDEST                NEWEST                REASON (AND ONE LETTER'S ID)\n",
    );
    for (reason, letters) in rows {
        let times = letters.iter().filter_map(|letter| letter.sent_at);
        let time = |at: Option<Timestamp>| {
            at.map_or("-".to_owned(), |at| {
                at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
            })
        };
        let (oldest, newest) = (time(times.clone().min()), time(times.max()));
        let count = letters.len();
        text.push_str(&format!(
            "{count:>7}  {oldest:<20}  {newest:<20}  {reason} ({})\n",
            letters[0].id
        ));
    }
    text
}

async fn redrive(args: &RedriveArgs) -> anyhow::Result<()> {
    let Selection {
        home,
        reason,
        limit,
    } = &args.selection;
    let letters = Letters::open(home).await?;
    if args.dry_run {
        let mut would_go = Vec::new();
        letters
            .pass(
                reason.as_deref(),
                *limit as usize,
                Pass::Look(&mut would_go),
            )
            .await?;
        print!("{}", table(&would_go));
        println!("{} would be sent back; nothing was changed", would_go.len());
        return Ok(());
    }
    let mut sent = 0;
    let pass = Pass::SendBack {
        rate: args.rate,
        sent: &mut sent,
    };
    let result = letters.pass(reason.as_deref(), *limit as usize, pass).await;
    println!("{sent} sent back to the queue");
    result
}

#[cfg(test)]
mod tests;
