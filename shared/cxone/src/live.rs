//! Live calls: the transcript so far, attributes of the interaction, suggestions to the agent.

use http::Method;
use insights_core::live::{Segment, Speaker};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::endpoints::Route;
use crate::{CxoneClient, Request};
use insights_http::{Deadline, Error};

/// A segment's longest text in bytes; recognisers end a segment at a pause, long before this.
const MAX_TEXT: usize = 32 << 10;

/// What a poll brought.
#[derive(Debug, Default)]
pub struct Transcript {
    /// The segments that could be read, partials among them.
    pub segments: Vec<Segment>,
    /// How many could not: wrong types, an unknown direction, a text over 32 KB.
    pub malformed: usize,
}

/// A segment on the wire; times in ms, as a whole number or as one with a decimal point.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    text: String,
    start_time: f64,
    end_time: f64,
    direction: Speaker,
    #[serde(default)]
    is_final: bool,
}

impl Wire {
    fn segment(self) -> Option<Segment> {
        // Whole numbers up to 2^53 pass through an f64 unchanged; in ms that is 285,000 years.
        let whole = |time: f64| (time.abs() < 9e15).then(|| time.round() as i64);
        let (start, end) = (whole(self.start_time)?, whole(self.end_time)?);
        (self.text.len() <= MAX_TEXT).then_some(Segment {
            text: self.text,
            start,
            end,
            speaker: self.direction,
            is_final: self.is_final,
        })
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

impl CxoneClient {
    /// The segments of a call that end at or after `from` (epoch ms). No transcript yet (404) is an empty one.
    ///
    /// A segment that cannot be read is counted and left out: it must not hide the others.
    ///
    /// # Errors
    /// As [`CxoneClient::answer`], and [`Error::InvalidResponse`] if the answer is not a list.
    pub async fn live_transcript(
        &self,
        interaction: &str,
        from: i64,
        deadline: Deadline,
    ) -> Result<Transcript, Error> {
        let endpoint = self
            .site()
            .endpoint(Route::LiveTranscript, &[interaction])?
            .query("direction", "both")
            .query("includeFinal", "true")
            .query("startTime", &from.to_string());
        let entries = match self
            .send::<Vec<Value>>(Request::get(endpoint), deadline)
            .await
        {
            Err(Error::NotFound { .. }) => return Ok(Transcript::default()),
            entries => entries?,
        };
        let mut transcript = Transcript::default();
        for entry in entries {
            let wire = serde_json::from_value::<Wire>(entry).ok();
            match wire.and_then(Wire::segment) {
                Some(segment) => transcript.segments.push(segment),
                None => transcript.malformed += 1,
            }
        }
        Ok(transcript)
    }

    /// Merges attributes into those of an interaction.
    ///
    /// # Errors
    /// As [`CxoneClient::answer`].
    pub async fn patch_attributes(
        &self,
        interaction: &str,
        attributes: &[(&str, String)],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let endpoint = self.site().endpoint(Route::Attributes, &[interaction])?;
        let attributes: serde_json::Map<String, Value> = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone().into()))
            .collect();
        let body = serde_json::json!({ "attributes": attributes });
        self.send_unit(Request::json(Method::PATCH, endpoint, &body)?, deadline)
            .await
    }

    /// Shows a suggestion to the agent of an interaction; gives the contact centre's id of it, if it names one.
    ///
    /// `key` is the `Idempotency-Key`. A conflict (409) means that the key is known: the suggestion is there.
    ///
    /// # Errors
    /// As [`CxoneClient::answer`].
    pub async fn suggest(
        &self,
        interaction: &str,
        content: &str,
        key: &str,
        deadline: Deadline,
    ) -> Result<Option<String>, Error> {
        let endpoint = self.site().endpoint(Route::Suggestions, &[])?;
        let body = SuggestionBody {
            interaction_id: interaction,
            suggestions: [Suggestion {
                r#type: "text",
                content,
            }],
        };
        let request = Request::json(Method::POST, endpoint, &body)?.idempotency_key(key);
        match self.answer(request, deadline).await {
            Ok(answer) => Ok(suggestion_id(&answer.body)),
            Err(Error::Rejected { status: 409, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The id in an answer, under any of the names that are in use; at most 128 bytes, since it is kept.
fn suggestion_id(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let id = ["id", "suggestionId", "trackingId"]
        .iter()
        .find_map(|name| answer.get(name))?;
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    (id.len() <= 128).then_some(id)
}

#[cfg(test)]
mod tests;
