//! What the files of a report are without one conversation.

use serde_json::Value;

/// Returns a file without what belongs to a conversation, or `None` if nothing of it does.
pub(super) type Filter = fn(&[u8], &str) -> anyhow::Result<Option<Vec<u8>>>;

/// Returns how a conversation is taken out of the file with a key; `None` if such a file holds no conversation.
pub(super) fn filter_of(key: &str) -> Option<Filter> {
    let name = key.rsplit('/').next().unwrap_or_default();
    match name.rsplit('.').next() {
        Some("jsonl") => Some(without_lines),
        Some("csv") => Some(without_rows),
        Some("html") => Some(without_table_rows),
        Some("json") if name == "listing.json" => Some(without_entries),
        Some("json") if name == "summary.json" => Some(without_failures_and_cards),
        _ => None,
    }
}

fn is_of(value: &Value, conversation: &str) -> bool {
    ["conversation_id", "conversationId"]
        .iter()
        .any(|name| value.get(name).and_then(Value::as_str) == Some(conversation))
}

/// Returns JSON Lines without those of a conversation.
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

/// Returns a CSV file without the rows of a conversation, whose id is in the first column.
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

/// Returns a page without the rows of tables that name a conversation as code in their first cell; each row is a line.
fn without_table_rows(content: &[u8], conversation: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let mut escaped = String::new();
    for character in conversation.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    let row = format!("<tr><td><code>{escaped}</code></td>");
    let page = std::str::from_utf8(content)?;
    if !page.contains(&row) {
        return Ok(None);
    }
    let left = page
        .split_inclusive('\n')
        .filter(|line| !line.starts_with(&row));
    Ok(Some(left.collect::<String>().into_bytes()))
}

/// Returns a list of conversations without one of them.
fn without_entries(content: &[u8], conversation: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let mut listing: Value = serde_json::from_slice(content)?;
    let mut removed = false;
    if let Some(chunks) = listing.get_mut("chunks").and_then(Value::as_array_mut) {
        for chunk in chunks.iter_mut().filter_map(Value::as_array_mut) {
            let before = chunk.len();
            chunk.retain(|entry| !is_of(entry, conversation));
            removed |= chunk.len() != before;
        }
    }
    encode_if(removed, &listing)
}

/// Returns a summary that neither names the transcript of one conversation as failed nor shows its card.
fn without_failures_and_cards(
    content: &[u8],
    conversation: &str,
) -> anyhow::Result<Option<Vec<u8>>> {
    let mut summary: Value = serde_json::from_slice(content)?;
    let mut removed = false;
    for list in ["failed_transcripts", "worst_calls"] {
        if let Some(entries) = summary.get_mut(list).and_then(Value::as_array_mut) {
            let before = entries.len();
            entries.retain(|entry| !is_of(entry, conversation));
            removed |= entries.len() != before;
        }
    }
    encode_if(removed, &summary)
}

fn encode_if(removed: bool, value: &Value) -> anyhow::Result<Option<Vec<u8>>> {
    Ok(removed
        .then(|| serde_json::to_vec_pretty(value))
        .transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(key: &str, content: &str, conversation: &str) -> Option<String> {
        let filter = filter_of(key).unwrap();
        let left = filter(content.as_bytes(), conversation).unwrap();
        left.map(|left| String::from_utf8(left).unwrap())
    }

    #[test]
    fn rows_and_lines_of_one_conversation_go() {
        let csv = "\u{feff}conversation_id,text\nc-1,\"two\nlines CANARY\"\nc-2,kept\n'=c,kept\n";
        assert_eq!(
            left("r/conversations.csv", csv, "c-1").unwrap(),
            "\u{feff}conversation_id,text\nc-2,kept\n'=c,kept\n"
        );
        assert_eq!(left("r/conversations.csv", csv, "c-9"), None);
        let lines =
            "{\"conversation_id\":\"c-1\",\"text\":\"CANARY\"}\n{\"conversation_id\":\"c-2\"}\n";
        assert_eq!(
            left("p/00000.gaps.jsonl", lines, "c-1").unwrap(),
            "{\"conversation_id\":\"c-2\"}\n"
        );
    }

    #[test]
    fn lists_summaries_and_pages_name_it_no_more() {
        let listing = r#"{"unusable":0,"chunks":[[{"conversation_id":"c-1"},{"conversation_id":"c-2"}],[{"conversation_id":"c-1"}]]}"#;
        let without = left("p/listing.json", listing, "c-1").unwrap();
        assert!(!without.contains("c-1") && without.contains("c-2"));
        let summary = r#"{"failed_transcripts":[{"conversation_id":"c-1","reason":"c-1 failed"}],"worst_calls":[{"conversation_id":"c-1","card":{}}],"topics":[]}"#;
        let without = left("r/summary.json", summary, "c-1").unwrap();
        assert!(!without.contains("c-1") && without.contains("topics"));
        let page = "<table>\n<tr><td><code>c&lt;1</code></td><td class=\"wrap\">failed</td></tr>\n<tr><td><code>c-2</code></td></tr>\n";
        assert_eq!(
            left("r/report.html", page, "c<1").unwrap(),
            "<table>\n<tr><td><code>c-2</code></td></tr>\n"
        );
        assert!(filter_of("r/plots/topics.png").is_none());
    }
}
