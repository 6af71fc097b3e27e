//! The webhook event that tells that a conversation is over, checked and bounded before anything is done with it.
//!
//! ```json
//! {"event": "conversation.completed", "timestamp": "2026-01-15T10:30:00Z", "conversationId": "c-1", "data": {}}
//! ```

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

#[cfg(test)]
mod tests;

/// The one event the embedding pipeline listens to.
pub const CONVERSATION_COMPLETED: &str = "conversation.completed";

/// The largest body taken, in bytes. A queue message holds 256 KB; the rest is room for the escapes that a body may
/// need on its way into one.
pub const MAX_BODY_BYTES: usize = 240 * 1024;

/// The longest conversation id, in bytes: the width of its database column.
pub const MAX_ID_BYTES: usize = 255;

/// How deep the JSON may nest; a real payload has 4 levels, and every walk over it is recursive.
const MAX_DEPTH: usize = 32;

/// A conversation that ended, as the contact centre describes it.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// When it happened. Of two events of one conversation the later one holds.
    pub timestamp: Timestamp,
    /// The contact centre's id of the conversation, 1 to 255 bytes without control characters.
    pub conversation_id: String,
    /// The payload that the schema mapper reads.
    pub data: Map<String, Value>,
}

/// Shows no text of the conversation.
impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event")
            .field("timestamp", &self.timestamp)
            .field("conversation_id", &self.conversation_id)
            .finish_non_exhaustive()
    }
}

/// Why a body is not an event. Messages name fields and limits, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The body is too large.
    #[error("the body has {bytes} bytes; at most {MAX_BODY_BYTES} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The body is not UTF-8.
    #[error("the body is not UTF-8 (byte {at})")]
    NotUtf8 {
        /// Where the first bad byte is.
        at: usize,
    },
    /// The body is not JSON.
    #[error("the body is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line from 1.
        line: usize,
        /// Column from 1.
        column: usize,
    },
    /// A field is missing, of the wrong type or out of bounds.
    #[error("{field}: {allowed}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What is allowed there.
        allowed: &'static str,
    },
}

impl Event {
    /// Reads an event from a request or message body.
    ///
    /// # Errors
    /// [`Invalid`], naming the field and what is allowed, without the value.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        if body.len() > MAX_BODY_BYTES {
            return Err(Invalid::TooLarge { bytes: body.len() });
        }
        let text = std::str::from_utf8(body).map_err(|error| Invalid::NotUtf8 {
            at: error.valid_up_to(),
        })?;
        let value: Value = serde_json::from_str(text).map_err(|error| Invalid::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
        let Value::Object(mut fields) = value else {
            return Err(Invalid::Field {
                field: "body",
                allowed: "must be a JSON object",
            });
        };
        match fields.get("event").and_then(Value::as_str) {
            Some(CONVERSATION_COMPLETED) => {}
            _ => {
                return Err(Invalid::Field {
                    field: "event",
                    allowed: "must be \"conversation.completed\"",
                });
            }
        }
        let timestamp = timestamp(fields.get("timestamp"))?;
        let conversation_id = conversation_id(fields.get("conversationId"))?;
        match fields.remove("data") {
            Some(Value::Object(data)) if depth_within(&data, MAX_DEPTH) => Ok(Self {
                timestamp,
                conversation_id,
                data,
            }),
            Some(Value::Object(_)) => Err(Invalid::Field {
                field: "data",
                allowed: "must nest at most 32 levels",
            }),
            _ => Err(Invalid::Field {
                field: "data",
                allowed: "must be a JSON object",
            }),
        }
    }
}

/// An RFC 3339 instant; one without an offset is taken as UTC.
fn timestamp(value: Option<&Value>) -> Result<Timestamp, Invalid> {
    let invalid = Invalid::Field {
        field: "timestamp",
        allowed: "must be a time like \"2026-01-15T10:30:00Z\"",
    };
    let text = value
        .and_then(Value::as_str)
        .filter(|text| text.len() <= 64)
        .ok_or_else(|| invalid.clone())?;
    text.parse::<Timestamp>()
        .or_else(|_| {
            text.parse::<DateTime>()?
                .to_zoned(TimeZone::UTC)
                .map(|zoned| zoned.timestamp())
        })
        .map_err(|_| invalid)
}

fn conversation_id(value: Option<&Value>) -> Result<String, Invalid> {
    value
        .and_then(Value::as_str)
        .filter(|id| {
            !id.trim().is_empty() && id.len() <= MAX_ID_BYTES && !id.chars().any(char::is_control)
        })
        .map(str::to_owned)
        .ok_or(Invalid::Field {
            field: "conversationId",
            allowed: "must be a string of 1 to 255 bytes without control characters",
        })
}

fn depth_within(data: &Map<String, Value>, levels: usize) -> bool {
    levels > 0 && data.values().all(|value| value_within(value, levels - 1))
}

fn value_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Object(map) => depth_within(map, levels),
        Value::Array(items) => {
            levels > 0 && items.iter().all(|item| value_within(item, levels - 1))
        }
        _ => true,
    }
}
