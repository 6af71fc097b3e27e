//! The subcommand `eval`: measures accuracy and speed of the models on labeled files of the user.

mod contact_center;
mod corpus;
mod figures;
mod intent;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use inference::SentimentModel;
use serde_json::{Value, json};

use self::corpus::LabeledText;
use self::figures::{Classes, Tags};
use crate::progress;

const EXAMPLES: &str = "Examples:
  cxone-insights eval --task sentiment --data ./tweeteval    test_text.txt and test_labels.txt (0, 1, 2)
  cxone-insights eval --task emotion --data ./goemotions     test.tsv and emotions.txt
  cxone-insights eval --task intent --data ./banking77       train.csv and test.csv (text,category)
  cxone-insights eval --task contact-center --data own.tsv   label, tab, text; a label is negative, neutral or positive

DIR may also hold several corpora in folders of these names; each corpus that fits the task is measured.";

/// Arguments of the subcommand `eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Task to measure
    #[arg(long, value_enum)]
    task: Task,
    /// Folder with the labeled files; for contact-center the file itself
    #[arg(long, value_name = "DIR|FILE")]
    data: PathBuf,
    /// Score below which an utterance raises the alert (contact-center)
    #[arg(
        long,
        env = "ALERT_THRESHOLD",
        value_name = "SCORE",
        default_value_t = 0.30
    )]
    alert_threshold: f64,
    /// Folder of another model than the shipped one
    #[arg(long, env = "MODEL_DIR", value_name = "DIR")]
    model_dir: Option<PathBuf>,
    /// Largest number of texts of each corpus
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Prints one JSON object per corpus
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Task {
    /// Classifies texts as negative, neutral or positive; reports accuracy and macro recall
    Sentiment,
    /// Tags texts with emotions; reports macro and micro F1
    Emotion,
    /// Finds categories by the nearest embedded text; reports accuracy
    Intent,
    /// Classifies a team's own labeled utterances; reports accuracy, recall of each class, precision and recall of alerts, and calibration
    ContactCenter,
}

/// Measures every corpus that fits the task.
///
/// # Errors
/// If no corpus is found, a file is malformed, or the model does not load.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    tokio::task::spawn_blocking(move || measure(&args)).await?
}

fn measure(args: &Args) -> anyhow::Result<()> {
    if args.task == Task::Intent {
        let measured = intent::measure(&args.data, args.model_dir.as_deref(), args.limit)?;
        let each_ms = measured.took.as_secs_f64() * 1e3 / measured.embedded.max(1) as f64;
        print_figures(
            "banking77",
            measured.texts,
            &measured.figures,
            each_ms,
            args.json,
        );
        return Ok(());
    }
    if args.task == Task::ContactCenter {
        return measure_contact_center(args);
    }
    let corpora = match args.task {
        Task::Sentiment => corpus::sentiment(&args.data)?,
        Task::Emotion | Task::Intent | Task::ContactCenter => corpus::emotion(&args.data)?,
    };
    let model = load_model(args.model_dir.as_deref())?;
    for (name, mut texts) in corpora {
        texts.truncate(args.limit.unwrap_or(usize::MAX));
        let (figures, took) = match args.task {
            Task::Sentiment => measure_sentiment(&model, name, &texts)?,
            Task::Emotion | Task::Intent | Task::ContactCenter => {
                measure_emotion(&model, name, &texts)?
            }
        };
        let each_ms = took.as_secs_f64() * 1e3 / texts.len().max(1) as f64;
        print_figures(name, texts.len(), &figures, each_ms, args.json);
    }
    Ok(())
}

fn load_model(dir: Option<&Path>) -> Result<SentimentModel, inference::Error> {
    dir.map_or_else(SentimentModel::embedded, SentimentModel::from_dir)
}

fn print_figures(name: &str, texts: usize, figures: &Value, each_ms: f64, as_json: bool) {
    if as_json {
        println!(
            "{}",
            json!({"corpus": name, "texts": texts, "figures": figures, "mean_ms": each_ms})
        );
        return;
    }
    println!("{name}: {texts} texts, {each_ms:.2} ms each");
    for (figure, value) in figures.as_object().into_iter().flatten() {
        let shown = match (value.as_u64(), value.as_f64()) {
            (Some(count), _) => count.to_string(),
            (None, Some(share)) => insights_core::scale::format_score(share),
            (None, None) => "-".to_owned(),
        };
        println!("  {figure:<17} {shown}");
    }
}

fn measure_contact_center(args: &Args) -> anyhow::Result<()> {
    let mut utterances = contact_center::read(&args.data)?;
    utterances.truncate(args.limit.unwrap_or(usize::MAX));
    let model = load_model(args.model_dir.as_deref())?;
    let (bar, started) = (
        progress_bar("contact-center", utterances.len()),
        Instant::now(),
    );
    let figures =
        contact_center::measure(&model, &utterances, args.alert_threshold, || bar.inc(1))?;
    bar.finish_and_clear();
    let each_ms = started.elapsed().as_secs_f64() * 1e3 / utterances.len().max(1) as f64;
    let texts = utterances.len();
    print_figures("contact-center", texts, &figures, each_ms, args.json);
    Ok(())
}

fn measure_sentiment(
    model: &SentimentModel,
    name: &str,
    texts: &[LabeledText],
) -> anyhow::Result<(Value, Duration)> {
    let (mut classes, bar, started) = (
        Classes::default(),
        progress_bar(name, texts.len()),
        Instant::now(),
    );
    for text in texts {
        let Some(expected) = text.sentiment else {
            continue;
        };
        let probabilities = model.score(&text.text)?.probabilities;
        let best = (0..3)
            .max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))
            .unwrap_or(1);
        classes.count(expected, best);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((
        json!({"accuracy": classes.accuracy(), "macro_recall": classes.macro_recall()}),
        started.elapsed(),
    ))
}

fn measure_emotion(
    model: &SentimentModel,
    name: &str,
    texts: &[LabeledText],
) -> anyhow::Result<(Value, Duration)> {
    let (mut tags, bar, started) = (
        Tags::default(),
        progress_bar(name, texts.len()),
        Instant::now(),
    );
    for text in texts {
        let found = model.score(&text.text)?.emotions;
        let found: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        tags.count(&text.emotions, &found);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((
        json!({"macro_f1": tags.macro_f1(), "micro_f1": tags.micro_f1()}),
        started.elapsed(),
    ))
}

/// Shows a progress bar over texts.
fn progress_bar(name: &str, texts: usize) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg:<12} {bar:40} {pos}/{len}  {per_sec}  {eta} left");
    let bar = ProgressBar::new(texts as u64).with_message(name.to_owned());
    progress::show(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
}
