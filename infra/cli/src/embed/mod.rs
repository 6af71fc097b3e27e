//! The subcommand `embed`: embeds a file of webhook payloads, one per line, or the finished conversations of the contact center.
//!
//! Conversations that are stored already are skipped, so that the same command continues where a killed run stopped.

mod from_cxone;
mod lines;
mod rejects;

pub(crate) use from_cxone::{IndexerSink, describe};

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use embedding::indexer::{Indexed, Indexer, NotIndexed};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use indicatif::{ProgressBar, ProgressStyle};
use insights_core::WithCauses;
use insights_core::webhook::WebhookEvent;
use insights_http::Deadline;
use jiff::Timestamp;

use self::lines::{Line, Lines};
use self::rejects::Rejects;
use crate::local_context::{LocalArgs, LocalContext};
use crate::pipeline::Pipeline;
use crate::progress;

const EXAMPLES: &str = "Examples:
  cxone-insights embed conversations.jsonl
  cxone-insights embed conversations.jsonl --rejects bad.jsonl --data-dir ./insights
  cxone-insights embed --from-cxone --profile cxone
  cxone-insights embed --from-cxone --profile cxone --aws     into the database of the secret database_url
Each line is a payload as the webhook sends it:
  {\"event\": \"conversation.completed\", \"timestamp\": \"2026-01-15T10:30:00Z\", \"conversationId\": \"c-1\",
   \"data\": {\"subject\": \"Refund\", \"transcript\": {\"agent\": \"Hello\", \"customer\": \"I want a refund\"}}}
Run the same command again after an interruption: stored conversations are skipped. An edited conversation replaces the
stored one.";

/// Number of conversations of a batch, which costs one read and one write of the database.
const BATCH_SIZE: usize = 32;
/// Number of batches in flight: one is written while the next is embedded.
const MAX_IN_FLIGHT: usize = 2;
/// Longest time that a batch may take.
const BATCH_TIMEOUT: Duration = Duration::from_secs(300);
/// Delays before a batch that failed temporarily is tried again.
const RETRY_DELAYS: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// Arguments of the subcommand `embed`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// File of webhook payloads, one JSON object per line
    #[arg(
        value_name = "FILE.jsonl",
        required_unless_present = "from_cxone",
        conflicts_with = "from_cxone"
    )]
    file: Option<PathBuf>,
    /// Embeds the conversations that the contact center has finished since the last run, in place of a file
    #[arg(long)]
    from_cxone: bool,
    /// File for the lines that cannot be embedded, with their reasons [default: FILE.jsonl.rejects]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    local: LocalArgs,
}

/// Outcome counts of the conversations of a file.
#[derive(Debug, Default)]
struct Totals {
    stored: usize,
    chunks: usize,
    removed: usize,
    unchanged: usize,
    outdated: usize,
}

impl Totals {
    fn count(&mut self, indexed: Indexed) {
        match indexed {
            Indexed::Stored { chunks } => {
                self.stored += 1;
                self.chunks += chunks;
            }
            Indexed::Removed => self.removed += 1,
            Indexed::Unchanged => self.unchanged += 1,
            Indexed::Outdated => self.outdated += 1,
        }
    }

    fn lines(&self) -> usize {
        self.stored + self.removed + self.unchanged + self.outdated
    }
}

/// Embeds the conversations of the file.
///
/// # Errors
/// If the file cannot be read, the store or the provider keeps failing, or not a single line could be embedded.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let Some(file) = args.file else {
        return from_cxone::run(&args.local).await;
    };
    let mut lines = Lines::open(&file)?;
    let rejects = args.rejects.unwrap_or_else(|| {
        let mut name = file.clone().into_os_string();
        name.push(".rejects");
        name.into()
    });
    let context = LocalContext::open(&args.local).await?;
    let indexer = Pipeline::open(&context).await?.indexer()?;
    let bar = progress::show(progress_bar(lines.bytes()));
    let mut rejects = Rejects::new(rejects, bar.clone())?;
    let (mut totals, started) = (Totals::default(), Instant::now());
    let result = embed_lines(&mut lines, &indexer, &mut rejects, &mut totals, &bar).await;
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    let removed = match totals.removed {
        0 => String::new(),
        removed => format!(", {removed} removed"),
    };
    eprintln!(
        "{} conversations in {seconds:.1} s ({:.1}/s): {} stored in {} chunks{removed}, {} unchanged, {} older than stored; {} lines rejected",
        totals.lines(),
        totals.lines() as f64 / seconds.max(1e-3),
        totals.stored,
        totals.chunks,
        totals.unchanged,
        totals.outdated,
        rejects.count(),
    );
    let rejected = rejects.count();
    rejects.finish()?;
    result?;
    context.shutdown().await;
    if totals.lines() == 0 && rejected > 0 {
        bail!("no line could be embedded");
    }
    Ok(())
}

