//! Past conversations: the analytics list, page by page, and the transcript of each conversation.

mod instant;
mod row;
mod transcript;

use http::Method;
use insights_core::analytics::Conversation;
use insights_http::Deadline;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(crate) use self::instant::parse_instant;
use self::row::read_row;
pub use self::transcript::{TranscriptLines, read_transcript};
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
pub struct ConversationPages {
    pages: Pages<WirePage>,
    /// The endpoint as errors name it.
    endpoint: &'static str,
}

impl ConversationPages {
    /// Builds the pages of a query. Every page is asked for by a POST with the same body.
    ///
    /// # Errors
    /// [`insights_http::Error::Invalid`] if the profile's path takes an id.
    pub fn new(client: &CxoneClient, query: ConversationQuery) -> Result<Self, Error> {
        let endpoint = client.site().endpoint(Route::ConversationQuery, &[])?;
        let template = endpoint.template();
        let first = Request::json(Method::POST, endpoint, &query.body())?;
        let limits = PageLimits {
            max_pages: MAX_PAGES,
            repeated_link: RepeatedLink::EndsList,
        };
        Ok(Self {
            pages: Pages::new(client, first, limits),
            endpoint: template,
        })
    }

    /// Returns whether there is another page to read.
    #[must_use]
    pub const fn has_next(&self) -> bool {
        self.pages.has_next()
    }

    /// Reads the next page; `None` after the last one, and where a link leads back to a page that was read.
    ///
    /// # Errors
    /// As [`Pages::next_page`], after whose errors the same page is asked for again. [`insights_http::Error::InvalidResponse`]
    /// if the answer is no page of conversations.
    pub async fn next_page(
        &mut self,
        deadline: Deadline,
    ) -> Result<Option<ConversationPage>, Error> {
        let Some(page) = self.pages.next_page(deadline).await? else {
            return Ok(None);
        };
        let invalid = |reason| Error::invalid_response(self.endpoint, reason);
        let is_only_page = self.pages.pages_read() == 1 && !self.pages.has_next();
        page.into_page(is_only_page).map(Some).map_err(invalid)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage {
    /// The list itself, which every page has: an answer without it is no quiet day.
    data: Vec<Value>,
    next_link: Option<String>,
    /// What else the answer says about itself.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Page for WirePage {
    fn next_link(&self) -> Option<&str> {
        self.next_link.as_deref()
    }
}

impl WirePage {
    /// Reads the rows of the page, and counts those that name no conversation.
    ///
    /// # Errors
    /// What is wrong with the page: it reports an error beside its rows, it has rows and none of them can be read, or it is the
    /// only page, has no row, and counts some.
    fn into_page(self, is_only_page: bool) -> Result<ConversationPage, String> {
        if says_that_it_failed(&self.rest) {
            return Err("the list reports an error".to_owned());
        }
        let listed = self.data.len();
        if is_only_page && listed == 0 && counts_rows(&self.rest) {
            return Err("the list is empty, but counts rows".to_owned());
        }
        let conversations: Vec<_> = self.data.into_iter().filter_map(read_row).collect();
        if conversations.is_empty() && listed > 0 {
            return Err(format!("none of its {listed} rows names a conversation"));
        }
        Ok(ConversationPage {
            unusable: listed - conversations.len(),
            conversations,
        })
    }
}

/// Returns whether an answer says of itself that the request failed, in the ways of services that answer 200 to everything.
fn says_that_it_failed(rest: &Map<String, Value>) -> bool {
    let has_error = ["error", "errors"]
        .iter()
        .any(|name| rest.get(*name).is_some_and(|error| !is_blank(error)));
    let says_no = matches!(rest.get("success"), Some(Value::Bool(false)));
    let status = rest.get("status").and_then(Value::as_str);
    has_error
        || says_no
        || status.is_some_and(|status| {
            ["error", "failed", "failure"]
                .iter()
                .any(|word| status.trim().eq_ignore_ascii_case(word))
        })
}

/// Returns whether an answer counts rows beside its list, under any of the names that are in use.
fn counts_rows(rest: &Map<String, Value>) -> bool {
    const NAMES: &[&str] = &[
        "total",
        "totalCount",
        "totalHits",
        "totalRecords",
        "totalResults",
        "count",
    ];
    NAMES.iter().any(|name| match rest.get(*name) {
        Some(Value::Number(count)) => count.as_f64().is_some_and(|count| count > 0.0),
        Some(Value::String(count)) => count.trim().parse().is_ok_and(|count: u64| count > 0),
        _ => false,
    })
}

/// Returns whether a member of an answer says nothing: null, false, zero, or an empty text, list or object.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(said) => !said,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim().is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
mod tests;
