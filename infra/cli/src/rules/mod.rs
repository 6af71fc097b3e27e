//! The subcommand `rules`: checks rule files, and shows what they would have done before they are published.

mod check;
mod comparison;
mod conversations;
mod marks;
mod picture;
mod replay;
mod tune;
mod vectors;

use std::path::{Path, PathBuf};

use anyhow::Context;
use backends::settings::ObjectSettings;
use clap::Subcommand;
use insights_core::rules::RuleFile;
use runtime::config::Env;

pub(crate) use self::conversations::{Conversations, SourceArgs};
pub(crate) use self::vectors::SimilarityModel;

use crate::local_context::LocalContext;

const EXAMPLES: &str = "Examples:
  cxone-insights rules built-in > rules.toml                     writes the built-in rules, to be copied and changed
  cxone-insights rules check rules.toml                          names each fault with line and column
  cxone-insights rules replay rules.toml --against built-in --from 2026-11-01 --to 2026-11-08
  cxone-insights rules replay rules.toml --file calls.jsonl --budget 3/h
  cxone-insights rules tune rules.toml --budget 3/h --file calls.jsonl --picture tune.svg";

/// Arguments of the subcommand `rules`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks a rule file and tries its examples.
    Check(check::Args),
    /// Evaluates a rule file over archived calls and chats, and compares it with another one.
    Replay(replay::Args),
    /// Finds the thresholds that keep the alerts under a budget.
    Tune(tune::Args),
    /// Prints the built-in rule file.
    BuiltIn,
}

/// Runs the chosen subcommand.
///
/// # Errors
/// If a file is refused, conversations cannot be read, or the alerts are over the budget.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Check(args) => check::run(&args),
        Command::Replay(args) => replay::run(args).await,
        Command::Tune(args) => tune::run(args).await,
        Command::BuiltIn => {
            print!("{}", RuleFile::BUILT_IN);
            Ok(())
        }
    }
}

/// Reads the text of a rule file; the name `built-in` stands for the built-in rules.
pub(crate) fn read_text(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("built-in") {
        return Ok(RuleFile::BUILT_IN.to_owned());
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Reads a rule file; the name `built-in` stands for the built-in rules.
pub(crate) fn read_rules(file: &Path) -> anyhow::Result<RuleFile> {
    RuleFile::from_toml(&read_text(file)?).with_context(|| format!("{} is refused", file.display()))
}

/// What `RULES_FILE` begins with if it names an object of the bucket.
const OBJECT_PREFIX: &str = "object:";

/// Returns whether `RULES_FILE` names an object of the bucket and no option names another file.
pub(crate) fn is_object_configured(file: Option<&PathBuf>, env: &Env) -> bool {
    let configured = env.text("RULES_FILE");
    file.is_none() && configured.is_some_and(|file| file.starts_with(OBJECT_PREFIX))
}

/// Reads the rule file of an option, or of `RULES_FILE`, which may name an object of the bucket; else the built-in rules.
///
/// # Errors
/// If the file or the object cannot be read or is refused, or an object is named and there are no stores.
pub(crate) async fn rules_or_configured(
    file: Option<&PathBuf>,
    context: Option<&LocalContext>,
) -> anyhow::Result<RuleFile> {
    let process = Env::process();
    let env = context.map_or(&process, |context| &context.env);
    if let Some(file) = file {
        return read_rules(file);
    }
    let Some(configured) = env.text("RULES_FILE") else {
        return Ok(RuleFile::built_in().clone());
    };
    let Some(key) = configured.strip_prefix(OBJECT_PREFIX) else {
        return read_rules(Path::new(configured));
    };
    let context = context.context("RULES_FILE names an object, and no stores are opened")?;
    let objects = context
        .backends
        .objects(&ObjectSettings::from_env(&context.env)?)?;
    let content = objects.get(key).await?;
    let content = content.with_context(|| format!("there is no object {key}"))?;
    let text = std::str::from_utf8(&content).with_context(|| format!("{key} is no text"))?;
    RuleFile::from_toml(text).with_context(|| format!("{key} is refused"))
}

/// The number of alerts per supervisor and hour that is not to be exceeded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Budget(pub(crate) f64);

impl std::str::FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().strip_suffix("/h").unwrap_or(text).trim();
        number
            .parse()
            .ok()
            .filter(|number| (0.0..=1e6).contains(number))
            .map(Self)
            .ok_or_else(|| {
                format!("{text:?} is no budget; write alerts per supervisor-hour, like 3/h")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_rate_per_hour() {
        assert_eq!("3/h".parse(), Ok(Budget(3.0)));
        assert_eq!("0.5".parse(), Ok(Budget(0.5)));
        for text in ["", "-1/h", "3/day", "many"] {
            assert!(text.parse::<Budget>().is_err(), "{text}");
        }
    }
}
