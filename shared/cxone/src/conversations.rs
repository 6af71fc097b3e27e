//! Past conversations: the analytics list, page by page, and each one's transcript.

use std::collections::HashSet;

use http::Method;
use insights_core::analytics::{Conversation, Line, Speaker};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::endpoints::{Endpoint, Route};
use crate::{CxoneClient, Request};
use insights_http::{Deadline, Error};

/// What the list is asked for: the conversations that began in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// The start, inclusive.
    pub from: Timestamp,
    /// The end, exclusive.
    pub to: Timestamp,
}

impl Query {
    /// The body of every page's request.
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

/// A page of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its conversations, in the server's order.
    pub conversations: Vec<Conversation>,
    /// How many of its rows name no conversation.
    pub unusable: usize,
}

/// The list's pages, one after the other.
#[derive(Debug)]
pub struct Pages<'a> {
    client: &'a CxoneClient,
    body: Value,
    next: Option<Endpoint>,
    seen: HashSet<String>,
}

impl<'a> Pages<'a> {
    /// The pages of a query.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the profile's path takes an id.
    pub fn of(client: &'a CxoneClient, query: Query) -> Result<Self, Error> {
        let first = client.site().endpoint(Route::ConversationQuery, &[])?;
        let seen = HashSet::from([first.url().to_string()]);
        Ok(Self {
            client,
            body: query.body(),
            next: Some(first),
            seen,
        })
    }

    /// The next page; `None` after the last one, and where a link leads back to a page that was read.
    ///
    /// A link is absolute or relative and gets the same body by POST. After an error the same page is asked for again.
    ///
    /// # Errors
    /// As [`CxoneClient::send`]; [`Error::Invalid`] naming the host if a link leads to another one.
    pub async fn next(&mut self, deadline: Deadline) -> Result<Option<Page>, Error> {
        let Some(endpoint) = self.next.clone() else {
            return Ok(None);
        };
        let request = Request::json(Method::POST, endpoint.clone(), &self.body)?;
        let page: WirePage = self.client.send(request, deadline).await?;
        self.next = match page
            .next_link
            .as_deref()
            .map(str::trim)
            .filter(|link| !link.is_empty())
        {
            None => None,
            Some(link) => {
                let next = self.client.site().link(&endpoint, link)?;
                if self.seen.insert(next.url().to_string()) {
                    Some(next)
                } else {
                    tracing::warn!(
                        endpoint = endpoint.template(),
                        "a next link leads back; the list ends here"
                    );
                    None
                }
            }
        };
        let rows = page.data.unwrap_or_default();
        let listed = rows.len();
        let conversations: Vec<_> = rows
            .into_iter()
            .filter_map(WireConversation::read)
            .collect();
        Ok(Some(Page {
            unusable: listed - conversations.len(),
            conversations,
        }))
    }
}

/// The lines that agent and customer said in a conversation, in order; `None` if it has no transcript (404).
///
/// # Errors
/// As [`CxoneClient::send`]; [`Error::Invalid`] if the id cannot be part of a path.
pub async fn transcript(
    client: &CxoneClient,
    id: &str,
    deadline: Deadline,
) -> Result<Option<Vec<Line>>, Error> {
    let endpoint = client
        .site()
        .endpoint(Route::ConversationTranscript, &[id])?;
    match client
        .send::<Vec<WireLine>>(Request::get(endpoint), deadline)
        .await
    {
        Ok(lines) => Ok(Some(lines.into_iter().filter_map(WireLine::read).collect())),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage {
    data: Option<Vec<WireConversation>>,
    next_link: Option<String>,
}

/// A row as it comes: everything but the id may be missing, and numbers may be strings.
#[derive(Deserialize)]
struct WireConversation {
    #[serde(rename = "conversationId")]
    conversation_id: Option<Value>,
    start_time: Option<Value>,
    duration: Option<Value>,
    disposition: Option<Value>,
}

impl WireConversation {
    fn read(self) -> Option<Conversation> {
        let conversation_id = text(self.conversation_id)?;
        let start_time = self.start_time.and_then(|value| match instant(&value) {
            Some(at) => Some(at.to_string()),
            None => text(Some(value)),
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
            disposition: text(self.disposition).unwrap_or_else(|| "unknown".to_owned()),
        })
    }
}

#[derive(Deserialize)]
struct WireLine {
    text: Option<Value>,
    author: Option<WireAuthor>,
    timestamp: Option<Value>,
}

#[derive(Deserialize)]
struct WireAuthor {
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl WireLine {
    /// The line, if agent or customer says it.
    fn read(self) -> Option<Line> {
        let kind = self.author?.kind?;
        let speaker = match kind.to_ascii_lowercase().as_str() {
            "agent" => Speaker::Agent,
            "customer" => Speaker::Customer,
            _ => return None,
        };
        let said = match self.text {
            Some(Value::String(said)) => said,
            _ => String::new(),
        };
        Some(Line {
            speaker,
            text: said,
            at: self.timestamp.as_ref().and_then(instant),
        })
    }
}

/// A string that is not empty, or a number as one.
fn text(value: Option<Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A moment: ISO 8601 with an offset, or without one as UTC, or milliseconds since 1970.
fn instant(value: &Value) -> Option<Timestamp> {
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
