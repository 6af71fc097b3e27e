//! The subcommand `card`: prints what a conversation was about, in quotes, and takes objections to its scorecard.

use std::path::PathBuf;

use anyhow::{Context, bail};
use backends::board;
use backends::interactions::Interactions;
use backends::settings::{ObjectSettings, ShardSettings, StateSettings};
use insights_core::analytics::turns_of;
use insights_core::board::{AlertMark, AlertReference, MarkKind};
use insights_core::card::{CallCard, CardLine, CardRecord, Scorecard, ScorecardAnswer};
use insights_core::chat::archive_key::card_key;
use insights_core::rules::RuleFile;
use insights_core::talk_metrics::{TalkMetrics, TalkSettings};
use jiff::{SignedDuration, Timestamp};
use runtime::config::Env;
use serde_json::json;
use store::state::State;

use crate::chat::printable;
use crate::local_context::LocalContext;
use crate::rules::{
    Conversations, SimilarityModel, SourceArgs, is_object_configured, rules_or_configured,
};

/// How long an objection is kept: as long as the marks of the board by default.
const CONTEST_RETENTION: SignedDuration = SignedDuration::from_hours(24 * 90);

const EXAMPLES: &str = "Examples:
  cxone-insights card c-1042                                        the card that was kept when the call or chat ended
  cxone-insights card c-1042 --from 2026-11-01 --to 2026-11-02      a past conversation of the contact center, or an archived chat
  cxone-insights card call-7 --file calls.jsonl --rules rules.toml  a recorded call, with the risk and the scorecard of own rules
  cxone-insights card c-1042 --contest greeting --by Grace --reason \"the customer spoke first\"";

/// Arguments of the subcommand `card`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Id of the conversation
    conversation: String,
    /// Rule file for the risk and the scorecard [default: RULES_FILE, else the built-in rules]
    #[arg(long, value_name = "RULES")]
    rules: Option<PathBuf>,
    /// Objects to the answer of this rule in the scorecard
    #[arg(long, value_name = "RULE", requires_all = ["by", "reason"])]
    contest: Option<String>,
    /// Name of the one who objects
    #[arg(long, value_name = "NAME", requires = "contest")]
    by: Option<String>,
    /// Why the answer is wrong
    #[arg(long, value_name = "TEXT", requires = "contest")]
    reason: Option<String>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// The card that is shown, and the talk metrics, if the words of the conversation were read.
struct Shown {
    record: CardRecord,
    metrics: Option<TalkMetrics>,
}

/// Prints the card of a conversation.
///
/// # Errors
/// If the rule file is refused, or there is no such conversation.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let is_object = is_object_configured(args.rules.as_ref(), &Env::process());
    let needs_stores = is_object || args.contest.is_some();
    let context = args.source.open_context(needs_stores).await?;
    let found = find_and_contest(&args, context.as_ref()).await;
    if let Some(context) = context {
        context.shutdown().await;
    }
    let shown = found?;
    if args.json {
        let CardRecord {
            conversation_id,
            rules_version,
            card,
            hits,
            answers,
            scorecard,
        } = shown.record;
        let value = json!({
            "conversation_id": conversation_id,
            "card": card,
            "rules": {"hits": hits, "answers": answers, "version": rules_version},
            "scorecard": scorecard,
            "talk_metrics": shown.metrics,
        });
        println!("{value}");
        return Ok(());
    }
    print_card(&shown.record.conversation_id, &shown.record.card);
    if let Some(scorecard) = &shown.record.scorecard {
        print_scorecard(scorecard);
    }
    Ok(())
}

async fn find_and_contest(args: &Args, context: Option<&LocalContext>) -> anyhow::Result<Shown> {
    let mut shown = find(args, context).await?;
    let Some(context) = context else {
        return Ok(shown);
    };
    let state = context
        .backends
        .state(&StateSettings::from_env(&context.env)?)?;
    if let Some(rule) = &args.contest {
        contest(args, rule, &shown.record, &state).await?;
    }
    if let Some(scorecard) = &mut shown.record.scorecard {
        let marks = board::read_marks(&state, &args.conversation, Timestamp::now()).await;
        scorecard.add_contests(&marks.context("the objections were not read")?);
    }
    Ok(shown)
}

