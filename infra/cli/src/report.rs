//! The subcommand `report`: writes the analytics report of a period into a folder and shows the progress.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use analytics_report::config::Config;
use analytics_report::deps::LeaseTimes;
use analytics_report::lease;
use analytics_report::range::Period;
use analytics_report::report::WrittenReport;
use analytics_report::{Deps, LineScore, ModelScorer, Progress, create_report};
use anyhow::{Context, bail};
use clap::error::ErrorKind;
use indicatif::{ProgressBar, ProgressStyle};
use insights_core::signals::Signal;
use insights_http::Deadline;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use runtime::Observer;
use runtime::redaction::RedactionSettings;
use store::objects::Objects;

use crate::local_context::{LocalArgs, LocalContext};
use crate::progress;
use crate::rules::{SimilarityModel, rules_or_configured};

const EXAMPLES: &str = "Examples:
  cxone-insights report                                                   reports on the last seven days of the simulator
  cxone-insights report --from 2026-11-02 --to 2026-11-08 --out ./week
  cxone-insights report --from 2026-11-02 --to 2026-11-08 --cxone-url https://platform.example.com --with-model

Writes conversations.csv, conversation_details.csv, summary.json, report.html and plots/. The same command continues a
run that was stopped. The exit code is 1 if a transcript could not be fetched: the report is written without that
transcript, and the same command fetches only what is missing.";

/// Deadline of a local run. No local run needs a deadline; this one only ends a run that hangs.
const RUN_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// How long a run holds the lease of its folder and waits for another run. A run that was killed holds it that long; the state
/// store is a file here, so that renewals seldom fail.
const LEASE_TIMES: LeaseTimes = LeaseTimes {
    duration: Duration::from_secs(10),
    wait: Duration::from_secs(12),
};

/// How long a contact center that is out of reach is waited for, unless `REPORT_OUTAGE_WAIT_SECONDS` is set: a person is watching.
const OUTAGE_WAIT: Duration = Duration::from_secs(30);

/// Arguments of the subcommand `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    local: LocalArgs,
    /// First day in UTC, or a time such as 2026-11-02T09:00:00Z (UTC without a zone); the default is six days before --to
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Last day, which is included, or a time, which is excluded; the default is yesterday
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Folder for the report; the default is `report` in the data folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Scores the customer's lines with the shipped model in addition to VADER
    #[arg(long)]
    with_model: bool,
    /// Masks personal data in the transcripts even where the settings do not ask for it
    #[arg(long)]
    redact: bool,
    /// Largest number of transcript requests per second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    requests_per_second: Option<u32>,
    /// Discards what a stopped run has fetched
    #[arg(long)]
    fresh: bool,
    /// Prints the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Writes the report.
