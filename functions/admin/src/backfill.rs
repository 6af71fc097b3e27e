//! Embeds conversations from objects of the bucket: payloads of webhooks as JSON lines, or archives of chats.

use anyhow::{Context, bail};
use embedding::indexer::{Indexed, NotIndexed};
use insights_core::WithCauses;
use insights_core::chat::archive::decode_lines;
use insights_core::chat::archive_key::is_card_key;
use insights_core::webhook::WebhookEvent;
use insights_http::Deadline;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::Deps;
use crate::task::{BackfillCursor, Reply};

/// Lines that are embedded together.
const BATCH_LINES: usize = 32;
/// Largest size of an object, which is read as a whole.
const MAX_OBJECT_BYTES: u64 = 256 * 1024 * 1024;

/// Embeds the conversations of all objects below a prefix, in the order of their keys, until none is left or the time ends.
/// What cannot be embedded is counted and left out.
///
/// # Errors
/// If a store fails, or the provider keeps failing before anything was done; the same event goes on behind what is done.
pub(crate) async fn backfill(
    deps: &Deps,
    prefix: &str,
    cursor: Option<BackfillCursor>,
    stop: Deadline,
    deadline: Deadline,
    now: Timestamp,
) -> anyhow::Result<Reply> {
    let objects = deps.objects.list(prefix).await;
    let objects = objects.context("the objects were not listed")?;
    let mut reply = Reply::default();
    let start = cursor.unwrap_or(BackfillCursor {
        key: String::new(),
        lines: 0,
    });
    for object in objects {
        // A card says nothing that its archive does not.
        if object.key < start.key || is_card_key(&object.key) {
            continue;
        }
        let done = if object.key == start.key {
            start.lines
        } else {
            0
        };
        if object.bytes > MAX_OBJECT_BYTES {
            tracing::warn!(
                key = object.key,
                bytes = object.bytes,
                "the object is too large to be embedded"
            );
            reply.count("rejected", 1);
            continue;
        }
        let Some(content) = deps.objects.get(&object.key).await? else {
            continue;
        };
        let events = match read_events(&content, now, &object.key, &mut reply, done) {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(key = object.key, cause = %WithCauses(error.as_ref()), "the object holds no conversations");
                reply.count("rejected", 1);
                continue;
            }
        };
        reply.count("objects", 1);
        for batch in events.chunks(BATCH_LINES) {
            let resumed_at = BackfillCursor {
                key: object.key.clone(),
                lines: batch.first().map_or(done, |(line, _)| *line),
            };
            if stop.has_passed() {
                reply.cursor = Some(serde_json::to_value(resumed_at)?);
                return Ok(reply);
            }
            let events = batch.iter().map(|(_, event)| event.clone()).collect();
            let results = deps.indexer.index(events, deadline).await;
            if let Some(failed) = count_results(results, &mut reply) {
                return stop_at(resumed_at, failed, reply);
            }
        }
    }
    reply.done = true;
    Ok(reply)
}

/// Counts the results of a batch, and returns the failure of the first conversation that may be embedded later.
fn count_results(
    results: Vec<Result<Indexed, NotIndexed>>,
    reply: &mut Reply,
) -> Option<NotIndexed> {
    let mut later = None;
    for result in results {
        match result {
            Ok(Indexed::Stored { chunks }) => {
                reply.count("stored", 1);
                reply.count("chunks", chunks as u64);
            }
            Ok(Indexed::Removed) => reply.count("removed", 1),
            Ok(Indexed::Unchanged | Indexed::Outdated) => reply.count("unchanged", 1),
            Err(rejected @ NotIndexed::Rejected { .. }) => {
                tracing::warn!(cause = %WithCauses(&rejected), "the conversation cannot be embedded");
                reply.count("rejected", 1);
            }
            Err(failed @ NotIndexed::Later { .. }) => later = later.or(Some(failed)),
        }
    }
    later
}

/// Replies where to go on after a failure that may pass; a call that did nothing at all fails instead, so that its caller
/// does not repeat it for ever.
fn stop_at(
    resumed_at: BackfillCursor,
    failed: NotIndexed,
    mut reply: Reply,
) -> anyhow::Result<Reply> {
    let worked = ["stored", "removed", "unchanged"];
    if !worked.iter().any(|name| reply.counts.contains_key(*name)) {
        return Err(anyhow::Error::new(failed).context("the backfill made no progress"));
    }
    tracing::warn!(cause = %WithCauses(&failed), "the backfill stopped and goes on later");
    reply.cursor = Some(serde_json::to_value(resumed_at)?);
    Ok(reply)
}

