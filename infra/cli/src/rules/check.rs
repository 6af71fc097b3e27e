//! `rules check`: faults with line and column, and what the rules say of their examples.

use std::path::PathBuf;

use anyhow::bail;
use insights_core::rules::RuleFile;
use serde_json::json;

use super::read_text;

/// Arguments of `rules check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Rule file that is checked
    file: PathBuf,
    /// Prints one JSON object per rule
    #[arg(long)]
    json: bool,
}

/// Checks a file, and prints its rules with the results of their examples.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let text = read_text(&args.file)?;
    // The examples are tried below, so that those of all rules are shown, also of rules that fail them.
    let file = match RuleFile::read(&text) {
        Ok(file) => file,
        Err(error) => {
            for fault in &error.faults {
                eprintln!("{}: {fault}", args.file.display());
            }
            bail!("{} has {} faults", args.file.display(), error.faults.len());
        }
    };
    for rule in file.rules() {
        let results = file.try_examples(rule);
        let right = results
            .iter()
            .filter(|result| result.is_as_expected())
            .count();
        if args.json {
            let line = json!({"rule": rule.id, "version": rule.version, "severity": rule.severity, "examples": results.len(), "as_expected": right, "asks": file.sources_of(rule).iter().map(|source| source.name()).collect::<Vec<_>>()});
            println!("{line}");
        } else {
            println!(
                "{:<32} {:<6} {}  {right} of {} examples as expected",
                rule.id,
                rule.severity.name(),
                rule.version,
                results.len()
            );
            for source in file.sources_of(rule) {
                println!("    asks {}: {}", source.name(), source.availability());
            }
            for result in results.iter().filter(|result| !result.is_as_expected()) {
                let expected = if result.should_match {
                    "match"
                } else {
                    "differ"
                };
                println!(
                    "    {:?} should {expected}, the rule is {}",
                    result.text,
                    result.answer.name()
                );
            }
        }
    }
    if let Err(error) = RuleFile::from_toml(&text) {
        for fault in &error.faults {
            eprintln!("{}: {fault}", args.file.display());
        }
        bail!(
            "{} fails {} of its examples",
            args.file.display(),
            error.faults.len()
        );
    }
    if !args.json {
        println!("{} rules, version {}", file.rules().len(), file.version());
    }
    Ok(())
}
