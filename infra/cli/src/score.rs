//! The subcommand `score`: scores texts of the arguments or of standard input and prints one result per line.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;
use insights_core::scale::{
    format_average, format_compound, format_score, format_short_score, round_score,
};
use serde_json::{Map, Value, json};

const EXAMPLES: &str = "Examples:
  cxone-insights score \"I want a refund\" \"Thank you so much\"
  cxone-insights score --json < sentences.txt
  cxone-insights score --model-dir ./my-roberta \"not bad\"";

/// Arguments of the subcommand `score`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Texts to score; without texts, each line of standard input is scored
    text: Vec<String>,
    /// Engine that scores the texts
    #[arg(long, value_enum, default_value_t = Engine::Model)]
    engine: Engine,
    /// Prints one JSON object per text
    #[arg(long)]
    json: bool,
    /// Folder of another model than the shipped one: model.onnx, tokenizer.json, config.json
    #[arg(long, env = "MODEL_DIR", value_name = "DIR")]
    model_dir: Option<PathBuf>,
}

/// An engine that scores a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// The shipped transformer, which returns a score from 0 to 1 and emotion tags
    Model,
    /// The rules of VADER, which return a compound from -1 to 1 and the positive, neutral and negative shares of the text
    Vader,
    /// The lexicon of contact center words, which returns a score from 0 to 1 and the sums of positive and negative weights
    Lexicon,
}

/// Scores every text.
///
/// # Errors
/// If the model does not load, or standard input is not UTF-8.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    tokio::task::spawn_blocking(move || score_all(&args)).await?
}

fn score_all(args: &Args) -> anyhow::Result<()> {
    let scorer = Scorer::new(args)?;
    if !args.text.is_empty() {
        return args
            .text
            .iter()
            .try_for_each(|text| scorer.print(text, args.json));
    }
    let input = std::io::stdin().lock();
    if std::io::stdin().is_terminal() {
        eprintln!("type a sentence and press Enter; press Ctrl-D to stop");
    }
    for (index, line) in input.lines().enumerate() {
        let line = line.with_context(|| format!("line {} of standard input", index + 1))?;
        scorer.print(&line, args.json)?;
    }
    Ok(())
}

/// Returns what the model says of a text as one JSON object. `signals` has the probability of each signal that the model knows.
fn model_json(analysis: &inference::SentimentAnalysis, tags: &[&str], text: &str) -> Value {
    let signals: Map<String, Value> = analysis
        .signal_probabilities
        .iter()
        .map(|(name, probability)| (name.clone(), round_score(f64::from(*probability)).into()))
        .collect();
    let mut line = json!({
        "score": round_score(analysis.score),
        "emotion_tags": tags,
        "signals": signals,
        "text": text,
        "truncated": analysis.truncated,
    });
    if let Some(language) = analysis.language {
        line["language"] = language.code().into();
    }
    if let Some(reason) = analysis.unscored {
        line["unscored"] = reason.name().into();
    }
    line
}

enum Scorer {
    Model(Box<inference::SentimentModel>),
    Vader,
    Lexicon,
}

impl Scorer {
    fn new(args: &Args) -> anyhow::Result<Self> {
        match args.engine {
            Engine::Lexicon => Ok(Self::Lexicon),
            Engine::Model => {
                let model = match &args.model_dir {
                    Some(dir) => inference::SentimentModel::from_dir(dir),
                    None => inference::SentimentModel::embedded(),
                };
                Ok(Self::Model(Box::new(model?)))
            }
            Engine::Vader => Ok(Self::Vader),
        }
    }

    fn print(&self, text: &str, as_json: bool) -> anyhow::Result<()> {
        match self {
            Self::Lexicon => {
                let result = insights_core::lexicon::score(text);
                let (score, positive, negative) = (
                    result.score.to_four_decimals(),
                    result.positive,
                    result.negative,
                );
                if as_json {
                    println!(
                        "{}",
                        json!({"score": score, "positive": positive, "negative": negative, "text": text})
                    );
                } else {
                    println!(
                        "{}  +{:<5} -{:<5}  {text}",
                        format_score(score),
                        format_short_score(positive),
                        format_short_score(negative)
                    );
                }
            }
            Self::Model(model) => {
                let analysis = model.score(text)?;
                let score = round_score(analysis.score);
                let tags: Vec<_> = analysis
                    .emotions
                    .iter()
                    .map(|(name, _)| name.as_str())
                    .collect();
                if as_json {
                    println!("{}", model_json(&analysis, &tags, text));
                } else {
                    let signals = analysis.signals.iter().map(|(name, _)| name.as_str());
                    let found: Vec<_> = tags.iter().copied().chain(signals).collect();
                    println!("{}  {:<28}  {text}", format_score(score), found.join(", "));
                }
            }
            Self::Vader => {
                let insights_core::vader::Polarity {
                    compound,
                    pos,
                    neu,
                    neg,
                } = insights_core::vader::polarity(text);
                if as_json {
                    println!(
                        "{}",
                        json!({"compound": compound, "pos": pos, "neu": neu, "neg": neg, "text": text})
                    );
                } else {
                    println!(
                        "{}  pos {} neu {} neg {}  {text}",
                        format_compound(compound),
                        format_average(pos),
                        format_average(neu),
                        format_average(neg)
                    );
                }
            }
        }
        Ok(())
    }
}
