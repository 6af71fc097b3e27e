//! Scalars as a tenant writes them: each may be a number or a text, and what is neither is nothing.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::conversations::parse_instant;

/// Longest id in bytes that is kept.
const MAX_ID_BYTES: usize = 200;

/// A text, a number or a truth value, as a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(Option<String>);

impl Text {
    /// Returns the text without white space around it, unless it is empty.
    pub(super) fn into_text(self) -> Option<String> {
        let text = self.0?;
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    /// Returns the text as it is, white space included.
    pub(super) fn into_raw(self) -> Option<String> {
        self.0
    }

    /// Returns the text if it can be an id: bounded, and of visible ASCII characters that mean nothing in a URL's path.
    pub(super) fn into_plain_id(self) -> Option<String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:~".contains(&byte);
        self.into_text()
            .filter(|text| text.len() <= MAX_ID_BYTES && text.bytes().all(plain))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(whole_or_as_is(&number)),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }))
    }
}

/// Returns a number as a text; a whole number that was written with a fraction loses it.
fn whole_or_as_is(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() < 9e15 => {
            format!("{value:.0}")
        }
        _ => number.to_string(),
    }
}

/// A finite number, or the text of one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Number(pub(super) Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        Ok(Self(number.filter(|number: &f64| number.is_finite())))
    }
}

/// A truth value: `true`, `"true"`, `"True"`, 1 and `"1"` are true, and everything else is not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Bool(value) => value,
            Value::Number(number) => number.as_f64() == Some(1.0),
            Value::String(text) => {
                matches!(text.trim(), "1") || text.trim().eq_ignore_ascii_case("true")
            }
            _ => false,
        }))
    }
}

/// A moment: RFC 3339 with any number of fractional digits, a time without an offset as UTC, or seconds or milliseconds since
/// 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Instant(pub(super) Option<Timestamp>);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(parse_instant(&value)))
    }
}

/// Reads a member leniently: one of another shape counts as missing.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
        serde_json::from_value(value.clone()).expect("any JSON is read")
    }

    #[test]
    fn a_text_may_be_a_number_and_an_id_is_plain() {
        for (value, expected) in [
            (json!(480_000_000_001_i64), Some("480000000001")),
            (json!(480_000_000_001.0), Some("480000000001")),
            (json!(" a "), Some("a")),
            (json!(true), Some("true")),
            (json!(""), None),
            (json!(null), None),
            (json!({"a": 1}), None),
            (json!([1]), None),
        ] {
            assert_eq!(
                read::<Text>(&value).into_text().as_deref(),
                expected,
                "{value}"
            );
        }
        for value in [
            json!("a/b"),
            json!("a b"),
            json!("x".repeat(201)),
            json!("ä"),
        ] {
            assert_eq!(read::<Text>(&value).into_plain_id(), None, "{value}");
        }
    }

    #[test]
    fn numbers_flags_and_moments_are_read_from_texts_too() {
        assert_eq!(read::<Number>(&json!(" 12.5 ")), Number(Some(12.5)));
        assert_eq!(read::<Number>(&json!("NaN")), Number(None));
        for value in [json!(true), json!("True"), json!(1), json!("1")] {
            assert_eq!(read::<Flag>(&value), Flag(true), "{value}");
        }
        for value in [
            json!(false),
            json!("false"),
            json!(0),
            json!(null),
            json!("yes"),
        ] {
            assert_eq!(read::<Flag>(&value), Flag(false), "{value}");
        }
        let ten: Timestamp = "2026-11-20T10:00:00Z".parse().expect("a moment");
        for value in [
            json!("2026-11-20T10:00:00+00:00"),
            json!("2026-11-20T10:00:00.0000000Z"),
            json!("2026-11-20T10:00:00"),
            json!(ten.as_millisecond()),
            json!(ten.as_second().to_string()),
        ] {
            assert_eq!(read::<Instant>(&value), Instant(Some(ten)), "{value}");
        }
        assert_eq!(read::<Instant>(&json!("soon")), Instant(None));
    }
}
