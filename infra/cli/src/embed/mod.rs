//! `embed`: a file of webhook payloads, one a line, to vectors.
//!
//! What is stored already is skipped, so that the same command goes on where a killed one stopped.

mod lines;
mod rejects;

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

use self::lines::{Line, Lines};
use self::rejects::Rejects;
use crate::home::{Home, HomeArgs};
use crate::pipeline::Pipeline;

const EXAMPLES: &str = "Examples:
  cxone-insights embed conversations.jsonl
  cxone-insights embed conversations.jsonl --rejects bad.jsonl --data-dir ./insights
Each line is what the webhook would send:
  {\"event\": \"conversation.completed\", \"timestamp\": \"2026-01-15T10:30:00Z\", \"conversationId\": \"c-1\",
   \"data\": {\"subject\": \"Refund\", \"transcript\": {\"agent\": \"Hello\", \"customer\": \"I want a refund\"}}}
Run it again after an interruption: what is stored is skipped. An edited conversation replaces the old one.";

/// Conversations of a batch: one read and one write of the database.
const BATCH: usize = 32;
/// Batches at once: one is written while the next is embedded.
const AHEAD: usize = 2;
/// How long a batch may take.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Waits before a batch that failed for now is tried again.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// Arguments of `embed`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Webhook payloads, one JSON object a line
    #[arg(value_name = "FILE.jsonl")]
    file: PathBuf,
    /// Where lines that cannot be embedded are listed, with their reasons [default: FILE.jsonl.rejects]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    home: HomeArgs,
}

/// What became of the lines.
#[derive(Debug, Default)]
struct Totals {
    stored: usize,
    chunks: usize,
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
            Indexed::Unchanged => self.unchanged += 1,
            Indexed::Outdated => self.outdated += 1,
        }
    }

    fn lines(&self) -> usize {
        self.stored + self.unchanged + self.outdated
    }
}

/// Embeds the file.
///
/// # Errors
/// If the file cannot be read, the store or the provider fails for longer than a minute, or no line at all was good.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut lines = Lines::open(&args.file)?;
    let rejects = args.rejects.unwrap_or_else(|| {
        let mut name = args.file.clone().into_os_string();
        name.push(".rejects");
        name.into()
    });
    let home = Home::open(&args.home).await?;
    let indexer = Pipeline::open(&home).await?.indexer()?;
    let bar = bar(lines.bytes());
    let mut rejects = Rejects::new(rejects, bar.clone())?;
    let (mut totals, started) = (Totals::default(), Instant::now());
    let finished = embed(&mut lines, &indexer, &mut rejects, &mut totals, &bar).await;
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    eprintln!(
        "{} conversations in {seconds:.1} s ({:.1}/s): {} stored in {} chunks, {} unchanged, {} older than stored; {} lines rejected",
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
    finished?;
    if let Some(simulator) = home.simulator {
        simulator.shutdown().await;
    }
    if totals.lines() == 0 && rejected > 0 {
        bail!("no line could be embedded");
    }
    Ok(())
}

async fn embed(
    lines: &mut Lines,
    indexer: &Indexer,
    rejects: &mut Rejects,
    totals: &mut Totals,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let mut underway = FuturesOrdered::new();
    let mut busy: HashSet<String> = HashSet::new();
    loop {
        let batch = next_batch(lines, rejects)?;
        // Two versions of one conversation are written in the order of their lines.
        let again = batch
            .events
            .iter()
            .any(|(_, event)| busy.contains(&event.conversation_id));
        while !underway.is_empty() && (again || batch.events.is_empty() || underway.len() >= AHEAD)
        {
            let Some(done) = underway.next().await else {
                break;
            };
            for id in settle(done, rejects, totals)? {
                busy.remove(&id);
            }
            bar.set_message(format!("{} conversations", totals.lines()));
        }
        bar.set_position(lines.position());
        if batch.events.is_empty() {
            return Ok(());
        }
        busy.extend(
            batch
                .events
                .iter()
                .map(|(_, event)| event.conversation_id.clone()),
        );
        underway.push_back(index(indexer.clone(), batch.events));
    }
}

/// Consecutive good lines, numbered from 1; none at the end of the file.
struct Batch {
    events: Vec<(u64, WebhookEvent)>,
}

fn next_batch(lines: &mut Lines, rejects: &mut Rejects) -> anyhow::Result<Batch> {
    let mut events = Vec::with_capacity(BATCH);
    while events.len() < BATCH {
        let Some((number, line)) = lines.next()? else {
            break;
        };
        match line {
            Line::TooLong => rejects.add(number, "the line is longer than a payload may be")?,
            Line::Text(text) => match WebhookEvent::parse(&text) {
                Ok(event) => events.push((number, event)),
                Err(invalid) => rejects.add(number, &invalid.to_string())?,
            },
        }
    }
    Ok(Batch { events })
}

/// A batch's results, by line.
struct Done {
    results: Vec<(u64, String, Result<Indexed, NotIndexed>)>,
}

/// Indexes a batch; what fails for now is tried again for half a minute.
async fn index(indexer: Indexer, events: Vec<(u64, WebhookEvent)>) -> Done {
    let mut results = Vec::with_capacity(events.len());
    let mut open = events;
    let mut pauses = PAUSES.iter();
    while !open.is_empty() {
        let indexed = indexer
            .index(
                open.iter().map(|(_, event)| event.clone()).collect(),
                Deadline::within(TIMEOUT),
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
    Done { results }
}

/// Counts a batch; gives the ids that are no longer underway.
fn settle(done: Done, rejects: &mut Rejects, totals: &mut Totals) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::with_capacity(done.results.len());
    let mut broken = None;
    for (number, id, result) in done.results {
        match result {
            Ok(indexed) => totals.count(indexed),
            Err(rejected @ NotIndexed::Rejected { .. }) => {
                rejects.add(number, &WithCauses(&rejected).to_string())?;
            }
            Err(failed @ NotIndexed::Later { .. }) => broken = broken.or(Some((number, failed))),
        }
        ids.push(id);
    }
    match broken {
        None => Ok(ids),
        Some((number, error)) => Err(anyhow::Error::new(error)).with_context(|| {
            format!("stopped at line {number}; run the same command again to go on")
        }),
    }
}

/// A progress bar over the file's bytes on standard error; hidden where that is no terminal.
fn bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {percent:>3}%  {msg}  {binary_bytes_per_sec}  {eta} left",
    );
    let bar =
        ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
