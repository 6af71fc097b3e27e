//! The transcript of a past conversation.

use insights_core::analytics::{Line, Speaker};
use insights_http::{Answer, Deadline};
use serde::Deserialize;
use serde_json::Value;

use super::instant::parse_instant;
use crate::client::CxoneClient;
use crate::endpoints::Route;
use crate::error::Error;
use crate::request::Request;

/// What agent and customer said in a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TranscriptLines {
    /// The lines in the contact center's order, without lines of the system.
    pub lines: Vec<Line>,
    /// The number of entries that are no lines and are left out.
    pub unreadable: usize,
}

/// Reads what agent and customer said in a conversation. `None` says that the conversation has no transcript: the answer is 404
/// or 204, or a success without a body.
///
/// An entry that is no line is counted and left out, because it must not hide the others.
///
/// # Errors
/// As [`CxoneClient::answer`]; [`insights_http::Error::Invalid`] if the id cannot be part of a path;
/// [`insights_http::Error::InvalidResponse`] if the answer is no list, or a list in which no entry is a line.
pub async fn read_transcript(
    client: &CxoneClient,
    conversation_id: &str,
    deadline: Deadline,
) -> Result<Option<TranscriptLines>, Error> {
    let endpoint = client
        .site()
        .endpoint(Route::ConversationTranscript, &[conversation_id])?;
    match client.answer(Request::get(endpoint), deadline).await {
        Ok(answer) => read_answer(&answer),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the lines of a successful answer.
fn read_answer(answer: &Answer) -> Result<Option<TranscriptLines>, Error> {
    if answer.body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let entries: Vec<Value> = answer.json()?;
    let count = entries.len();
    let transcript = read_entries(entries);
    if count > 0 && transcript.unreadable == count {
        let reason = format!("none of its {count} entries is a line");
        return Err(Error::invalid_response(&answer.endpoint, reason));
    }
    Ok(Some(transcript))
}

/// Reads the entries of a transcript.
fn read_entries(entries: Vec<Value>) -> TranscriptLines {
    let mut transcript = TranscriptLines::default();
    for entry in entries {
        match serde_json::from_value::<WireLine>(entry) {
            Ok(line) => transcript.lines.extend(line.into_line()),
            Err(_) => transcript.unreadable += 1,
        }
    }
    transcript
}

/// A line of a transcript on the wire: a line without its author says nothing about agent or customer.
#[derive(Deserialize)]
struct WireLine {
    author: WireAuthor,
    text: Option<String>,
    timestamp: Option<Value>,
}

/// The author of a line; some systems write the kind alone, `"author": "customer"`.
#[derive(Deserialize)]
#[serde(untagged)]
enum WireAuthor {
    Object {
        #[serde(rename = "type")]
        kind: String,
    },
    Kind(String),
}

impl WireLine {
    /// Returns the line if the agent or the customer said it; the lines of the system and of others are no part of a transcript.
    fn into_line(self) -> Option<Line> {
        let (WireAuthor::Object { kind } | WireAuthor::Kind(kind)) = self.author;
        let speaker = match kind.trim().to_ascii_lowercase().as_str() {
            "agent" => Speaker::Agent,
            "customer" => Speaker::Customer,
            _ => return None,
        };
        Some(Line {
            speaker,
            text: self.text.unwrap_or_default(),
            at: self.timestamp.as_ref().and_then(parse_instant),
        })
    }
}

#[cfg(test)]
mod tests {
    use insights_http::Error as HttpError;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Result<Option<TranscriptLines>, Error> {
        read_answer(&Answer {
            endpoint: "/transcripts".to_owned(),
            status: http::StatusCode::from_u16(status).expect("a status"),
            headers: http::HeaderMap::new(),
            body: body.as_bytes().into(),
        })
    }

    fn lines(body: &'static str) -> TranscriptLines {
        answer(200, body).expect("an answer").expect("a transcript")
    }

    #[test]
    fn only_what_agent_and_customer_say_is_read() {
        let found = lines(
            r#"[{"text": "Contact connected", "author": {"type": "system"}, "timestamp": 1},
                {"text": "Hi", "author": {"type": "Agent"}, "timestamp": "2026-11-02T09:00:00Z"},
                {"text": null, "author": {"type": "customer"}},
                {"text": "Hello", "author": {"type": "customer"}, "timestamp": 1793610001500}]"#,
        );
        let said: Vec<_> = found
            .lines
            .iter()
            .map(|line| (line.speaker, line.text.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (Speaker::Agent, "Hi"),
                (Speaker::Customer, ""),
                (Speaker::Customer, "Hello")
            ]
        );
        assert_eq!(found.lines[0].at, "2026-11-02T09:00:00Z".parse().ok());
        assert_eq!(found.lines[2].at, "2026-11-02T09:00:01.5Z".parse().ok());
        assert_eq!(found.unreadable, 0);
    }

    #[test]
    fn an_entry_that_is_no_line_is_counted_and_hides_no_other() {
        let found = lines(
            r#"[null, {"text": "lost"}, {"text": "bot", "author": {}}, 7, [], {"text": "five", "author": {"type": 5}},
                {"text": {"a": 1}, "author": {"type": "agent"}}, {"text": "three", "author": ["customer"]},
                {"text": "Good morning", "author": {"type": "agent"}, "timestamp": {"odd": true}}]"#,
        );
        assert_eq!((found.lines.len(), found.unreadable), (1, 8));
        assert_eq!(found.lines[0].text, "Good morning");
    }

    #[test]
    fn an_author_may_be_its_kind_alone_and_a_character_may_be_cut() {
        let found = lines(
            r#"[{"text": "one \ud83d", "author": {"type": "customer"}, "confidence": 1e400}, {"text": "two", "author": "Agent"}]"#,
        );
        let said: Vec<_> = found
            .lines
            .iter()
            .map(|line| (line.speaker, line.text.as_str()))
            .collect();
        assert_eq!(
            said,
            [(Speaker::Customer, "one \u{fffd}"), (Speaker::Agent, "two")]
        );
    }

    #[test]
    fn a_list_of_another_shape_is_an_invalid_answer_and_no_silence() {
        for body in [
            r#"[{"Content": "Hello", "ParticipantId": "CUSTOMER"}]"#,
            "[null, null]",
            r#"{"error": "query limit exceeded"}"#,
            r#"{"transcripts": []}"#,
            "null",
            "<html>",
        ] {
            let error = answer(200, body).expect_err(body);
            assert!(
                matches!(error, Error::Http(HttpError::InvalidResponse { .. })),
                "{body}: {error}"
            );
            assert!(!error.to_string().contains("Hello"), "{error}");
        }
    }

    #[test]
    fn an_answer_without_a_body_means_that_there_is_no_transcript() {
        assert_eq!(answer(204, "").expect("an answer"), None);
        assert_eq!(answer(200, " \n").expect("an answer"), None);
        assert_eq!(lines("[]"), TranscriptLines::default());
    }
}
