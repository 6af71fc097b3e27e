//! `report`: the analytics report of a time, into a folder, with a progress bar.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use analytics_report::config::Config;
use analytics_report::range::Period;
use analytics_report::report::Written;
use analytics_report::{Deps, Model, Progress, single};
use anyhow::{Context, bail};
use clap::error::ErrorKind;
use cxone::endpoints::System;
use indicatif::{ProgressBar, ProgressStyle};
use insights_http::Deadline;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use store::objects::Objects;

use crate::home::{Home, HomeArgs};

const EXAMPLES: &str = "Examples:
  cxone-insights report                                                   the last seven days, simulated
  cxone-insights report --from 2026-11-02 --to 2026-11-08 --out ./week
  cxone-insights report --from 2026-11-02 --to 2026-11-08 --cxone-url https://platform.example.com --with-model

Writes conversations.csv, conversation_details.csv, summary.json, report.html and plots/. A run that was stopped goes on
where it was when the same command runs again. Exits with 1 if a transcript could not be fetched: the report is
written without it, and the same command again fetches only what is missing.";

/// A run on one's own machine has no deadline of its own; this one only ends a run that hangs.
const LIMIT: Duration = Duration::from_secs(24 * 3600);

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
    /// The first day, in UTC, or a moment such as 2026-11-02T09:00:00Z; without it, a week before --to
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// The last day, included, or a moment, excluded; without it, yesterday
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Where the report is written; without it, `report` in the data folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Let the shipped model score the customer's lines beside VADER
    #[arg(long)]
    with_model: bool,
    /// Black out personal data in the CSV's transcripts
    #[arg(long)]
    redact: bool,
    /// Transcripts asked for a second, at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    requests_per_second: Option<u32>,
    /// Forget what a stopped run has fetched
    #[arg(long)]
    fresh: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Makes the report.
///
/// # Errors
/// If the list cannot be read, the folder cannot be written, or a transcript could not be fetched.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let period = period(&args).unwrap_or_else(|error| {
        let message = format!("{}\n", insights_core::WithCauses(error.as_ref()));
        clap::Error::raw(ErrorKind::ValueValidation, message).exit()
    });
    let home = Home::open(&args.home).await?;
    let mut config = Config::from_env(&home.env)?;
    config.redact |= args.redact;
    config.requests_per_second = args
        .requests_per_second
        .unwrap_or(config.requests_per_second);
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| home.data_dir.join("report"));
    let objects = Objects::folder(&out)?;
    if args.fresh {
        analytics_report::forget(&objects, "").await?;
    }
    let mut deps = Deps::new(home.cxone_client(System::Analytics)?, objects, config);
    if args.with_model {
        deps.model = Some(model(&home).await?);
    }
    let bar = bar();
    let shown = bar.clone();
    deps.progress = Some(Arc::new(move |progress| show(&shown, progress)));
    let written = tokio::select! {
        written = single(&deps, period, "", Deadline::within(LIMIT)) => written,
        _ = tokio::signal::ctrl_c() => {
            bar.abandon();
            eprintln!("stopped; the same command goes on from here");
            std::process::exit(130);
        }
    };
    bar.finish_and_clear();
    tell(&args, &out, &written?)
}

fn period(args: &Args) -> anyhow::Result<Period> {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let to = args
        .to
        .clone()
        .unwrap_or_else(|| today.saturating_sub(1.day()).to_string());
    let from = match &args.from {
        Some(from) => from.clone(),
        None => {
            let last: jiff::civil::Date = to
                .get(..10)
                .unwrap_or(&to)
                .parse()
                .with_context(|| format!("--to is {to:?}"))?;
            last.saturating_sub(6.days()).to_string()
        }
    };
    Period::between(&from, &to)
}

/// The shipped model, or the one of `MODEL_DIR`.
async fn model(home: &Home) -> anyhow::Result<Model> {
    let folder = home.env.folder("MODEL_DIR")?;
    let load = move || match folder {
        Some(folder) => inference::Sentiment::from_dir(&folder),
        None => inference::Sentiment::embedded(),
    };
    let pool = Arc::new(inference::Pool::new(
        tokio::task::spawn_blocking(load).await??,
        None,
    ));
    Ok(Arc::new(move |texts: Vec<String>| {
        let pool = Arc::clone(&pool);
        Box::pin(async move {
            let mut scores = Vec::with_capacity(texts.len());
            for text in texts {
                scores.push(pool.score(text).await?.score);
            }
            Ok(scores)
        })
    }))
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(120));
    bar.set_message("listing conversations");
    bar
}

fn show(bar: &ProgressBar, progress: Progress) {
    const LINE: &str = "{msg} [{bar:32}] {human_pos}/{human_len}, {per_sec}, {eta} left";
    match progress {
        Progress::Listing { conversations } => {
            bar.set_message(format!("listing conversations: {conversations}"))
        }
        Progress::Listed { conversations } => {
            if let Ok(style) = ProgressStyle::with_template(LINE) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_length(conversations as u64);
            bar.set_message("reading transcripts");
            bar.reset_eta();
        }
        Progress::Fetched { done, .. } => bar.set_position(done as u64),
        Progress::Reporting => bar.set_message("working out topics, figures, plots"),
    }
}

/// Says what was written, and fails if something is missing.
fn tell(args: &Args, out: &std::path::Path, written: &Written) -> anyhow::Result<()> {
    let failed = written.failed_transcripts.len();
    if args.json {
        println!("{}", serde_json::to_string(written)?);
    } else {
        let (all, with) = (written.conversations, written.with_transcript);
        println!("{all} conversations, {with} with a transcript, {failed} transcripts failed");
        println!("the report is {}", out.join("report.html").display());
        println!("beside it: conversations.csv, conversation_details.csv, summary.json, plots/");
    }
    if failed > 0 {
        for line in written.failed_transcripts.iter().take(20) {
            eprintln!("failed: {line}");
        }
        bail!(
            "{failed} transcripts could not be fetched; the same command again asks for them alone"
        );
    }
    Ok(())
}
