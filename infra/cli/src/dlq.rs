//! The subcommand `dlq`: lists the conversations that could not be embedded, by reason, and sends them back to the queue.
//!
//! The text of a conversation is never printed.

mod dead_letters;

use std::collections::BTreeMap;

use clap::{Parser, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use self::dead_letters::{Action, DeadLetter, DeadLetters};
use crate::local_context::LocalArgs;

const EXAMPLES: &str = "Examples:
  cxone-insights dlq list                                        counts dead letters by reason
  cxone-insights dlq list --aws --reason dimension --json        prints one object per dead letter
  cxone-insights dlq redrive --aws --reason timeout --dry-run    counts the dead letters that would be sent back
  cxone-insights dlq redrive --aws --rate 20                     sends all back, at most 20 per second

With --aws, the variables EMBEDDING_QUEUE_URL and EMBEDDING_DLQ_URL name the queues; both are outputs of the stack.";

/// Arguments of the subcommand `dlq`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Counts the dead letters by reason
    List(ListArgs),
    /// Sends dead letters back to the queue
    Redrive(RedriveArgs),
}

#[derive(Debug, Clone, Parser)]
struct Selection {
    #[command(flatten)]
    local: LocalArgs,
    /// Selects the dead letters whose reason contains this text, ignoring case
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Largest number of dead letters
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

#[derive(Debug, Parser)]
struct ListArgs {
    #[command(flatten)]
    selection: Selection,
    /// Prints one JSON object per dead letter
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Parser)]
struct RedriveArgs {
    #[command(flatten)]
    selection: Selection,
    /// Largest number of dead letters per second
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// Only counts the dead letters that would be sent back
    #[arg(long)]
    dry_run: bool,
}

/// Lists the dead letters, or sends them back.
///
/// # Errors
/// If the variables of the queues are not set, or a queue does not answer.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::List(args) => list(&args).await,
        Command::Redrive(args) => redrive(&args).await,
    }
}

async fn list(args: &ListArgs) -> anyhow::Result<()> {
    let Selection {
        local,
        reason,
        limit,
    } = &args.selection;
    let mut letters = Vec::new();
    DeadLetters::open(local)
        .await?
        .process(
            reason.as_deref(),
            *limit as usize,
            Action::List(&mut letters),
        )
        .await?;
    if args.json {
        for DeadLetter {
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
        println!("there may be more dead letters, since --limit was reached");
    }
    Ok(())
}

/// Returns a table of the dead letters by reason, the most frequent reason first.
fn table(letters: &[DeadLetter]) -> String {
    let mut reasons = BTreeMap::<&str, Vec<&DeadLetter>>::new();
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
        local,
        reason,
        limit,
    } = &args.selection;
    let letters = DeadLetters::open(local).await?;
    if args.dry_run {
        let mut selected = Vec::new();
        letters
            .process(
                reason.as_deref(),
                *limit as usize,
                Action::List(&mut selected),
            )
            .await?;
        print!("{}", table(&selected));
        println!("{} would be sent back; nothing was changed", selected.len());
        return Ok(());
    }
    let mut sent = 0;
    let action = Action::SendBack {
        rate: args.rate,
        sent: &mut sent,
    };
    let result = letters
        .process(reason.as_deref(), *limit as usize, action)
        .await;
    println!("{sent} sent back to the queue");
    result
}

#[cfg(test)]
mod tests;
