//! Moments as other systems write them: as a text, or as a number since 1970 in any unit.
//!
//! Contact centers, their gateways and the languages that these are written in disagree about the form of a moment. What a
//! message or a conversation says must not be lost for it, so that every form whose meaning is certain is read. A date in the
//! order of one country (`02/11/2026`) is none of them.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::Value;

/// Longest text in bytes that is looked at: no form of a moment has more.
const MAX_BYTES: usize = 64;

/// Numbers from here on, 2001 in seconds, are seconds where smaller ones are milliseconds.
const SMALLEST_SECONDS: f64 = 1e9;
/// Numbers from here on are milliseconds. In seconds it is the year 5138, in milliseconds it is 1973.
const SMALLEST_MILLISECONDS: f64 = 1e11;
/// Numbers from here on, 2001 in microseconds, are microseconds.
const SMALLEST_MICROSECONDS: f64 = 1e15;
/// Numbers from here on, 2001 in nanoseconds, are nanoseconds.
const SMALLEST_NANOSECONDS: f64 = 1e18;

/// Parses a moment: a text as [`parse_text`] reads it, or seconds, milliseconds, microseconds or nanoseconds since 1970 by the
/// number's size, as a number or as the text of a number, with a fraction or without. The moment is exact to the millisecond.
///
/// ```
/// use insights_core::moments::parse_moment;
/// use serde_json::json;
///
/// let ten = "2026-11-02T10:00:00Z".parse().ok();
/// assert_eq!(parse_moment(&json!("2026-11-02T11:00:00+01:00")), ten);
/// assert_eq!(parse_moment(&json!(1_793_613_600)), ten);
/// assert_eq!(parse_moment(&json!("soon")), None);
/// ```
#[must_use]
pub fn parse_moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => from_number(number.as_f64()?),
        Value::String(text) => parse_text(text).or_else(|| from_number(text.trim().parse().ok()?)),
        _ => None,
    }
}

/// Parses a moment as milliseconds since 1970. A number below 1e9 is milliseconds, a larger one has the unit of its size; a text
/// is the digits of such a number, or a moment as [`parse_text`] reads it. What is finer than a millisecond is cut off.
#[must_use]
pub fn parse_milliseconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(whole_milliseconds(whole)),
            None => to_milliseconds(number.as_f64()?),
        },
        Value::String(text) => {
            let text = text.trim();
            let is_number = |c: char| c.is_ascii_digit() || c == '.';
            if text.chars().all(is_number) {
                to_milliseconds(text.parse().ok()?)
            } else {
                parse_text(text).map(Timestamp::as_millisecond)
            }
        }
        _ => None,
    }
}

/// Parses the text of a moment: RFC 3339 and its relatives with any number of fractional digits, without an offset in UTC, with
/// a blank in the place of the `T` or before the offset, with the name `UTC` or `GMT`; the date of an e-mail or of an HTTP
/// header (RFC 2822); and what .NET's older serializers write, `/Date(1793613600000)/`.
#[must_use]
pub fn parse_text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > MAX_BYTES {
        return None;
    }
    let of_standard = text.parse().ok().or_else(|| from_loose_text(text));
    of_standard
        .or_else(|| rfc2822::parse(text).ok().map(|moment| moment.timestamp()))
        .or_else(|| from_dot_net(text))
}

/// Parses a date and a time with a blank between them, or a zone behind them that the standard does not know.
fn from_loose_text(text: &str) -> Option<Timestamp> {
    let without_zone = ["UTC", "GMT"]
        .iter()
        .find_map(|zone| text.strip_suffix(zone))
        .map_or(text, str::trim_end);
    let mut words = without_zone.split_ascii_whitespace();
    let (first, second, third) = (words.next()?, words.next(), words.next());
    if words.next().is_some() {
        return None;
    }
    let is_offset = |word: &str| word.starts_with(['+', '-']);
    let joined = match (second, third) {
        (None, None) => first.to_owned(),
        (Some(offset), None) if is_offset(offset) => format!("{first}{offset}"),
        (Some(time), None) => format!("{first}T{time}"),
        (Some(time), Some(offset)) if is_offset(offset) => format!("{first}T{time}{offset}"),
        _ => return None,
    };
    let parsed = Timestamp::from_str(&joined);
    parsed
        .or_else(|_| Timestamp::from_str(&format!("{joined}Z")))
        .ok()
}

/// Parses `/Date(1793613600000)/` and `/Date(1793613600000+0100)/`; the offset is that of the sender and changes nothing.
fn from_dot_net(text: &str) -> Option<Timestamp> {
    let number = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let offset = number
        .find('+')
        .or_else(|| number.rfind('-').filter(|at| *at > 0));
    let milliseconds = number[..offset.unwrap_or(number.len())].parse().ok()?;
    Timestamp::from_millisecond(milliseconds).ok()
}

/// Returns the moment of a number since 1970 whose size shows its unit.
fn from_number(number: f64) -> Option<Timestamp> {
    let milliseconds = match number.abs() {
        size if size < SMALLEST_MILLISECONDS => number * 1e3,
        _ => in_milliseconds(number),
    };
    // Whole numbers up to 2^53 pass through an f64 unchanged; later moments are outside the calendar.
    (milliseconds.abs() < 9e15)
        .then(|| Timestamp::from_millisecond(milliseconds.round() as i64).ok())
        .flatten()
}

/// Returns a number of milliseconds, microseconds or nanoseconds, which its size tells, in milliseconds.
fn in_milliseconds(number: f64) -> f64 {
    match number.abs() {
        size if size < SMALLEST_MICROSECONDS => number,
        size if size < SMALLEST_NANOSECONDS => number / 1e3,
        _ => number / 1e6,
    }
}

