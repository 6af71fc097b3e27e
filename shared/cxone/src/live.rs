//! Live calls: the transcript so far, attributes of the interaction, suggestions to the agent.

use http::Method;
use insights_core::lenient_json;
use insights_core::live::{Segment, Speaker};
use insights_core::moments::parse_milliseconds;
use insights_http::Deadline;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::CxoneClient;
use crate::endpoints::Route;
use crate::error::Error;
use crate::request::Request;

/// Longest text of a segment in bytes. Speech recognition ends a segment at a pause, long before this.
const MAX_TEXT_BYTES: usize = 32 << 10;

/// Longest id of a suggestion in bytes, because the id is stored.
const MAX_SUGGESTION_ID_BYTES: usize = 128;

/// The part of a live transcript that one call of [`read_transcript`] returned.
#[derive(Debug, Default)]
pub struct LiveTranscript {
    /// The segments that could be read, partial ones among them.
    pub segments: Vec<Segment>,
    /// Number of segments that could not be read: wrong types, an unknown direction, a text over 32 KiB.
    pub malformed: usize,
}

/// A segment on the wire. Systems in between write its members in more forms than the contact center does.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSegment {
    text: String,
    start_time: Option<Value>,
    end_time: Option<Value>,
    direction: String,
    #[serde(default)]
    is_final: Value,
}

impl WireSegment {
    /// Returns the segment, unless it has no time, a time or the text is out of range, or nobody says it.
    ///
    /// Where one of the two times is missing, the other one stands for both: what a customer says must not be lost for it.
    fn into_segment(self) -> Option<Segment> {
        let time = |value: Option<Value>| match value {
            None | Some(Value::Null) => Some(None),
            Some(value) => parse_milliseconds(&value).map(Some),
        };
        let (start, end) = (time(self.start_time)?, time(self.end_time)?);
        let speaker = match self.direction.trim().to_ascii_lowercase().as_str() {
            "customer" => Speaker::Customer,
            "agent" => Speaker::Agent,
            _ => return None,
        };
        (self.text.len() <= MAX_TEXT_BYTES).then_some(Segment {
            text: self.text,
            start: start.or(end)?,
            end: end.or(start)?,
            speaker,
            is_final: is_true(&self.is_final),
        })
    }
}

/// Returns whether a member says yes: `true`, `"true"` in any case, 1 or `"1"`.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() == Some(1.0),
        Value::String(text) => {
            let text = text.trim();
            text == "1" || text.eq_ignore_ascii_case("true")
        }
        _ => false,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SuggestionBody<'a> {
    interaction_id: &'a str,
    suggestions: [Suggestion<'a>; 1],
}

#[derive(Serialize)]
struct Suggestion<'a> {
    r#type: &'static str,
    content: &'a str,
}

/// Reads the segments of a live call that end at or after `from` (milliseconds since 1970).
///
/// A call that has no transcript yet (404) has an empty one. A segment that cannot be read is counted and left out, because
/// it must not hide the others.
///
/// # Errors
/// As [`CxoneClient::answer`], and [`insights_http::Error::InvalidResponse`] if the answer is not a list.
pub async fn read_transcript(
    client: &CxoneClient,
    interaction_id: &str,
    from: i64,
    deadline: Deadline,
) -> Result<LiveTranscript, Error> {
    let endpoint = client
        .site()
        .endpoint(Route::LiveTranscript, &[interaction_id])?
        .query("direction", "both")
        .query("includeFinal", "true")
        .query("startTime", &from.to_string());
    let entries: Vec<Value> = match client.send(Request::get(endpoint), deadline).await {
        Err(error) if error.is_not_found() => return Ok(LiveTranscript::default()),
        entries => entries?,
    };
    let mut transcript = LiveTranscript::default();
    for entry in entries {
        let segment = serde_json::from_value::<WireSegment>(entry).ok();
        match segment.and_then(WireSegment::into_segment) {
            Some(segment) => transcript.segments.push(segment),
            None => transcript.malformed += 1,
        }
    }
    Ok(transcript)
}

/// Merges attributes into those of a live interaction.
///
/// # Errors
/// As [`CxoneClient::answer`].
pub async fn patch_attributes(
    client: &CxoneClient,
    interaction_id: &str,
    attributes: &[(&str, String)],
    deadline: Deadline,
) -> Result<(), Error> {
    let endpoint = client
        .site()
        .endpoint(Route::Attributes, &[interaction_id])?;
    let attributes: serde_json::Map<String, Value> = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone().into()))
        .collect();
    let body = serde_json::json!({ "attributes": attributes });
    let request = Request::json(Method::PATCH, endpoint, &body)?;
    client.send_unit(request, deadline).await
}

/// Shows a suggestion to the agent of a live interaction; returns the contact center's id of the suggestion, if the answer
/// names one.
///
/// `key` is the `Idempotency-Key`. A conflict (409) means that the key is known, and so that the suggestion is shown
/// already.
///
/// # Errors
/// As [`CxoneClient::answer`].
pub async fn post_suggestion(
    client: &CxoneClient,
    interaction_id: &str,
    content: &str,
    key: &str,
    deadline: Deadline,
) -> Result<Option<String>, Error> {
    let endpoint = client.site().endpoint(Route::Suggestions, &[])?;
    let body = SuggestionBody {
        interaction_id,
        suggestions: [Suggestion {
            r#type: "text",
            content,
        }],
    };
    let request = Request::json(Method::POST, endpoint, &body)?.idempotency_key(key);
    match client.answer(request, deadline).await {
        Ok(answer) if answer.body.is_empty() => Ok(None),
        Ok(answer) => {
            // A page of a proxy or of a login does not show that the suggestion is there.
            answer.json::<serde::de::IgnoredAny>()?;
            Ok(suggestion_id(&answer.body))
        }
        Err(error) if error.is_conflict() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the id in an answer, under any of the names that are in use.
fn suggestion_id(body: &[u8]) -> Option<String> {
    let answer: Value = lenient_json::from_slice(body).ok()?;
    let id = ["id", "suggestionId", "trackingId"]
        .iter()
        .find_map(|name| answer.get(name))?;
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    (id.len() <= MAX_SUGGESTION_ID_BYTES).then_some(id)
}

#[cfg(test)]
mod tests;
