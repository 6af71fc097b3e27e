//! A row of the list of conversations on the wire.

use insights_core::analytics::Conversation;
use serde::Deserialize;
use serde_json::Value;

use super::instant::parse_instant;

/// A row on the wire: everything but the id may be missing, and numbers may be strings.
#[derive(Debug, Deserialize)]
struct WireConversation {
    #[serde(rename = "conversationId")]
    conversation_id: Option<Value>,
    start_time: Option<Value>,
    duration: Option<Value>,
    disposition: Option<Value>,
}

/// Reads a row of the list; `None` if the row names no conversation.
pub(super) fn read_row(row: Value) -> Option<Conversation> {
    let row = serde_json::from_value::<WireConversation>(row).ok()?;
    let conversation_id = non_empty_text(row.conversation_id)?;
    let start_time = row
        .start_time
        .and_then(|value| match parse_instant(&value) {
            Some(at) => Some(at.to_string()),
            None => non_empty_text(Some(value)),
        });
    let duration = match row.duration {
        Some(Value::Number(seconds)) => seconds.as_f64(),
        Some(Value::String(text)) => parse_duration(&text),
        _ => None,
    };
    Some(Conversation {
        conversation_id,
        start_time: start_time.unwrap_or_default(),
        duration_seconds: duration.filter(|seconds| seconds.is_finite() && *seconds >= 0.0),
        disposition: non_empty_text(row.disposition)
            .unwrap_or_else(|| Conversation::NO_DISPOSITION.to_owned()),
        ..Conversation::default()
    })
}

/// Parses the text of a duration in seconds: a number, hours, minutes and seconds with colons (`00:05:00`, `5:00`), or a duration
/// of ISO 8601 or with units (`PT5M`, `300s`).
fn parse_duration(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let mut parts = text.rsplit(':');
    let (seconds, minutes, hours) = (parts.next()?, parts.next(), parts.next());
    let Some(minutes) = minutes else {
        let duration: jiff::SignedDuration = text.parse().ok()?;
        return Some(duration.as_secs_f64());
    };
    let is_plain = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    if parts.next().is_some() || !is_plain(seconds) {
        return None;
    }
    let seconds: f64 = seconds.parse().ok().filter(|seconds| *seconds < 60.0)?;
    let minutes: u32 = minutes
        .parse()
        .ok()
        .filter(|minutes| *minutes < 60 || hours.is_none())?;
    let hours: u32 = hours.unwrap_or("0").parse().ok()?;
    Some(f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + seconds)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Option<Conversation> {
        read_row(serde_json::from_str(text).expect("JSON"))
    }

    #[test]
    fn a_row_is_read_whatever_is_missing() {
        let full = row(
            r#"{"conversationId": "a", "start_time": "2023-10-01T10:15:00+02:00", "duration": 245, "disposition": "resolved"}"#,
        );
        let full = full.expect("a conversation");
        assert_eq!(
            (full.start_time.as_str(), full.duration_seconds),
            ("2023-10-01T08:15:00Z", Some(245.0))
        );
        let bare = row(r#"{"conversationId": 17, "duration": "12.5", "disposition": null}"#)
            .expect("a conversation");
        assert_eq!(
            (bare.conversation_id.as_str(), bare.start_time.as_str()),
            ("17", "")
        );
        assert_eq!(
            (bare.duration_seconds, bare.disposition.as_str()),
            (Some(12.5), "unknown")
        );
        let odd = row(
            r#"{"conversationId": "b", "start_time": "yesterday", "duration": -3, "disposition": ""}"#,
        )
        .expect("a conversation");
        assert_eq!(
            (
                odd.start_time.as_str(),
                odd.duration_seconds,
                odd.disposition.as_str()
            ),
            ("yesterday", None, "unknown")
        );
    }

    #[test]
    fn a_start_in_seconds_is_not_taken_for_milliseconds() {
        let found = row(r#"{"conversationId": "a", "start_time": 1793610000}"#);
        assert_eq!(
            found.expect("a conversation").start_time,
            "2026-11-02T09:00:00Z"
        );
    }

    #[test]
    fn a_duration_may_be_written_as_people_and_standards_write_it() {
        for (written, seconds) in [
            (r#""300""#, Some(300.0)),
            (r#"" 300 ""#, Some(300.0)),
            (r#""00:05:00""#, Some(300.0)),
            (r#""5:00""#, Some(300.0)),
            (r#""90:00""#, Some(5400.0)),
            (r#""01:00:00.5""#, Some(3600.5)),
            (r#""PT5M""#, Some(300.0)),
            (r#""PT5M0.5S""#, Some(300.5)),
            (r#""300s""#, Some(300.0)),
            (r#""5m""#, Some(300.0)),
            (r#""00:61:00""#, None),
            (r#""00:00:61""#, None),
            (r#""1:2:3:4""#, None),
            (r#""0:inf""#, None),
            (r#""-00:05:00""#, None),
            (r#""-PT5M""#, None),
            (r#""P1M""#, None),
            (r#"":""#, None),
            (r#"{"seconds": 300}"#, None),
        ] {
            let found = row(&format!(
                r#"{{"conversationId": "a", "duration": {written}}}"#
            ));
            let found = found.expect("a conversation").duration_seconds;
            assert_eq!(found, seconds, "{written}");
        }
    }

    #[test]
    fn a_missing_duration_is_none_and_not_zero() {
        for text in [
            r#"{"conversationId": "a"}"#,
            r#"{"conversationId": "a", "duration": null}"#,
            r#"{"conversationId": "a", "duration": "soon"}"#,
            r#"{"conversationId": "a", "duration": "NaN"}"#,
        ] {
            assert_eq!(
                row(text).expect("a conversation").duration_seconds,
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn a_row_without_an_id_is_no_conversation() {
        for text in [
            r#"{"duration": 5}"#,
            r#"{"conversationId": " "}"#,
            r#"{"conversationId": {"a": 1}}"#,
            "null",
            "7",
            "[]",
        ] {
            assert_eq!(row(text), None, "{text}");
        }
    }
}
