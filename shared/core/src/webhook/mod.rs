//! The webhook event that reports the end of a conversation, checked and bounded before anything is done with it.
//!
//! ```json
//! {"event": "conversation.completed", "timestamp": "2026-01-15T10:30:00Z", "conversationId": "c-1", "data": {}}
//! ```
//!
//! ```
//! use insights_core::webhook::WebhookEvent;
//!
//! let body = br#"{"event": "conversation.completed", "timestamp": "2026-01-15T10:30:00Z",
//!     "conversationId": "c-1", "data": {"subject": "Refund"}}"#;
//! let now = "2026-01-15T10:30:05Z".parse().unwrap();
//! let event = WebhookEvent::parse(body, now).unwrap();
//! assert_eq!(event.conversation_id, "c-1");
//!
//! let error = WebhookEvent::parse(br#"{"event": "conversation.completed"}"#, now).unwrap_err();
//! assert!(error.to_string().starts_with("timestamp: must be a time"));
//! ```

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::lenient_json::{self, NotUtf8};

#[cfg(test)]
mod tests;

/// The name of the one event that the embedding pipeline listens to.
pub const CONVERSATION_COMPLETED: &str = "conversation.completed";

/// Largest accepted body in bytes. A queue message holds 256 KB; the rest leaves room for the escapes that a body may need
/// inside a message.
pub const MAX_BODY_BYTES: usize = 240 * 1024;

/// Largest length of a conversation id in bytes: the width of its database column.
pub const MAX_ID_BYTES: usize = 255;

/// Largest nesting depth of the payload. A real payload has 4 levels; the limit exists because every walk over the payload is
/// recursive.
const MAX_DEPTH: usize = 32;

/// How far the time of an event may be ahead of the moment of its receipt. A later event holds, so that a wrong clock of the
/// sender would keep every correction out until that time.
pub const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Smallest number that is read as milliseconds since the epoch; a smaller one is read as seconds.
const SMALLEST_MILLISECONDS: f64 = 1e11;
/// Numbers from here on, 2001 in microseconds, are microseconds.
const SMALLEST_MICROSECONDS: f64 = 1e15;
/// Numbers from here on, 2001 in nanoseconds, are nanoseconds.
const SMALLEST_NANOSECONDS: f64 = 1e18;

/// A conversation that ended, as the contact center describes it.
#[derive(Clone, PartialEq)]
pub struct WebhookEvent {
    /// The time of the event in whole microseconds, as the stores keep it. Of two events of one conversation the later event
    /// holds.
    pub timestamp: Timestamp,
    /// The contact center's id of the conversation, 1 to 255 bytes without control characters.
    pub conversation_id: String,
    /// The payload that the schema mapper reads.
    pub data: Map<String, Value>,
}

/// Omits the payload, so that the text of the conversation cannot reach a log.
impl std::fmt::Debug for WebhookEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookEvent")
            .field("timestamp", &self.timestamp)
            .field("conversation_id", &self.conversation_id)
            .finish_non_exhaustive()
    }
}

/// The reason why a body is not a valid event.
///
/// The messages name fields and limits, never values, because a value may be text of a conversation. For the same reason the
/// errors of the JSON parser are reduced to a position and not kept as a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvent {
    /// The body is too large.
    #[error("the body has {bytes} bytes; at most {MAX_BODY_BYTES} are allowed")]
    TooLarge {
        /// The size of the body.
        bytes: usize,
    },
    /// The body is not UTF-8.
    #[error("the body is not UTF-8 (byte {at})")]
    NotUtf8 {
        /// The offset of the first byte that is not UTF-8.
        at: usize,
    },
    /// The body is not JSON.
    #[error("the body is not JSON (line {line}, column {column})")]
    NotJson {
        /// The line of the syntax error, from 1.
        line: usize,
        /// The column of the syntax error, from 1.
        column: usize,
    },
    /// A field is missing, of the wrong type or out of bounds.
    #[error("{field}: {allowed}")]
    Field {
        /// The name of the field.
        field: &'static str,
        /// What is allowed in the field.
        allowed: &'static str,
    },
}

