//! `rules replay`: what a rule file would have done, compared with another one.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::bail;
use backends::settings::StateSettings;
use insights_core::rules::RuleFile;

use super::comparison::{Comparison, compare};
use super::{Budget, Conversations, SimilarityModel, SourceArgs, marks, read_rules};
use crate::chat::printable;
use crate::local_context::LocalContext;

/// Number of conversations of one kind that are named.
const NAMED_CONVERSATIONS: usize = 10;

/// Arguments of `rules replay`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Rule file to try; `built-in` stands for the built-in rules
    rules: PathBuf,
    /// Rule file to compare with, usually the one that is in force
    #[arg(long, value_name = "RULES")]
    against: Option<PathBuf>,
    /// Fails with exit code 1 if the alerts per supervisor and hour exceed this, like 3/h
    #[arg(long, value_name = "RATE")]
    budget: Option<Budget>,
    /// File with the marks "wrong" of supervisors in JSON Lines: {"conversation_id", "rule"} [default: those that the board has stored]
    #[arg(long, value_name = "FILE")]
    marks: Option<PathBuf>,
    /// Prints no words of the conversations
    #[arg(long)]
    no_quotes: bool,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Replays and prints the comparison.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let mut file = read_rules(&args.rules)?;
    let mut before = args.against.as_deref().map(read_rules).transpose()?;
    let context = args.source.open_context(false).await?;
    let read = read_all(&args, context.as_ref()).await;
    if let Some(context) = context {
        context.shutdown().await;
    }
    let (mut conversations, marks) = read?;
    let files: Vec<&RuleFile> = [&file].into_iter().chain(&before).collect();
    if let Some(model) = SimilarityModel::load_for(&files).await? {
        model.embed(&mut conversations.dialogues).await;
        file = model.prepare(file).await?;
        before = match before {
            Some(before) => Some(model.prepare(before).await?),
            None => None,
        };
    }
    let mut comparison = compare(
        &file,
        before.as_ref(),
        &conversations,
        args.source.supervisors,
        marks.as_ref(),
    );
    if args.no_quotes {
        for row in &mut comparison.rules {
            row.quotes.clear();
        }
    }
    if args.json {
        println!("{}", serde_json::to_string(&comparison)?);
    } else {
        print(&comparison);
    }
    match args.budget {
        Some(Budget(budget)) if comparison.alerts_per_hour > budget => bail!(
            "{} alerts per supervisor-hour are over the budget of {budget}",
            comparison.alerts_per_hour
        ),
        _ => Ok(()),
    }
}

/// Reads the conversations and what supervisors said of them.
async fn read_all(
    args: &Args,
    context: Option<&LocalContext>,
) -> anyhow::Result<(Conversations, Option<BTreeSet<marks::WrongMark>>)> {
    let conversations = Conversations::read(&args.source, context).await?;
    let marks = match (&args.marks, context) {
        (Some(file), _) => Some(marks::read_file(file)?),
        (None, Some(context)) => {
            let state = StateSettings::from_env(&context.env)?;
            let state = context.backends.state(&state)?;
            let ids = conversations.dialogues.iter().map(|(id, _)| id.as_str());
            marks::read_stored(&state, ids).await?
        }
        (None, None) => None,
    };
    Ok((conversations, marks))
}

fn print(comparison: &Comparison) {
    println!(
        "{} conversations in {} hours, {} supervisors, {} without a transcript",
        comparison.conversations,
        comparison.hours,
        comparison.supervisors,
        comparison.without_transcript
    );
    let has_before = comparison.version_before.is_some();
    println!(
        "{:<32}{:<8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>9}{:>10}{:>10}{:>11}",
        "rule",
        "severity",
        "before",
        "hits",
        "gained",
        "lost",
        "moved",
        "unknown",
        "alerts/h",
        "before/h",
        "precision"
    );
    for row in &comparison.rules {
        let old = |figure: String| if has_before { figure } else { "-".to_owned() };
        println!(
            "{:<32}{:<8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>9}{:>10}{:>10}{:>11}",
            row.rule,
            row.severity.name(),
            old(row.hits_before.to_string()),
            row.hits,
            old(row.gained.len().to_string()),
            old(row.lost.len().to_string()),
            old(row.moved.len().to_string()),
            row.unknown,
            row.alerts_per_hour,
            old(row.alerts_per_hour_before.to_string()),
            row.precision
                .map_or_else(|| "-".to_owned(), |precision| precision.to_string()),
        );
    }
    match comparison.alerts_per_hour_before {
        Some(before) => println!(
            "alerts per supervisor-hour: {before} before, {} after",
            comparison.alerts_per_hour
        ),
        None => println!("alerts per supervisor-hour: {}", comparison.alerts_per_hour),
    }
    for row in &comparison.rules {
        let moved: Vec<String> = row
            .moved
            .iter()
            .map(|(id, by)| format!("{id} ({:+.1} s)", *by as f64 / 1000.0))
            .collect();
        for (name, ids) in [
            ("gained", &row.gained),
            ("lost", &row.lost),
            ("moved", &moved),
        ] {
            if !ids.is_empty() {
                let named: Vec<_> = ids
                    .iter()
                    .take(NAMED_CONVERSATIONS)
                    .map(|id| printable(id))
                    .collect();
                let named: Vec<String> = named.iter().map(ToString::to_string).collect();
                let more = ids.len().saturating_sub(NAMED_CONVERSATIONS);
                let more = if more > 0 {
                    format!(" and {more} more")
                } else {
                    String::new()
                };
                println!("{} {name}: {}{more}", row.rule, named.join(", "));
            }
        }
        for sample in &row.quotes {
            println!(
                "{}: {} at {} s, {}: {}",
                row.rule,
                printable(&sample.conversation),
                sample.second,
                sample.speaker,
                printable(&sample.text)
            );
        }
    }
}