/// Reads the conversations of an object, each with the number of lines before it. The first `done` lines are left out.
fn read_events(
    content: &[u8],
    now: Timestamp,
    key: &str,
    reply: &mut Reply,
    done: usize,
) -> anyhow::Result<Vec<(usize, WebhookEvent)>> {
    let text = std::str::from_utf8(content).context("it is not UTF-8")?;
    let first = text.lines().find(|line| !line.trim().is_empty());
    let Some(first) = first else {
        return Ok(Vec::new());
    };
    let first: Map<String, Value> = serde_json::from_str(first).map_err(|error| {
        // The message of the parser may quote the text.
        anyhow::anyhow!(
            "its first line is no JSON object (column {})",
            error.column()
        )
    })?;
    if !first.contains_key("event") {
        let event = if done == 0 {
            archived_chat(text)?
        } else {
            None
        };
        return Ok(event.map(|event| (0, event)).into_iter().collect());
    }
    let mut events = Vec::new();
    for (line, text) in text.lines().enumerate().skip(done) {
        if text.trim().is_empty() {
            continue;
        }
        match WebhookEvent::parse(text.as_bytes(), now) {
            Ok(event) => events.push((line, event)),
            Err(invalid) => {
                tracing::warn!(key, line = line + 1, cause = %WithCauses(&invalid), "the line is no payload of a webhook");
                reply.count("rejected", 1);
            }
        }
    }
    Ok(events)
}

/// Returns the conversation of an archived chat, as a webhook at the moment of its last message would send it.
fn archived_chat(text: &str) -> anyhow::Result<Option<WebhookEvent>> {
    let lines = decode_lines(text)?;
    let Some(first) = lines.first() else {
        return Ok(None);
    };
    let conversation_id = first.message.conversation_id.clone();
    if lines
        .iter()
        .any(|line| line.message.conversation_id != conversation_id)
    {
        bail!("it holds messages of more than one conversation");
    }
    let last = lines.iter().map(|line| line.message.timestamp_ms).max();
    let timestamp = Timestamp::from_millisecond(last.unwrap_or_default())
        .context("the time of its last message is out of range")?;
    let turns: Vec<Value> = lines
        .iter()
        .map(|line| json!({"speaker": line.message.from.kind, "text": line.message.text}))
        .collect();
    let data = Map::from_iter([("transcript".to_owned(), Value::Array(turns))]);
    Ok(Some(WebhookEvent {
        timestamp,
        conversation_id,
        data,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, done: usize) -> anyhow::Result<(Vec<(usize, WebhookEvent)>, Reply)> {
        let mut reply = Reply::default();
        let now = "2026-02-01T00:00:00Z".parse().unwrap();
        let events = read_events(text.as_bytes(), now, "k", &mut reply, done)?;
        Ok((events, reply))
    }

    fn payload(id: &str) -> String {
        json!({"event": "conversation.completed", "timestamp": "2026-01-15T10:30:00Z", "conversationId": id,
            "data": {"subject": "Refund"}})
        .to_string()
    }

    #[test]
    fn payloads_are_read_by_line_and_what_is_wrong_is_counted() {
        let text = format!("{}\n\nnot JSON\n{}\n", payload("a"), payload("b"));
        let (events, reply) = read(&text, 0).unwrap();
        let found: Vec<_> = events
            .iter()
            .map(|(line, event)| (*line, event.conversation_id.as_str()))
            .collect();
        assert_eq!(found, [(0, "a"), (3, "b")]);
        assert_eq!(reply.counts["rejected"], 1);
        let (rest, _) = read(&text, 3).unwrap();
        assert_eq!(rest.len(), 1);
        assert!(read("", 0).unwrap().0.is_empty());
    }

    #[test]
    fn an_archived_chat_is_one_conversation_with_its_speakers() {
        let line = |kind: &str, text: &str, at: i64| {
            json!({"conversationId": "c-1", "from": {"type": kind, "id": "u"}, "text": text, "timestamp": at,
                "source": "both"})
            .to_string()
        };
        let text = [
            line("customer", "My refund?", 1000),
            line("agent", "Soon", 2000),
        ]
        .join("\n");
        let (events, _) = read(&text, 0).unwrap();
        let (_, event) = &events[0];
        assert_eq!(event.conversation_id, "c-1");
        assert_eq!(event.timestamp, Timestamp::from_second(2).unwrap());
        assert_eq!(event.data["transcript"][1]["speaker"], "agent");
        assert!(
            read(&text, 1).unwrap().0.is_empty(),
            "it is done as a whole"
        );
        let error = read("canary words", 0).unwrap_err();
        assert!(!format!("{error:#}").contains("canary"));
    }
}