impl WebhookEvent {
    /// Reads an event from a request or message body that was received at the moment `now`.
    ///
    /// # Errors
    /// [`InvalidEvent`], naming the field and what is allowed, without the value.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Self, InvalidEvent> {
        if body.len() > MAX_BODY_BYTES {
            return Err(InvalidEvent::TooLarge { bytes: body.len() });
        }
        let text =
            lenient_json::decode(body).map_err(|NotUtf8 { at }| InvalidEvent::NotUtf8 { at })?;
        let value: Value =
            lenient_json::from_str(&text).map_err(|error| InvalidEvent::NotJson {
                line: error.line(),
                column: error.column(),
            })?;
        let Value::Object(mut fields) = value else {
            return Err(InvalidEvent::Field {
                field: "body",
                allowed: "must be a JSON object",
            });
        };
        match fields.get("event").and_then(Value::as_str) {
            Some(CONVERSATION_COMPLETED) => {}
            _ => {
                return Err(InvalidEvent::Field {
                    field: "event",
                    allowed: "must be \"conversation.completed\"",
                });
            }
        }
        let timestamp = timestamp(fields.get("timestamp"))?;
        if timestamp.duration_since(now) > MAX_AHEAD {
            return Err(InvalidEvent::Field {
                field: "timestamp",
                allowed: "must be at most one day ahead of the moment of its receipt",
            });
        }
        let conversation_id = conversation_id(fields.get("conversationId"))?;
        match fields.remove("data") {
            Some(Value::Object(data)) if depth_within(&data, MAX_DEPTH) => Ok(Self {
                timestamp,
                conversation_id,
                data,
            }),
            Some(Value::Object(_)) => Err(InvalidEvent::Field {
                field: "data",
                allowed: "must nest at most 32 levels",
            }),
            _ => Err(InvalidEvent::Field {
                field: "data",
                allowed: "must be a JSON object",
            }),
        }
    }
}

/// Parses a time: RFC 3339 and the other texts of [`crate::moments`], without an offset as UTC, or a number since the epoch.
/// What is finer than a microsecond is cut off, since the stores keep microseconds and a time must compare equal to itself.
fn timestamp(value: Option<&Value>) -> Result<Timestamp, InvalidEvent> {
    let invalid = || InvalidEvent::Field {
        field: "timestamp",
        allowed: "must be a time like \"2026-01-15T10:30:00Z\"",
    };
    let time = match value {
        Some(Value::Number(number)) => number.as_f64().and_then(since_epoch),
        Some(Value::String(text)) if is_epoch(text) => text.parse().ok().and_then(since_epoch),
        Some(Value::String(text)) if text.len() <= 64 => parse_time(text),
        _ => None,
    };
    time.and_then(|time| Timestamp::from_microsecond(time.as_microsecond()).ok())
        .ok_or_else(invalid)
}

/// Returns the instant of a number of seconds, milliseconds, microseconds or nanoseconds since the epoch, by its size. A fraction counts, since some languages have
/// their time so.
fn since_epoch(number: f64) -> Option<Timestamp> {
    // The floating point number is exact to the microsecond up to the year 2255.
    let microseconds = if number >= SMALLEST_NANOSECONDS {
        number / 1e3
    } else if number >= SMALLEST_MICROSECONDS {
        number
    } else if number >= SMALLEST_MILLISECONDS {
        number * 1e3
    } else {
        number * 1e6
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, and what is out of range is no time"
    )]
    let microseconds = microseconds.round() as i64;
    Timestamp::from_microsecond(microseconds)
        .ok()
        .filter(|_| number > 0.0)
}

/// Returns whether a text is a number of seconds or milliseconds since the epoch, and not a date without separators.
fn is_epoch(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    (9..=19).contains(&whole.len())
        && (1..=9).contains(&fraction.len())
        && is_digits(whole)
        && is_digits(fraction)
}

/// Parses the text of a time, which is taken as UTC where it has no offset.
fn parse_time(text: &str) -> Option<Timestamp> {
    let instant = text.parse::<Timestamp>().ok();
    let instant = instant.or_else(|| {
        let time = text.parse::<DateTime>().ok()?;
        Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
    });
    instant.or_else(|| crate::moments::parse_text(text))
}

/// Parses and bounds the conversation id; some senders write it as a whole number.
fn conversation_id(value: Option<&Value>) -> Result<String, InvalidEvent> {
    let text = match value {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) if id.is_u64() => Some(id.to_string()),
        _ => None,
    };
    text.filter(|id| {
        !id.trim().is_empty() && id.len() <= MAX_ID_BYTES && !id.chars().any(char::is_control)
    })
    .ok_or(InvalidEvent::Field {
        field: "conversationId",
        allowed: "must be a string of 1 to 255 bytes without control characters",
    })
}

/// Returns whether an object nests at most this many levels deep.
fn depth_within(data: &Map<String, Value>, levels: usize) -> bool {
    levels > 0 && data.values().all(|value| value_within(value, levels - 1))
}

/// Returns whether a value nests at most this many levels deep.
fn value_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Object(map) => depth_within(map, levels),
        Value::Array(items) => {
            levels > 0 && items.iter().all(|item| value_within(item, levels - 1))
        }
        _ => true,
    }
}
