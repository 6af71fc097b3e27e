//! `rules tune`: tries other limits of each comparison, and finds those that keep the alerts under a budget.

use std::path::PathBuf;

use anyhow::{Context, bail};
use insights_core::rules::{RuleFile, RuleSeverity, Threshold, Unit};
use insights_core::scale::round_to;
use serde::Serialize;

use super::comparison::evaluate_all;
use super::picture::draw_curves;
use super::vectors::PrototypeVectors;
use super::{Budget, Conversations, SimilarityModel, SourceArgs, read_text};

/// Steps between the smallest and the largest share that is tried.
const SHARE_STEPS: u32 = 19;
/// Factors by which a time is tried.
const TIME_FACTORS: [f64; 11] = [0.25, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0];
/// Largest count that is tried.
const MAX_COUNT: u32 = 10;

/// Arguments of `rules tune`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Rule file whose thresholds are tuned
    rules: PathBuf,
    /// Alerts per supervisor and hour that each rule may raise, like 3/h
    #[arg(long, value_name = "RATE")]
    budget: Budget,
    /// File that the curves are drawn into, as SVG
    #[arg(long, value_name = "FILE", default_value = "rules-tune.svg")]
    picture: PathBuf,
    /// Prints one JSON object per comparison
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// The alerts of one rule over the limits of one of its comparisons.
#[derive(Debug, Serialize)]
pub(super) struct Curve {
    pub(super) rule: String,
    /// The comparison as the file has it.
    pub(super) current: String,
    /// The limit that is nearest to the current one among those within the budget.
    pub(super) recommended: Option<String>,
    /// Limits with the alerts per supervisor and hour that they give.
    pub(super) points: Vec<(f64, f64)>,
    #[serde(skip)]
    pub(super) current_limit: f64,
}

/// Tries limits, prints those that fit the budget, and draws the curves.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let text = read_text(&args.rules)?;
    let file = RuleFile::from_toml(&text)
        .with_context(|| format!("{} is refused", args.rules.display()))?;
    let context = args.source.open_context(false).await?;
    let read = Conversations::read(&args.source, context.as_ref()).await;
    if let Some(context) = context {
        context.shutdown().await;
    }
    let mut conversations = read?;
    let vectors = match SimilarityModel::load_for(&[&file]).await? {
        Some(model) => {
            model.embed(&mut conversations.dialogues).await;
            Some(model.vectors(&file).await?)
        }
        None => None,
    };
    let supervisor_hours = conversations.hours * f64::from(args.source.supervisors);
    let curves: Vec<Curve> = file
        .thresholds()
        .iter()
        .filter(|threshold| {
            file.rule(&threshold.rule)
                .is_some_and(|rule| rule.severity >= RuleSeverity::Warn)
        })
        .map(|threshold| {
            draw_curve(
                &Tuned {
                    text: &text,
                    vectors: vectors.as_ref(),
                },
                threshold,
                &conversations,
                supervisor_hours,
                args.budget,
            )
        })
        .collect();
    if curves.is_empty() {
        bail!("no rule of severity warn or severe has a comparison that could be tuned");
    }
    for curve in &curves {
        if args.json {
            println!("{}", serde_json::to_string(curve)?);
            continue;
        }
        println!("{}: {}", curve.rule, curve.current);
        for (limit, rate) in &curve.points {
            let mark = if *limit == curve.current_limit {
                "  now"
            } else {
                ""
            };
            println!("  {limit:>10} {rate:>10} alerts/h{mark}");
        }
        match &curve.recommended {
            Some(limit) => println!("  within {}/h: {limit}", args.budget.0),
            None => println!("  no limit that was tried keeps within {}/h", args.budget.0),
        }
    }
    let picture = draw_curves(&curves, args.budget.0);
    std::fs::write(&args.picture, picture)
        .with_context(|| format!("cannot write {}", args.picture.display()))?;
    eprintln!("the curves are drawn in {}", args.picture.display());
    Ok(())
}