async fn embed_lines(
    lines: &mut Lines,
    indexer: &Indexer,
    rejects: &mut Rejects,
    totals: &mut Totals,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let mut in_flight = FuturesOrdered::new();
    let mut busy_ids: HashSet<String> = HashSet::new();
    loop {
        let batch = next_batch(lines, rejects)?;
        // Two versions of one conversation must be written in the order of their lines.
        let is_repeated = batch
            .events
            .iter()
            .any(|(_, event)| busy_ids.contains(&event.conversation_id));
        while !in_flight.is_empty()
            && (is_repeated || batch.events.is_empty() || in_flight.len() >= MAX_IN_FLIGHT)
        {
            let Some(done) = in_flight.next().await else {
                break;
            };
            for id in count_batch(done, rejects, totals)? {
                busy_ids.remove(&id);
            }
            bar.set_message(format!("{} conversations", totals.lines()));
        }
        bar.set_position(lines.position());
        if batch.events.is_empty() {
            return Ok(());
        }
        busy_ids.extend(
            batch
                .events
                .iter()
                .map(|(_, event)| event.conversation_id.clone()),
        );
        in_flight.push_back(index_batch(indexer.clone(), batch.events));
    }
}

/// Consecutive valid payloads with their line numbers; empty at the end of the file.
struct Batch {
    events: Vec<(u64, WebhookEvent)>,
}

fn next_batch(lines: &mut Lines, rejects: &mut Rejects) -> anyhow::Result<Batch> {
    let mut events = Vec::with_capacity(BATCH_SIZE);
    while events.len() < BATCH_SIZE {
        let Some((number, line)) = lines.next()? else {
            break;
        };
        match line {
            Line::TooLong => rejects.add(number, "the line is longer than a payload may be")?,
            Line::Text(text) => match WebhookEvent::parse(&text, Timestamp::now()) {
                Ok(event) => events.push((number, event)),
                Err(invalid) => rejects.add(number, &invalid.to_string())?,
            },
        }
    }
    Ok(Batch { events })
}

/// The results of a batch: line number, conversation id and outcome.
struct BatchResults {
    results: Vec<(u64, String, Result<Indexed, NotIndexed>)>,
}

/// Indexes a batch. Conversations that fail temporarily are tried again for half a minute.
async fn index_batch(indexer: Indexer, events: Vec<(u64, WebhookEvent)>) -> BatchResults {
    let mut results = Vec::with_capacity(events.len());
    let mut open = events;
    let mut pauses = RETRY_DELAYS.iter();
    while !open.is_empty() {
        let indexed = indexer
            .index(
                open.iter().map(|(_, event)| event.clone()).collect(),
                Deadline::within(BATCH_TIMEOUT),
            )
            .await;
        let mut failed = Vec::new();
        let pause = pauses.next();
        for ((number, event), result) in open.into_iter().zip(indexed) {
            match (result, pause) {
                (Err(NotIndexed::Later { .. }), Some(_)) => failed.push((number, event)),
                (result, _) => results.push((number, event.conversation_id, result)),
            }
        }
        if let (false, Some(pause)) = (failed.is_empty(), pause) {
            tokio::time::sleep(*pause).await;
        }
        open = failed;
    }
    results.sort_by_key(|(number, ..)| *number);
    BatchResults { results }
}

/// Adds the results of a batch to the totals, and returns the ids of its conversations.
fn count_batch(
    done: BatchResults,
    rejects: &mut Rejects,
    totals: &mut Totals,
) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::with_capacity(done.results.len());
    let mut first_failure = None;
    for (number, id, result) in done.results {
        match result {
            Ok(indexed) => totals.count(indexed),
            Err(rejected @ NotIndexed::Rejected { .. }) => {
                rejects.add(number, &WithCauses(&rejected).to_string())?;
            }
            Err(failed @ NotIndexed::Later { .. }) => {
                first_failure = first_failure.or(Some((number, failed)));
            }
        }
        ids.push(id);
    }
    match first_failure {
        None => Ok(ids),
        Some((number, error)) => Err(anyhow::Error::new(error)).with_context(|| {
            format!("stopped at line {number}; run the same command again to continue")
        }),
    }
}

/// Returns a progress bar over the bytes of the file.
fn progress_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {percent:>3}%  {msg}  {binary_bytes_per_sec}  {eta} left",
    );
    let bar =
        ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
