//! The life of a token, as token endpoints write it.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Assumed life in seconds of a token without `expires_in`: RFC 6749 leaves it open, and a short life errs on the safe side.
const DEFAULT_SECONDS: i64 = 300;

/// Longest life in seconds for which a token is kept, whatever the answer says.
const MAX_SECONDS: i64 = 24 * 3600;

/// The life of a token in whole seconds: a number, or a number in a text, as some identity providers send it. What is missing,
/// zero or negative says nothing about the life, so that the default holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lifetime(pub(super) i64);

impl Default for Lifetime {
    fn default() -> Self {
        Self(DEFAULT_SECONDS)
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = match Value::deserialize(deserializer)? {
            Value::Null => return Ok(Self::default()),
            Value::Number(number) => number.as_f64(),
            Value::String(text) if text.trim().is_empty() => return Ok(Self::default()),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        // The error does not hold the value, which may be anything that a server sends.
        let seconds: f64 =
            seconds.ok_or_else(|| serde::de::Error::custom("a number of seconds is expected"))?;
        if seconds.is_nan() || seconds <= 0.0 {
            return Ok(Self::default());
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`as` saturates, and the clamp bounds it"
        )]
        let whole = seconds as i64;
        Ok(Self(whole.clamp(1, MAX_SECONDS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        expires_in: Lifetime,
    }

    fn seconds(json: &str) -> Option<i64> {
        let answer = serde_json::from_str::<Answer>(json).ok()?;
        Some(answer.expires_in.0)
    }

    #[test]
    fn a_life_may_be_a_number_or_a_text_and_is_bounded() {
        for (json, expected) in [
            (r#"{"expires_in": 3600}"#, Some(3600)),
            (r#"{"expires_in": "3600"}"#, Some(3600)),
            (r#"{"expires_in": " 3600 "}"#, Some(3600)),
            (r#"{"expires_in": 3599.7}"#, Some(3599)),
            (r#"{"expires_in": "3599.7"}"#, Some(3599)),
            (r#"{"expires_in": 0.5}"#, Some(1)),
            (r#"{"expires_in": 1e300}"#, Some(MAX_SECONDS)),
            ("{}", Some(DEFAULT_SECONDS)),
            (r#"{"expires_in": null}"#, Some(DEFAULT_SECONDS)),
            (r#"{"expires_in": ""}"#, Some(DEFAULT_SECONDS)),
            (r#"{"expires_in": 0}"#, Some(DEFAULT_SECONDS)),
            (r#"{"expires_in": -1}"#, Some(DEFAULT_SECONDS)),
            (r#"{"expires_in": "-3600"}"#, Some(DEFAULT_SECONDS)),
            (r#"{"expires_in": "NaN"}"#, Some(DEFAULT_SECONDS)),
            (r#"{"expires_in": "soon"}"#, None),
            (r#"{"expires_in": [3600]}"#, None),
            (r#"{"expires_in": true}"#, None),
        ] {
            assert_eq!(seconds(json), expected, "{json}");
        }
    }
}
