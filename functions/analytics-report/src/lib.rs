//! The analytics report: sentiment, topics and outcomes of past conversations as CSV, plots, HTML and a summary.
//!
//! [`collect`] is the map step: it lists a part's conversations, fetches their transcripts and keeps what is worked out of
//! each as a checkpoint. [`report`] is the reduce step: it reads parts and writes the report. A single run has one
//! part; a Step Functions map has one a day, and one reducer over all of them. Both make the same report.

pub mod collect;
pub mod config;
mod csv_files;
pub mod event;
mod html;
pub mod part;
mod plots;
pub mod range;
pub mod report;
pub mod start;

use std::num::NonZeroU32;
use std::sync::Arc;

use futures::future::BoxFuture;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use insights_http::Deadline;
use runtime::metrics;
use serde::Serialize;
use store::objects::Objects;

use crate::collect::Tally;
use crate::config::Config;
use crate::event::Task;
use crate::part::Part;
use crate::range::Period;
use crate::report::Written;

/// Scores the customer's lines of a conversation with the local model, each 0..=1 with 0.5 neutral.
pub type Model =
    Arc<dyn Fn(Vec<String>) -> BoxFuture<'static, anyhow::Result<Vec<f64>>> + Send + Sync>;

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A page of the list was read; so many conversations are known.
    Listing {
        /// So many.
        conversations: usize,
    },
    /// The list is complete.
    Listed {
        /// How many conversations it has.
        conversations: usize,
    },
    /// A transcript was fetched, or was there already.
    Fetched {
        /// How many are there.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// All transcripts are there; topics, figures and plots are worked out.
    Reporting,
}

/// What the function works with.
pub struct Deps {
    /// The contact centre.
    pub client: cxone::CxoneClient,
    /// Where parts and reports are kept.
    pub objects: Objects,
    /// The configuration.
    pub config: Config,
    /// The local model beside VADER, where it is wanted.
    pub model: Option<Model>,
    /// Who is told how far the run has come.
    pub progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
    /// Lets so many transcripts through a second.
    pub(crate) limiter: DefaultDirectRateLimiter,
}

impl Deps {
    /// The dependencies of a run without a model that tells nobody.
    #[must_use]
    pub fn new(client: cxone::CxoneClient, objects: Objects, config: Config) -> Self {
        let rate = NonZeroU32::new(config.requests_per_second).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(config.concurrency as u32).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::direct(Quota::per_second(rate).allow_burst(burst.min(rate)));
        let client = client.with_limits(collect::limits());
        Self {
            client,
            objects,
            config,
            model: None,
            progress: None,
            limiter,
        }
    }

    pub(crate) fn tell(&self, progress: Progress) {
        if let Some(tell) = &self.progress {
            tell(progress);
        }
    }
}

/// What a task ended with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "lowercase")]
pub enum Reply {
    /// A day's part is collected.
    Map {
        /// Its conversations.
        conversations: usize,
        /// Those whose transcript could not be fetched.
        failed_transcripts: usize,
    },
    /// A report is written.
    Report(Written),
}

/// Carries out a task: the same for Lambda, tests and the command line.
///
/// # Errors
/// As [`collect::collect`] and [`report::write`].
pub async fn handle(deps: &Deps, task: Task, until: Deadline) -> anyhow::Result<Reply> {
    match task {
        Task::Map { run, day } => {
            let part = day_part(deps, &run, day);
            let tally = collect::collect(deps, &part, Period::day(day)?, until).await?;
            record(tally);
            Ok(Reply::Map {
                conversations: tally.conversations,
                failed_transcripts: tally.failed,
            })
        }
        Task::Reduce { run, period } => {
            let parts: Vec<Part> = period
                .days()
                .into_iter()
                .map(|day| day_part(deps, &run, day))
                .collect();
            report::write(deps, &parts, period, &format!("reports/{run}/"))
                .await
                .map(Reply::Report)
        }
        Task::Report { run, period } => single(deps, period, &format!("reports/{run}/"), until)
            .await
            .map(Reply::Report),
    }
}

/// Makes the whole report of a time below `prefix` (empty, or with a slash at its end). The parts go once the report is
/// complete; while a transcript is missing they stay, so that the next run fetches only what this one could not.
///
/// # Errors
/// As [`collect::collect`] and [`report::write`].
pub async fn single(
    deps: &Deps,
    period: Period,
    prefix: &str,
    until: Deadline,
) -> anyhow::Result<Written> {
    let part = whole_part(&deps.objects, prefix);
    let tally = collect::collect(deps, &part, period, until).await?;
    record(tally);
    let written = report::write(deps, std::slice::from_ref(&part), period, prefix).await?;
    if tally.failed == 0 {
        part.remove().await?;
    }
    Ok(written)
}

/// Forgets what an earlier run below `prefix` has fetched.
///
/// # Errors
/// If the store fails.
pub async fn forget(objects: &Objects, prefix: &str) -> anyhow::Result<()> {
    whole_part(objects, prefix).remove().await
}

fn whole_part(objects: &Objects, prefix: &str) -> Part {
    Part::new(objects.clone(), format!("{prefix}parts/all/"))
}

fn day_part(deps: &Deps, run: &str, day: jiff::civil::Date) -> Part {
    Part::new(deps.objects.clone(), format!("reports/{run}/parts/{day}/"))
}

fn record(tally: Tally) {
    metrics::count("report_conversations", tally.conversations as u64);
    metrics::count("report_transcripts_failed", tally.failed as u64);
}