/// Returns the limits that are tried in place of a limit, in order.
fn limits_of(threshold: &Threshold) -> Vec<f64> {
    let mut limits: Vec<f64> = match threshold.unit {
        Unit::Share => (1..=SHARE_STEPS)
            .map(|step| round_to(f64::from(step) / f64::from(SHARE_STEPS + 1), 3))
            .collect(),
        Unit::Time => TIME_FACTORS
            .iter()
            .map(|factor| (threshold.limit.max(1000.0) * factor).round())
            .collect(),
        Unit::Count => (1..=MAX_COUNT).map(f64::from).collect(),
    };
    limits.push(threshold.limit);
    limits.sort_by(f64::total_cmp);
    limits.dedup();
    limits
}

/// The file that is tuned.
struct Tuned<'a> {
    text: &'a str,
    vectors: Option<&'a PrototypeVectors>,
}

impl Tuned<'_> {
    /// Returns the file with another limit; `None` if the place of the limit does not allow it.
    fn with_limit(&self, threshold: &Threshold, limit: f64) -> Option<RuleFile> {
        let file = RuleFile::read(&threshold.replace_in(self.text, limit)).ok()?;
        Some(match self.vectors {
            Some(vectors) => vectors.clone().give_to(file),
            None => file,
        })
    }
}

fn draw_curve(
    tuned: &Tuned<'_>,
    threshold: &Threshold,
    conversations: &Conversations,
    supervisor_hours: f64,
    Budget(budget): Budget,
) -> Curve {
    let points: Vec<(f64, f64)> = limits_of(threshold)
        .into_iter()
        .filter_map(|limit| {
            let file = tuned.with_limit(threshold, limit)?;
            let evaluations = evaluate_all(&file, &conversations.dialogues);
            let hits = evaluations.iter().flat_map(|evaluation| &evaluation.hits);
            let alerts = hits.filter(|hit| hit.rule == threshold.rule).count();
            Some((limit, round_to(alerts as f64 / supervisor_hours, 3)))
        })
        .collect();
    let distance = |limit: f64| (limit - threshold.limit).abs();
    let recommended = points
        .iter()
        .filter(|(_, rate)| *rate <= budget)
        .min_by(|one, other| distance(one.0).total_cmp(&distance(other.0)));
    Curve {
        rule: threshold.rule.clone(),
        current: threshold.write(threshold.limit),
        recommended: recommended.map(|(limit, _)| threshold.write(*limit)),
        points,
        current_limit: threshold.limit,
    }
}

#[cfg(test)]
mod tests {
    use insights_core::live::Speaker;
    use insights_core::rules::example_dialogue;

    use super::*;

    #[test]
    fn the_nearest_limit_within_the_budget_is_recommended() {
        let text =
            "[[rule]]\nid = \"quiet\"\nseverity = \"warn\"\nwhen = { silence = \"> 10s\" }\n";
        let file = RuleFile::from_toml(text).unwrap();
        let conversations = Conversations {
            dialogues: [9, 12, 18, 30]
                .iter()
                .map(|pause| {
                    let call = format!("hello\n({pause}s)\nbye");
                    (
                        pause.to_string(),
                        example_dialogue(&call, Speaker::Customer),
                    )
                })
                .collect(),
            hours: 1.0,
            without_transcript: 0,
        };
        let curve = draw_curve(
            &Tuned {
                text,
                vectors: None,
            },
            &file.thresholds()[0],
            &conversations,
            1.0,
            Budget(1.0),
        );
        assert_eq!(curve.recommended.as_deref(), Some("\"> 20000ms\""));
        assert!(
            curve.points.windows(2).all(|pair| pair[0].1 >= pair[1].1),
            "{:?}",
            curve.points
        );
        assert!(draw_curves(&[curve], 1.0).contains("<polyline"));
    }
}