/// Returns the whole milliseconds of a number since 1970 whose size shows its unit, where small numbers are milliseconds.
fn to_milliseconds(number: f64) -> Option<i64> {
    let milliseconds = match number.abs() {
        size if (SMALLEST_SECONDS..SMALLEST_MILLISECONDS).contains(&size) => number * 1e3,
        _ => in_milliseconds(number),
    };
    (milliseconds.abs() < 9e15).then(|| milliseconds.trunc() as i64)
}

/// Does the same for a whole number, exactly.
#[expect(
    clippy::cast_precision_loss,
    reason = "the size alone is compared, and the limits are round numbers"
)]
const fn whole_milliseconds(number: i64) -> i64 {
    let size = number.unsigned_abs() as f64;
    if size >= SMALLEST_NANOSECONDS {
        number / 1_000_000
    } else if size >= SMALLEST_MICROSECONDS {
        number / 1_000
    } else if size >= SMALLEST_SECONDS && size < SMALLEST_MILLISECONDS {
        number * 1_000
    } else {
        number
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_are_read_in_every_form_whose_meaning_is_certain() {
        let nine = "2026-11-02T09:00:00Z".parse().ok();
        for text in [
            "2026-11-02T09:00:00Z",
            "2026-11-02t09:00:00z",
            "2026-11-02T09:00:00",
            "2026-11-02T09:00Z",
            "2026-11-02 09:00:00",
            "2026-11-02 09:00:00Z",
            "2026-11-02 09:00:00.0000000",
            "2026-11-02 09:00:00 UTC",
            "2026-11-02T09:00:00 GMT",
            "2026-11-02 09:00:00UTC",
            "2026-11-02 10:00:00 +0100",
            "2026-11-02 10:00:00+01:00",
            "2026-11-02T10:00:00 +01:00",
            "2026-11-02T04:00:00-0500",
            " 2026-11-02T10:00:00+01:00",
            "20261102T090000Z",
            "Mon, 02 Nov 2026 09:00:00 GMT",
            "Mon, 2 Nov 2026 10:00:00 +0100",
            "/Date(1793610000000)/",
            "/Date(1793610000000+0100)/",
            "/Date(1793610000000-0500)/",
        ] {
            assert_eq!(parse_text(text), nine, "{text}");
            assert_eq!(parse_moment(&json!(text)), nine, "{text}");
        }
        for number in [
            json!(1_793_610_000),
            json!(1_793_610_000.0),
            json!("1793610000"),
            json!(1_793_610_000_000_i64),
            json!("1793610000000"),
            json!(1_793_610_000_000_000_i64),
            json!(1_793_610_000_000_000_000_i64),
            json!("1793610000000000000"),
        ] {
            assert_eq!(parse_moment(&number), nine, "{number}");
            assert_eq!(parse_milliseconds(&number), Some(1_793_610_000_000));
        }
    }

    #[test]
    fn what_is_no_moment_or_one_of_two_is_none() {
        for text in [
            "",
            "soon",
            "02/11/2026 09:00",
            "11/02/2026 09:00 AM",
            "2026-11-02",
            "09:00",
            "2026-13-02T09:00:00Z",
            "2026-11-02T25:00:00Z",
            "2026-11-02 09:00:00 CET",
            "2026-11-02 09:00:00 +01:00 more",
            "/Date()/",
            "/Date(soon)/",
            "/Date(-)/",
            "inf",
        ] {
            assert_eq!(parse_text(text), None, "{text}");
            assert_eq!(parse_moment(&json!(text)), None, "{text}");
            assert_eq!(parse_milliseconds(&json!(text)), None, "{text}");
        }
        for other in [
            json!(null),
            json!(true),
            json!([1]),
            json!({"a": 1}),
            json!(1e300),
        ] {
            assert_eq!(parse_moment(&other), None, "{other}");
            assert_eq!(parse_milliseconds(&other), None, "{other}");
        }
        assert_eq!(parse_text(&" 2026-11-02T09:00:00Z".repeat(9)), None);
    }

    #[test]
    fn small_numbers_are_seconds_or_milliseconds_as_the_reader_says() {
        assert_eq!(
            parse_moment(&json!(1.5)),
            Timestamp::from_millisecond(1500).ok()
        );
        assert_eq!(parse_milliseconds(&json!(1.5)), Some(1));
        assert_eq!(parse_milliseconds(&json!(999_999_999)), Some(999_999_999));
        assert_eq!(
            parse_milliseconds(&json!(1_000_000_000)),
            Some(1_000_000_000_000)
        );
        assert_eq!(parse_milliseconds(&json!(-1_000)), Some(-1_000));
    }

    proptest! {
        #[test]
        fn every_moment_of_our_time_is_read_back_in_every_unit(
            milliseconds in 1_000_000_000_000_i64..4_000_000_000_000,
        ) {
            let moment = Timestamp::from_millisecond(milliseconds).unwrap();
            let written = [
                json!(milliseconds),
                json!(milliseconds.to_string()),
                json!(milliseconds * 1_000),
                json!(milliseconds * 1_000_000),
                json!(moment.to_string()),
                json!(moment.to_string().replace('T', " ").replace('Z', " +0000")),
                json!(format!("/Date({milliseconds})/")),
            ];
            for value in written {
                prop_assert_eq!(parse_milliseconds(&value), Some(milliseconds), "{}", value);
                prop_assert_eq!(parse_moment(&value), Some(moment), "{}", value);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9TZ:./ UTCDate()é]{0,40}") {
            let _ = parse_moment(&json!(text));
            let _ = parse_milliseconds(&json!(text));
        }
    }
}
