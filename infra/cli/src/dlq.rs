//! `dlq`: conversations that could not be embedded, by reason, and the way back into the queue.
//!
//! Nothing here prints a conversation's text.

mod letters;

use std::collections::BTreeMap;

use clap::{Parser, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use self::letters::{Letter, Letters, Pass};
use crate::home::HomeArgs;

const EXAMPLES: &str = "Examples:
  cxone-insights dlq list                                        what waits, by reason
  cxone-insights dlq list --aws --reason dimension --json        one object a letter
  cxone-insights dlq redrive --aws --reason timeout --dry-run    how many would go
  cxone-insights dlq redrive --aws --rate 20                     all of them, 20 a second at most

With --aws, EMBEDDING_QUEUE_URL and EMBEDDING_DLQ_URL name the queues, as the stack's outputs do.";

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
