//! The subcommand `alerts`: tries alert rules on recorded calls, so that a team can choose its own thresholds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use insights_core::live::alert_replay::replay_alerts;
use insights_core::live::{
    AlertSettings, AlertSubject, LiveSettings, ScoredSegment, Segment, Speaker,
};
use insights_core::scale::Score;
use runtime::config::Env;
use sentiment::{LocalProvider, Provider, SentimentSettings};
use serde::Deserialize;
use serde_json::json;
use transcript_poller::scorer::SegmentScorer;

const EXAMPLES: &str = "Examples:
  cxone-insights alerts calls.jsonl
  cxone-insights alerts calls.jsonl --threshold 0.30 --threshold 0.35 --threshold 0.40 --cooldown 30
  cxone-insights poll --interaction 123 --json > call.jsonl;  cxone-insights alerts call.jsonl --speaker both

Each line of the file is a call or a part of a call: {\"interactionId\", \"segments\": [{\"text\", \"startTime\", \"endTime\",
\"direction\"}]}. A segment that has a \"score\" is not scored again and needs no text, so that the output of `poll --json` can be read.";

/// Arguments of the subcommand `alerts`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// File of recorded calls in JSON Lines
    file: PathBuf,
    /// Raises an alert when a declining average is below this score; repeat the option to compare scores
    #[arg(long, value_name = "SCORE", default_values_t = [0.35], value_parser = parse_score)]
    threshold: Vec<f64>,
    /// How far the average must rise above the threshold before the next alert, unless the call gets worse
    #[arg(long, value_name = "SCORE", default_value_t = 0.05, value_parser = parse_score)]
    hysteresis: f64,
    /// Least number of seconds between two alerts of a call
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    cooldown: u64,
    /// Whose utterances count: customer or both
    #[arg(long, default_value = "customer")]
    speaker: AlertSubject,
    /// Number of seconds that the average covers
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=300))]
    window: u64,
    /// Smallest change of the average that counts as a trend
    #[arg(long, value_name = "SCORE", default_value_t = 0.05, value_parser = parse_score)]
    trend: f64,
    /// Prints one JSON object per call and threshold
    #[arg(long)]
    json: bool,
}

fn parse_score(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|score| (0.0..=1.0).contains(score))
        .ok_or_else(|| "a score from 0 to 1".to_owned())
}

#[derive(Deserialize)]
struct RecordedCall {
    #[serde(alias = "interaction_id", rename = "interactionId")]
    id: String,
    segments: Vec<RecordedSegment>,
}

#[derive(Deserialize)]
struct RecordedSegment {
    #[serde(default)]
    text: Option<String>,
    #[serde(alias = "start", rename = "startTime")]
    start: i64,
    #[serde(alias = "end", rename = "endTime")]
    end: i64,
    direction: Speaker,
    #[serde(alias = "isFinal", default = "default_is_final")]
    is_final: bool,
    #[serde(default)]
    score: Option<Score>,
}

const fn default_is_final() -> bool {
    true
}

/// Prints how many alerts the rules would have raised in each call.
///
/// # Errors
/// If the file cannot be read, a line is malformed, or the rules contradict each other.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let calls = score_calls(read_calls(&args.file)?).await?;
    let mut rows = Vec::new();
    for (id, call) in &calls {
        let mut counts = Vec::new();
        for &threshold in &args.threshold {
            let raised = replay_alerts(
                call.clone(),
                &args.rules(threshold)?,
                Duration::from_secs(1),
            );
            if args.json {
                println!(
                    "{}",
                    json!({"interaction_id": id, "threshold": threshold, "alerts": raised})
                );
            }
            counts.push(raised.len());
        }
        rows.push((id, call.len(), counts));
    }
    if !args.json {
        print_table(&args.threshold, &rows);
    }
    Ok(())
}

