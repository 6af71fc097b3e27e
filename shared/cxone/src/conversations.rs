//! Past conversations: the analytics list, page by page, and the transcript of each conversation.

use http::Method;
use insights_core::analytics::{Conversation, Line, Speaker};
use insights_core::lenient_json::LenientList;
use insights_http::Deadline;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::CxoneClient;
use crate::endpoints::Route;
use crate::error::Error;
use crate::pages::{Page, PageLimits, Pages, RepeatedLink};
use crate::request::Request;

/// A list of more pages than this has no end: a day of a large contact center has some hundred.
const MAX_PAGES: usize = 100_000;

/// What the list is asked for: the conversations that began in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationQuery {
    /// The start of the period, inclusive.
    pub from: Timestamp,
    /// The end of the period, exclusive.
    pub to: Timestamp,
}

impl ConversationQuery {
    /// Returns the body of every page's request.
    fn body(self) -> Value {
        json!({
            "reportName": "conversation_details",
            "interval": "PT1H",
            "startDate": self.from.to_string(),
            "endDate": self.to.to_string(),
            "groupBy": ["conversationId"],
            "metrics": ["count", "duration"],
            "filters": [{"dimension": "channel", "operator": "EQUALS", "values": ["voice", "chat", "email"]}],
        })
    }
}

/// A page of the list of conversations.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationPage {
    /// The conversations of the page, in the server's order.
    pub conversations: Vec<Conversation>,
    /// Number of rows that name no conversation.
    pub unusable: usize,
}

/// The pages of the list of conversations, read one after the other.
#[derive(Debug)]
pub struct ConversationPages<'a>(Pages<'a, WirePage>);

impl<'a> ConversationPages<'a> {
    /// Builds the pages of a query. Every page is asked for by a POST with the same body.
    ///
    /// # Errors
    /// [`insights_http::Error::Invalid`] if the profile's path takes an id.
    pub fn new(client: &'a CxoneClient, query: ConversationQuery) -> Result<Self, Error> {
        let endpoint = client.site().endpoint(Route::ConversationQuery, &[])?;
        let first = Request::json(Method::POST, endpoint, &query.body())?;
        let limits = PageLimits {
            max_pages: MAX_PAGES,
            repeated_link: RepeatedLink::EndsList,
        };
        Ok(Self(Pages::new(client, first, limits)))
    }

    /// Reads the next page; `None` after the last one, and where a link leads back to a page that was read.
    ///
    /// # Errors
    /// As [`Pages::next_page`]. After an error the same page is asked for again.
    pub async fn next_page(
        &mut self,
        deadline: Deadline,
    ) -> Result<Option<ConversationPage>, Error> {
        let Some(page) = self.0.next_page(deadline).await? else {
            return Ok(None);
        };
        let rows = page.data.unwrap_or_default();
        let listed = rows.elements.len() + rows.skipped;
        let conversations: Vec<_> = rows
            .elements
            .into_iter()
            .filter_map(WireConversation::into_conversation)
            .collect();
        Ok(Some(ConversationPage {
            unusable: listed - conversations.len(),
            conversations,
        }))
    }
}

/// Reads the lines that agent and customer said in a conversation, in order; `None` if it has no transcript (404).
///
/// A line of an unknown shape is left out with a warning, because it must not hide the others.
///
/// # Errors
/// As [`CxoneClient::send`]; [`insights_http::Error::Invalid`] if the id cannot be part of a path.
pub async fn read_transcript(
    client: &CxoneClient,
    conversation_id: &str,
    deadline: Deadline,
) -> Result<Option<Vec<Line>>, Error> {
    let endpoint = client
        .site()
        .endpoint(Route::ConversationTranscript, &[conversation_id])?;
    match client
        .send::<LenientList<WireLine>>(Request::get(endpoint), deadline)
        .await
    {
        Ok(lines) => {
            if lines.skipped > 0 {
                tracing::warn!(
                    conversation_id,
                    skipped = lines.skipped,
                    "transcript lines of an unknown shape were left out"
                );
            }
            let lines = lines.elements.into_iter();
            Ok(Some(lines.filter_map(WireLine::into_line).collect()))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage {
    data: Option<LenientList<WireConversation>>,
    next_link: Option<String>,
}

impl Page for WirePage {
    fn next_link(&self) -> Option<&str> {
        self.next_link.as_deref()
    }
}

/// A row on the wire: everything but the id may be missing, and numbers may be strings.
#[derive(Debug, Deserialize)]
struct WireConversation {
    #[serde(rename = "conversationId")]
    conversation_id: Option<Value>,
    start_time: Option<Value>,
    duration: Option<Value>,
    disposition: Option<Value>,
}

impl WireConversation {
    /// Returns the conversation, unless the row does not name one.
    fn into_conversation(self) -> Option<Conversation> {
        let conversation_id = non_empty_text(self.conversation_id)?;
        let start_time = self
            .start_time
            .and_then(|value| match parse_instant(&value) {
                Some(at) => Some(at.to_string()),
                None => non_empty_text(Some(value)),
            });
        let duration = match self.duration {
            Some(Value::Number(seconds)) => seconds.as_f64(),
            Some(Value::String(seconds)) => seconds.trim().parse().ok(),
            _ => None,
        };
        Some(Conversation {
            conversation_id,
            start_time: start_time.unwrap_or_default(),
            duration_seconds: duration
                .filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
                .unwrap_or(0.0),
            disposition: non_empty_text(self.disposition).unwrap_or_else(|| "unknown".to_owned()),
        })
    }
}

/// A line of a transcript on the wire.
#[derive(Deserialize)]
struct WireLine {
    text: Option<Value>,
    author: Option<Value>,
    timestamp: Option<Value>,
}

impl WireLine {
    /// Returns the line if the agent or the customer said it.
    fn into_line(self) -> Option<Line> {
        let author = self.author?;
        // Some systems write the kind of author alone: "author": "customer".
        let kind = author.get("type").unwrap_or(&author).as_str()?;
        let speaker = match kind.to_ascii_lowercase().as_str() {
            "agent" => Speaker::Agent,
            "customer" => Speaker::Customer,
            _ => return None,
        };
        let text = match self.text {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        Some(Line {
            speaker,
            text,
            at: self.timestamp.as_ref().and_then(parse_instant),
        })
    }
}

/// Returns a text that is not empty, or a number as a text.
fn non_empty_text(value: Option<Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Parses a moment: ISO 8601 with an offset, or without one as UTC, or milliseconds since 1970.
fn parse_instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
        Value::String(text) => {
            let text = text.trim();
            text.parse()
                .ok()
                .or_else(|| format!("{}Z", text.replace(' ', "T")).parse().ok())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
