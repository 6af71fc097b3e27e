//! Embeds the finished conversations of the contact center, as the deployed feeder and writer do together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use embedding::indexer::{Indexed, Indexer};
use feeder::config::Config;
use feeder::sink::ConversationSink;
use feeder::{Deps, Summary, feed};
use futures::future::BoxFuture;
use indicatif::{ProgressBar, ProgressStyle};
use insights_core::webhook::WebhookEvent;
use insights_http::Deadline;
use insights_http::rate_limit::RateLimiter;
use jiff::Timestamp;

use crate::local_context::{LocalArgs, LocalContext};
use crate::pipeline::Pipeline;
use crate::progress;

/// Deadline of a run; it only ends a run that hangs.
const RUN_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// Conversations in a second that may be embedded: nobody else waits for this machine.
const CONVERSATIONS_PER_SECOND: u32 = 1000;

/// What a run says that has not done everything.
const NOT_ALL: &str =
    "the conversations of the contact center were not all embedded; the same command goes on";

/// How long a run waits for another one: longer than the lease lasts of a run that was killed.
const WAIT_FOR_OTHER_RUN: Duration = Duration::from_secs(75);

/// Pause between two looks at whether the other run has ended.
const WAIT_INTERVAL: Duration = Duration::from_secs(2);

/// The vector store of this machine.
pub(crate) struct IndexerSink {
    indexer: Indexer,
    /// Counts the conversations that were embedded.
    bar: ProgressBar,
}

impl IndexerSink {
    /// Builds a sink that counts nothing.
    pub(crate) fn new(indexer: Indexer) -> Self {
        let bar = ProgressBar::hidden();
        Self { indexer, bar }
    }
}

impl std::fmt::Debug for IndexerSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IndexerSink")
    }
}

impl ConversationSink for IndexerSink {
    fn put<'a>(&'a self, event: &'a str, deadline: Deadline) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            let event = WebhookEvent::parse(event.as_bytes(), Timestamp::now())?;
            let results = self.indexer.index(vec![event], deadline).await;
            for result in results {
                let _: Indexed = result?;
            }
            self.bar.inc(1);
            Ok(())
        })
    }
}

/// Embeds what was finished since the last run, and prints what came of it.
///
/// # Errors
/// If the contact center refuses access or is away, or a store or the provider fails.
pub(super) async fn run(local: &LocalArgs) -> anyhow::Result<()> {
    let context = LocalContext::open(local).await?;
    context.announce_simulated_tenant();
    let indexer = Pipeline::open(&context).await?.indexer()?;
    let config = Config::from_env(&context.env)?;
    let bar = progress::show(progress_bar());
    let sink = Arc::new(IndexerSink {
        indexer,
        bar: bar.clone(),
    });
    let mut deps = Deps::with_sink(&context.backends, config, sink)?;
    deps.pace = RateLimiter::new(CONVERSATIONS_PER_SECOND, CONVERSATIONS_PER_SECOND);
    let started = Instant::now();
    let summary = feed_after_other_run(&deps, &bar).await;
    bar.finish_and_clear();
    let summary = summary.context(NOT_ALL)?;
    eprintln!(
        "{}; this took {:.1} s",
        describe(&summary),
        started.elapsed().as_secs_f64()
    );
    context.shutdown().await;
    if summary.is_complete || summary.is_busy {
        return Ok(());
    }
    let cause = summary.interruption;
    let cause = cause.unwrap_or_else(|| "the time of the run was up".to_owned());
    Err(anyhow!(cause).context(NOT_ALL))
}

/// Returns a bar that counts what is embedded. Nobody knows before the end of the list how many conversations there are.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}: {pos}, {per_sec}, {elapsed}");
    let bar = ProgressBar::new_spinner().with_message("conversations embedded");
    bar.enable_steady_tick(Duration::from_millis(250));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

/// Feeds; where another run holds the lease, as soon as it has ended. A run that was killed a moment ago holds its lease for a
/// minute.
async fn feed_after_other_run(deps: &Deps, bar: &ProgressBar) -> anyhow::Result<Summary> {
    let until = Instant::now() + WAIT_FOR_OTHER_RUN;
    let mut is_announced = false;
    loop {
        let summary = feed(deps, Deadline::within(RUN_TIMEOUT)).await?;
        if !summary.is_busy || Instant::now() >= until {
            return Ok(summary);
        }
        if !is_announced {
            bar.suspend(|| {
                eprintln!(
                    "another run is at work, or was stopped a moment ago; waiting for its end"
                );
            });
            is_announced = true;
        }
        tokio::time::sleep(WAIT_INTERVAL).await;
    }
}

/// Returns what came of a run, in a few words.
pub(crate) fn describe(summary: &Summary) -> String {
    if summary.is_busy {
        return "another run is at work".to_owned();
    }
    let rest = match summary.waiting {
        0 => String::new(),
        waiting => format!("; {waiting} wait for their text until a later run"),
    };
    format!(
        "{} conversations listed, {} embedded, {} removed, {} without a text{rest}",
        summary.listed, summary.delivered, summary.removed, summary.without_text
    )
}
