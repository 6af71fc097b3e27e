//! The subcommand `forget`: erases one conversation from every store and records that it was done.
//!
//! Order matters: the vector store learns first that the conversation is gone, so that a message of the queue that is processed
//! meanwhile does not bring it back; then queue and dead letters, the state table, and the objects.

use anyhow::{Context, ensure};
use backends::erasure::{ErasureRecord, erase_state, record_erasure};
use backends::settings::{ObjectSettings, StateSettings};
use clap::builder::NonEmptyStringValueParser;
use insights_core::webhook::MAX_ID_BYTES;
use jiff::Timestamp;
use serde_json::{Value, json};
use store::objects::Objects;

use crate::dlq::forget_queued;
use crate::local_context::{LocalArgs, LocalContext};
use crate::pipeline::Pipeline;

/// Returns a file without what belongs to a conversation, or `None` if nothing of it does.
type Filter = fn(&[u8], &str) -> anyhow::Result<Option<Vec<u8>>>;

const EXAMPLES: &str = "Examples:
  cxone-insights forget --conversation 9f3c                    erases it from the data folder
  cxone-insights forget --conversation 9f3c --aws              erases it from the deployed stores
  cxone-insights forget --conversation 9f3c --report ./report  erases it from a report of a laptop too";

/// The names of the folders of reports in the object store.
const REPORT_FOLDERS: [&str; 2] = ["reports/", "parts/"];

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
    ensure!(
        !conversation.is_empty() && conversation.len() <= MAX_ID_BYTES,
        "the id of a conversation has 1 to {MAX_ID_BYTES} bytes"
    );
    let context = LocalContext::open(&args.local).await?;
    let now = Timestamp::now();
    let state = context
        .backends
        .state(&StateSettings::from_env(&context.env)?)?;
    let objects = context
        .backends
        .objects(&ObjectSettings::from_env(&context.env)?)?;
    let mut agents = args.agents.clone();
    let listed = context.env.text("CHAT_AGENTS").unwrap_or_default();
    agents.extend(
        listed
            .split(',')
            .map(str::trim)
            .filter(|agent| !agent.is_empty())
            .map(str::to_owned),
    );

    let vectors = Pipeline::open(&context)
        .await?
        .forget(conversation)
        .await
        .context("the vectors were not erased")?;
    let queue_messages = forget_queued(&args.local, conversation)
        .await
        .context("the queue was not cleared of the conversation")?;
    let state_items = erase_state(&state, conversation, &agents, now)
        .await
        .context("the state table was not cleared of the conversation")?;
    let mut erased = erase_objects(&objects, conversation, &REPORT_FOLDERS).await?;
    if let Some(folder) = &args.report {
        erased += erase_objects(&Objects::open_folder(folder)?, conversation, &[""]).await?;
    }
    let record = ErasureRecord {
        erased_at: String::new(),
        state_items,
        objects: erased,
        vectors,
        queue_messages,
    };
    record_erasure(&state, conversation, &record, now)
        .await
        .context("the record of the erasure was not written")?;
    if args.json {
        println!(
            "{}",
            json!({"conversation_id": conversation, "state_items": state_items, "objects": erased, "vectors": vectors, "queue_messages": queue_messages})
        );
    } else {
        println!(
            "erased: {state_items} state items, {erased} objects, {vectors} vectors, {queue_messages} queued messages"
        );
    }
    if let Some(simulator) = context.simulator {
        simulator.shutdown().await;
    }
    Ok(())
}

/// Deletes the archive of a conversation, and writes the files of reports again without it. Returns the number of objects.
async fn erase_objects(
    objects: &Objects,
    conversation: &str,
    folders: &[&str],
) -> anyhow::Result<usize> {
    let mut changed = 0;
    let archive = chat_session::archive::object_key(conversation);
    if objects.size(&archive).await?.is_some() {
        objects
            .delete(&archive)
            .await
            .context("the archive was not deleted")?;
        changed += 1;
    }
    for folder in folders {
        for entry in objects.list(folder).await? {
            let filter: Filter = match entry.key.rsplit('.').next() {
                Some("jsonl") => without_lines,
                Some("csv") => without_rows,
                Some("json") if entry.key.ends_with("listing.json") => without_entries,
                _ => continue,
            };
            let Some(content) = objects.get(&entry.key).await? else {
                continue;
            };
            let left = filter(&content, conversation)
                .with_context(|| format!("{} cannot be read", entry.key))?;
            if let Some(left) = left {
                objects.put(&entry.key, left).await?;
                changed += 1;
            }
        }
    }
    Ok(changed)
}

