//! The subcommand `forget`: erases one conversation from every store and records that it was done.

use std::time::Duration;

use anyhow::ensure;
use backends::erasure::{Eraser, ErasureRecord, ObjectCursor, erase_objects, listed_agents};
use backends::settings::{ObjectSettings, QueueSettings, StateSettings};
use clap::builder::NonEmptyStringValueParser;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::settings::{Source, required_text};
use serde_json::json;
use store::objects::Objects;

use crate::local_context::{LocalArgs, LocalContext};
use crate::pipeline::Pipeline;

/// How long an erasure may take; the same command goes on after that.
const ERASURE_TIMEOUT: Duration = Duration::from_secs(3600);

const EXAMPLES: &str = "Examples:
  cxone-insights forget --conversation 9f3c                    erases it from the data folder
  cxone-insights forget --conversation 9f3c --aws              erases it from the deployed stores
  cxone-insights forget --conversation 9f3c --report ./report  erases it from a report of a laptop too";

/// Arguments of the subcommand `forget`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Id of the conversation
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    conversation: String,
    /// Agents whose chats may hold notes of the conversation; those who wrote in it are found
    #[arg(long = "agent", value_name = "ID")]
    agents: Vec<String>,
    /// Folder of a report that a laptop wrote
    #[arg(long, value_name = "DIR")]
    report: Option<std::path::PathBuf>,
    /// Prints the result as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    local: LocalArgs,
}

/// Erases the conversation and prints what was removed.
///
/// # Errors
/// If a store fails. The same command goes on where this one ended.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let conversation = args.conversation.trim();
    let context = LocalContext::open(&args.local).await?;
    let env = &context.env;
    let backends = &context.backends;
    let mut agents = args.agents.clone();
    agents.extend(listed_agents(env.text("CHAT_AGENTS").unwrap_or_default()));
    let dead_letters = required_text(
        "EMBEDDING_DLQ_URL",
        "the URL of the SQS queue of dead letters",
    );
    let eraser = Eraser {
        state: backends.state(&StateSettings::from_env(env)?)?,
        objects: backends.objects(&ObjectSettings::from_env(env)?)?,
        vectors: Pipeline::open(&context).await?.into_vectors(),
        queued: backends
            .queued_messages(&QueueSettings::from_env(env)?, &dead_letters.read(env)?)?,
        agents,
    };
    let deadline = Deadline::within(ERASURE_TIMEOUT);
    let mut removed = eraser
        .erase(conversation, Timestamp::now(), deadline, deadline)
        .await?;
    let own_report = context.data_dir.join("report");
    let own_report = (own_report.is_dir() && !args.local.aws).then_some(own_report);
    for folder in args.report.iter().chain(&own_report) {
        let objects = Objects::open_folder(folder)?;
        let start = ObjectCursor::default();
        let erased = erase_objects(&objects, conversation, &[""], start, deadline).await?;
        removed.objects += erased.changed;
        removed.done &= erased.resume_at.is_none();
    }
    let ErasureRecord {
        state_items,
        objects,
        vectors,
        queue_messages,
        done,
        ..
    } = removed;
    if args.json {
        println!(
            "{}",
            json!({"conversation_id": conversation, "done": done, "state_items": state_items, "objects": objects, "vectors": vectors, "queue_messages": queue_messages})
        );
    } else {
        println!(
            "erased: {state_items} state items, {objects} objects, {vectors} vectors, {queue_messages} queued messages"
        );
    }
    if let Some(simulator) = context.simulator {
        simulator.shutdown().await;
    }
    ensure!(done, "the time is up; the same command goes on from here");
    Ok(())
}
