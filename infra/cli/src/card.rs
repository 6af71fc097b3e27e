//! The subcommand `card`: prints what a conversation was about, in quotes.

use std::path::PathBuf;

use anyhow::bail;
use insights_core::analytics::turns_of;
use insights_core::card::{CallCard, CardLine, Scorecard};
use insights_core::intent::{IntentCategories, IntentClassifier};
use insights_core::talk_metrics::{TalkMetrics, TalkSettings};
use runtime::config::Env;
use serde_json::json;

use crate::chat::printable;
use crate::rules::{Conversations, SourceArgs, rules_or_configured};

const EXAMPLES: &str = "Examples:
  cxone-insights card c-1042 --from 2026-11-01 --to 2026-11-02      a past conversation of the contact center, or an archived chat
  cxone-insights card call-7 --file calls.jsonl --rules rules.toml  a recorded call, with the risk and the scorecard of own rules
  cxone-insights card call-7 --file calls.jsonl --json";

/// Arguments of the subcommand `card`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Id of the conversation
    conversation: String,
    /// Rule file for the risk and the scorecard [default: RULES_FILE, else the built-in rules]
    #[arg(long, value_name = "RULES")]
    rules: Option<PathBuf>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Prints the card of a conversation.
///
/// # Errors
/// If the rule file is refused, or there is no such conversation.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let file = rules_or_configured(args.rules.as_ref(), &Env::process())?;
    let conversations = Conversations::read(&args.source).await?;
    let found = conversations
        .dialogues
        .iter()
        .find(|(id, _)| *id == args.conversation);
    let Some((id, dialogue)) = found else {
        bail!(
            "there is no conversation {} among the {} that were read",
            printable(&args.conversation),
            conversations.dialogues.len()
        );
    };
    let evaluation = file.evaluate(dialogue);
    let intents = IntentClassifier::new(IntentCategories::default(), None)?;
    let card = CallCard::new(dialogue, &evaluation.hits, Some(&intents));
    let scorecard = Scorecard::new(&file, &evaluation);
    let metrics = TalkMetrics::from_turns(
        &turns_of(dialogue),
        &dialogue.holds,
        dialogue.facts.start,
        TalkSettings::default(),
    );
    if args.json {
        let value = json!({
            "conversation_id": id,
            "card": card,
            "rules": evaluation,
            "scorecard": scorecard,
            "talk_metrics": metrics,
        });
        println!("{value}");
        return Ok(());
    }
    println!("{}", printable(id));
    for (name, line) in card.lines() {
        match line {
            CardLine::Quote(quote) => {
                let rule = quote
                    .rule
                    .as_ref()
                    .map_or_else(String::new, |rule| format!(" [{rule}]"));
                println!(
                    "{name:<11} {} s, {}, {}: \"{}\"{rule}",
                    quote.second,
                    quote.speaker.name(),
                    quote.segment,
                    printable(&quote.text)
                );
            }
            CardLine::Unknown(why) => println!("{name:<11} unknown: {}", printable(why)),
        }
    }
    if let Some(scorecard) = scorecard {
        let score = scorecard
            .score
            .map_or_else(|| "unknown".to_owned(), |score| score.to_string());
        let failed = if scorecard.is_failed { ", failed" } else { "" };
        println!("scorecard   {score}{failed}");
        for answer in &scorecard.answers {
            let passed = match answer.passed {
                Some(true) => "passed",
                Some(false) => "missed",
                None => "unknown",
            };
            let places: Vec<String> = answer
                .quotes
                .iter()
                .map(|place| format!("{}:{}-{}", place.segment, place.from, place.to))
                .collect();
            println!(
                "  {passed:<8} {:<4} {} {}",
                answer.weight,
                answer.title,
                places.join(" ")
            );
        }
    }
    Ok(())
}