impl Args {
    fn rules(&self, threshold: f64) -> anyhow::Result<LiveSettings> {
        let alert = AlertSettings {
            subject: self.speaker,
            threshold,
            rearm: (threshold + self.hysteresis).min(1.0),
            cooldown: Duration::from_secs(self.cooldown),
        };
        let window = Duration::from_secs(self.window);
        Ok(LiveSettings {
            alert,
            window,
            trend_delta: self.trend,
            ..LiveSettings::default()
        }
        .validate()?)
    }
}

fn print_table(thresholds: &[f64], rows: &[(&String, usize, Vec<usize>)]) {
    let head: String = thresholds
        .iter()
        .map(|threshold| format!("{threshold:>8.2}"))
        .collect();
    println!(
        "{:<40}{:>10}{head}",
        "alerts per call at threshold", "segments"
    );
    for (id, segments, counts) in rows {
        let counts: String = counts.iter().map(|count| format!("{count:>8}")).collect();
        println!("{id:<40}{segments:>10}{counts}");
    }
    let sum = |place: usize| rows.iter().map(|row| row.2[place]).sum::<usize>();
    let with = |place: usize| rows.iter().filter(|row| row.2[place] > 0).count();
    let sums: String = (0..thresholds.len())
        .map(|place| format!("{:>8}", sum(place)))
        .collect();
    let calls: String = (0..thresholds.len())
        .map(|place| format!("{:>8}", with(place)))
        .collect();
    println!(
        "{:<40}{:>10}{sums}",
        "all alerts",
        rows.iter().map(|row| row.1).sum::<usize>()
    );
    println!("{:<40}{:>10}{calls}", "calls with an alert", rows.len());
}

/// Reads the final segments of each call.
fn read_calls(file: &Path) -> anyhow::Result<BTreeMap<String, Vec<RecordedSegment>>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut calls = BTreeMap::<String, Vec<RecordedSegment>>::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let place = || format!("{}, line {}", file.display(), number + 1);
        let call: RecordedCall = insights_core::lenient_json::from_str(line).with_context(place)?;
        let is_invalid = |segment: &RecordedSegment| {
            segment.end < segment.start || (segment.text.is_none() && segment.score.is_none())
        };
        if call.segments.iter().any(is_invalid) {
            bail!(
                "{}: each segment must have a text or a score, and must not end before it starts",
                place()
            );
        }
        calls
            .entry(call.id)
            .or_default()
            .extend(call.segments.into_iter().filter(|segment| segment.is_final));
    }
    Ok(calls)
}

/// Scores the segments that have no score yet. The model is loaded only if there is such a segment.
async fn score_calls(
    calls: BTreeMap<String, Vec<RecordedSegment>>,
) -> anyhow::Result<BTreeMap<String, Vec<ScoredSegment>>> {
    let unscored = calls
        .values()
        .flatten()
        .any(|segment| segment.score.is_none());
    let scorer = if unscored {
        let settings = SentimentSettings::from_env(&Env::process())?;
        let model =
            LocalProvider::load(&settings.scoring.models, settings.scoring.emotion_threshold)
                .await?;
        Some(SegmentScorer::new(Provider::Local(model)))
    } else {
        None
    };
    let mut scored = BTreeMap::new();
    for (id, segments) in calls {
        let mut done = Vec::with_capacity(segments.len());
        for recorded in segments {
            let RecordedSegment {
                text,
                start,
                end,
                direction,
                is_final,
                score,
            } = recorded;
            // Segments are distinguished by time and text. Where there is no text, the score takes its place.
            let text = text.unwrap_or_else(|| format!("{:?}", score.map(f64::from)));
            let segment = Segment {
                text,
                start,
                end,
                speaker: direction,
                is_final,
            };
            match (score, &scorer) {
                (None, Some(scorer)) => {
                    for scored in scorer.score(vec![segment]).await {
                        done.push(scored.map_err(|failed| failed.error)?);
                    }
                }
                (score, _) => {
                    let score = score.unwrap_or(Score::NEUTRAL);
                    done.push(ScoredSegment::new(segment, score));
                }
            }
        }
        scored.insert(id, done);
    }
    Ok(scored)
}