/// Stores an objection to the answer of a rule.
async fn contest(
    args: &Args,
    rule: &str,
    record: &CardRecord,
    state: &State,
) -> anyhow::Result<()> {
    let answers = record.scorecard.iter().flat_map(|card| &card.answers);
    let answers: Vec<&ScorecardAnswer> = answers.collect();
    let Some(answer) = answers.iter().find(|answer| answer.rule == rule) else {
        let rules: Vec<&str> = answers.iter().map(|answer| answer.rule.as_str()).collect();
        bail!(
            "the scorecard has no rule {}; it has: {}",
            printable(rule),
            rules.join(", ")
        );
    };
    let now = Timestamp::now();
    let hit = record.hits.iter().find(|hit| hit.rule == rule);
    let objection = AlertMark {
        alert: AlertReference {
            rule: rule.to_owned(),
            version: answer.version.clone(),
            at_ms: hit.map_or(0, |hit| hit.at),
        },
        kind: MarkKind::Contested,
        by: args.by.clone().unwrap_or_default(),
        key: "command".to_owned(),
        at_ms: now.as_millisecond(),
        until_ms: None,
        reason: args.reason.clone(),
    };
    let objection = objection.checked()?;
    let id = &record.conversation_id;
    board::contest(state, id, &objection, CONTEST_RETENTION, now)
        .await
        .context("the objection was not stored")
}

/// Finds the card that was kept, unless a file, a period or rules of one's own say that it is made of the words.
async fn find(args: &Args, context: Option<&LocalContext>) -> anyhow::Result<Shown> {
    let is_made_anew = !args.source.file.is_empty()
        || args.source.from.is_some()
        || args.source.to.is_some()
        || args.rules.is_some();
    if let Some(context) = context.filter(|_| !is_made_anew)
        && let Some(record) = read_kept(context, &args.conversation).await?
    {
        return Ok(Shown {
            record,
            metrics: None,
        });
    }
    let mut file = rules_or_configured(args.rules.as_ref(), context).await?;
    let mut conversations = Conversations::read(&args.source, context).await?;
    let read = conversations.dialogues.len();
    conversations
        .dialogues
        .retain(|(id, _)| *id == args.conversation);
    if let Some(model) = SimilarityModel::load_for(&[&file]).await? {
        model.embed(&mut conversations.dialogues).await;
        file = model.prepare(file).await?;
    }
    make(&conversations, &file).with_context(|| {
        format!(
            "there is no conversation {} among the {read} that were read",
            printable(&args.conversation)
        )
    })
}

fn make(conversations: &Conversations, file: &RuleFile) -> Option<Shown> {
    let (id, dialogue) = conversations.dialogues.first()?;
    let metrics = TalkMetrics::from_turns(
        &turns_of(dialogue),
        &dialogue.holds,
        dialogue.facts.start,
        TalkSettings::default(),
    );
    let evaluation = file.evaluate(dialogue);
    Some(Shown {
        record: CardRecord::new(id, dialogue, file, evaluation, None),
        metrics,
    })
}

/// Reads the card that was kept when a call or a chat ended.
async fn read_kept(context: &LocalContext, id: &str) -> anyhow::Result<Option<CardRecord>> {
    let state = context
        .backends
        .state(&StateSettings::from_env(&context.env)?)?;
    let shards = ShardSettings::from_env(&context.env)?.count;
    let kept = Interactions::new(state, shards)
        .card(id, Timestamp::now())
        .await;
    if let Some(record) = kept.context("the kept card was not read")? {
        return Ok(Some(record));
    }
    let objects = context
        .backends
        .objects(&ObjectSettings::from_env(&context.env)?)?;
    let key = card_key(id);
    let Some(content) = objects.get(&key).await? else {
        return Ok(None);
    };
    let record = serde_json::from_slice(&content);
    record
        .with_context(|| format!("{key} cannot be read"))
        .map(Some)
}

fn print_card(id: &str, card: &CallCard) {
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
}

fn print_scorecard(scorecard: &Scorecard) {
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
        for objection in &answer.contests {
            println!(
                "           contested by {}: {}",
                printable(&objection.by),
                printable(objection.reason.as_deref().unwrap_or_default())
            );
        }
    }
}