///
/// # Errors
/// If the conversations cannot be listed, the folder cannot be written, or a transcript could not be fetched.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let period = parse_period(&args).unwrap_or_else(|error| {
        let message = format!("{}\n", insights_core::WithCauses(error.as_ref()));
        clap::Error::raw(ErrorKind::ValueValidation, message).exit()
    });
    let context = LocalContext::open(&args.local).await?;
    context.announce_simulated_tenant();
    let mut config = Config::from_env(&context.env)?;
    if args.redact && config.redaction.is_none() {
        config.redaction = Some(RedactionSettings::from_env(&context.env)?.policy());
    }
    if context.env.text("REPORT_OUTAGE_WAIT_SECONDS").is_none() {
        config.outage_wait = OUTAGE_WAIT;
    }
    config.requests_per_second = args
        .requests_per_second
        .unwrap_or(config.requests_per_second);
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| context.data_dir.join("report"));
    let objects = Objects::open_folder(&out)?;
    let backends = context.backends.clone().with_objects(objects.clone());
    let mut deps = Deps::new(&backends, config)?;
    deps.lease_times = LEASE_TIMES;
    let deps = match args.with_model {
        true => deps.with_scorer(load_model(&context).await?),
        false => deps,
    };
    // A rule file that is refused is reported by the run itself, which goes on with the last good one.
    let deps = match rules_or_configured(None, Some(&context)).await {
        Ok(file) => match SimilarityModel::load_for(&[&file]).await? {
            Some(model) => deps.with_similarity(model.for_report()),
            None => deps,
        },
        Err(_) => deps,
    };
    let bar = progress::show(progress_bar());
    let shown = bar.clone();
    let deps = deps.with_progress(Observer::new(move |step| show_progress(&shown, step)));
    let deadline = Deadline::within(RUN_TIMEOUT);
    let guard = lease::acquire(&deps, lease::folder_key(&out)?, deadline).await?;
    let guard =
        guard.with_context(|| format!("another run writes into {} already", out.display()))?;
    let work = async {
        if args.fresh {
            analytics_report::delete_checkpoints(&objects, "").await?;
        }
        create_report(&deps, period, "", deadline).await
    };
    let written = tokio::select! {
        written = guard.run(work) => Some(written),
        _ = tokio::signal::ctrl_c() => None,
    };
    // Given back before the process ends, so that the next run need not wait for the lease to end by itself.
    if let Err(error) = guard.release().await {
        tracing::warn!(
            cause = %insights_core::WithCauses(&error),
            "the lease of the report was not given back and ends by itself"
        );
    }
    let Some(written) = written else {
        bar.abandon();
        eprintln!("stopped; the same command continues from here");
        std::process::exit(130);
    };
    bar.finish_and_clear();
    print_result(&args, &out, &written??)
}

fn parse_period(args: &Args) -> anyhow::Result<Period> {
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

/// Loads the shipped sentiment model, or the model of the folder `MODEL_DIR`.
async fn load_model(context: &LocalContext) -> anyhow::Result<ModelScorer> {
    let folder = context.env.folder("MODEL_DIR")?;
    let load = move || match folder {
        Some(folder) => inference::SentimentModel::from_dir(&folder),
        None => inference::SentimentModel::embedded(),
    };
    let pool = Arc::new(inference::WorkerPool::new(
        tokio::task::spawn_blocking(load).await??,
        None,
    ));
    Ok(Arc::new(move |texts: Vec<String>| {
        let pool = Arc::clone(&pool);
        Box::pin(async move {
            let mut scores = Vec::with_capacity(texts.len());
            for text in texts {
                let analysis = pool.score(text).await?;
                let signals = analysis.signals.iter();
                scores.push(LineScore {
                    score: analysis.unscored.is_none().then_some(analysis.score),
                    signals: signals
                        .filter_map(|(name, _)| Signal::named(name))
                        .collect(),
                });
            }
            Ok(scores)
        })
    }))
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(120));
    bar.set_message("listing conversations");
    bar
}

fn show_progress(bar: &ProgressBar, progress: Progress) {
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
        Progress::Waiting => bar.set_message("waiting for the contact center"),
        Progress::Reporting => bar.set_message("computing topics, figures and plots"),
        Progress::Writing => bar.set_message("writing the files"),
    }
}

/// Prints what was written, and fails if a transcript is missing.
fn print_result(args: &Args, out: &std::path::Path, written: &WrittenReport) -> anyhow::Result<()> {
    let failed = written.failed_transcripts.len();
    if args.json {
        println!("{}", serde_json::to_string(written)?);
    } else {
        let (all, with) = (written.conversations, written.with_transcript);
        println!("{all} conversations, {with} with a transcript, {failed} transcripts failed");
        println!("the report is {}", out.join("report.html").display());
        println!(
            "the same folder has conversations.csv, conversation_details.csv, summary.json, plots/"
        );
    }
    if failed > 0 {
        for line in written.failed_transcripts.iter().take(20) {
            eprintln!("failed: {line}");
        }
        bail!(
            "{failed} transcripts could not be fetched; run the same command again to fetch only these"
        );
    }
    Ok(())
}