fn is_of(value: &Value, conversation: &str) -> bool {
    ["conversation_id", "conversationId"]
        .iter()
        .any(|name| value.get(name).and_then(Value::as_str) == Some(conversation))
}

/// Returns JSON Lines without those of a conversation; `None` if there was none.
fn without_lines(content: &[u8], conversation: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let mut left = Vec::with_capacity(content.len());
    let mut removed = false;
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let is_own =
            serde_json::from_slice::<Value>(line).is_ok_and(|value| is_of(&value, conversation));
        removed |= is_own;
        if !is_own {
            left.extend_from_slice(line);
        }
    }
    Ok(removed.then_some(left))
}

/// Returns a CSV file without the rows of a conversation, whose id is in the first column; `None` if there was none.
fn without_rows(content: &[u8], conversation: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let mark = if content.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(&content[mark..]);
    let mut writer = csv::Writer::from_writer(content[..mark].to_vec());
    let mut removed = false;
    for record in reader.byte_records() {
        let record = record?;
        // A sign of a formula in front of an id is written behind an apostrophe.
        let id = record.get(0).unwrap_or_default();
        let is_own = id.strip_prefix(b"'").unwrap_or(id) == conversation.as_bytes()
            || id == conversation.as_bytes();
        removed |= is_own;
        if !is_own {
            writer.write_byte_record(&record)?;
        }
    }
    Ok(removed.then_some(
        writer
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?,
    ))
}

/// Returns a list of conversations without one of them; `None` if it was not in the list.
fn without_entries(content: &[u8], conversation: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let mut listing: Value = serde_json::from_slice(content)?;
    let Some(conversations) = listing
        .get_mut("conversations")
        .and_then(Value::as_array_mut)
    else {
        return Ok(None);
    };
    let before = conversations.len();
    conversations.retain(|entry| !is_of(entry, conversation));
    if conversations.len() == before {
        return Ok(None);
    }
    Ok(Some(serde_json::to_vec(&listing)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_lines_of_one_conversation_go() {
        let csv = "\u{feff}conversation_id,text\nc-1,\"two\nlines CANARY\"\nc-2,kept\n'=c,kept\n";
        let left = without_rows(csv.as_bytes(), "c-1").unwrap().unwrap();
        assert_eq!(
            String::from_utf8(left).unwrap(),
            "\u{feff}conversation_id,text\nc-2,kept\n'=c,kept\n"
        );
        assert_eq!(without_rows(csv.as_bytes(), "c-9").unwrap(), None);
        let lines =
            "{\"conversation_id\":\"c-1\",\"text\":\"CANARY\"}\n{\"conversation_id\":\"c-2\"}\n";
        let left = without_lines(lines.as_bytes(), "c-1").unwrap().unwrap();
        assert_eq!(
            String::from_utf8(left).unwrap(),
            "{\"conversation_id\":\"c-2\"}\n"
        );
        let listing = br#"{"unusable":0,"conversations":[{"conversation_id":"c-1"},{"conversation_id":"c-2"}]}"#;
        let left = without_entries(listing, "c-1").unwrap().unwrap();
        assert!(!String::from_utf8(left).unwrap().contains("c-1"));
    }

    #[tokio::test]
    async fn an_archive_and_the_files_of_a_report_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open_folder(folder.path()).unwrap();
        objects
            .put("archive/c-1.jsonl", "{\"conversationId\":\"c-1\"}\n")
            .await
            .unwrap();
        objects
            .put("archive/c-2.jsonl", "{\"conversationId\":\"c-2\"}\n")
            .await
            .unwrap();
        objects
            .put("reports/r/conversations.csv", "conversation_id\nc-1\nc-2\n")
            .await
            .unwrap();
        objects
            .put(
                "reports/r/parts/all/00000.jsonl",
                "{\"conversation_id\":\"c-1\"}\n",
            )
            .await
            .unwrap();
        assert_eq!(
            erase_objects(&objects, "c-1", &REPORT_FOLDERS)
                .await
                .unwrap(),
            3
        );
        for entry in objects.list("").await.unwrap() {
            let content = objects.get(&entry.key).await.unwrap().unwrap();
            assert!(
                !String::from_utf8_lossy(&content).contains("c-1"),
                "{}",
                entry.key
            );
        }
        assert!(objects.get("archive/c-2.jsonl").await.unwrap().is_some());
        assert_eq!(
            erase_objects(&objects, "c-1", &REPORT_FOLDERS)
                .await
                .unwrap(),
            0
        );
    }
}
