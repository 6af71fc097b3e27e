//! Moments as the contact center writes them.

use jiff::Timestamp;
use serde_json::Value;

/// Parses a moment in any form that [`insights_core::moments`] reads: a text, without an offset in UTC, or a number since 1970.
pub(crate) fn parse_instant(value: &Value) -> Option<Timestamp> {
    insights_core::moments::parse_moment(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_are_read_with_and_without_an_offset() {
        let nine = "2026-11-02T09:00:00Z".parse().ok();
        for text in [
            "2026-11-02T09:00:00Z",
            "2026-11-02T09:00:00",
            "2026-11-02 09:00:00",
            " 2026-11-02T10:00:00+01:00",
            "1793610000",
            "1793610000000",
        ] {
            assert_eq!(parse_instant(&json!(text)), nine, "{text}");
        }
        for other in [
            json!("soon"),
            json!(""),
            json!(true),
            json!("inf"),
            json!(1e300),
        ] {
            assert_eq!(parse_instant(&other), None, "{other}");
        }
    }

    #[test]
    fn the_smallest_number_of_milliseconds_is_no_number_of_seconds() {
        for (number, milliseconds) in [
            (1e11, 100_000_000_000),
            (1e11 - 1.0, 99_999_999_999_000),
            (-1e11, -100_000_000_000),
            (1.0 - 1e11, -99_999_999_999_000),
            (0.0, 0),
            (-1.5, -1_500),
        ] {
            let expected = Timestamp::from_millisecond(milliseconds).ok();
            assert_eq!(parse_instant(&json!(number)), expected, "{number}");
        }
        assert_eq!(parse_instant(&json!(f64::MAX)), None);
        assert_eq!(parse_instant(&json!("NaN")), None);
    }

    #[test]
    fn numbers_are_seconds_or_milliseconds_by_their_size() {
        let nine: Timestamp = "2026-11-02T09:00:00Z".parse().expect("a moment");
        for number in [
            json!(1_793_610_000),
            json!(1_793_610_000_000_i64),
            json!(1_793_610_000.0),
        ] {
            assert_eq!(parse_instant(&number), Some(nine), "{number}");
        }
        for number in [
            json!(1_793_610_000.5),
            json!(1_793_610_000_500.0),
            json!(1_793_610_000_500_i64),
        ] {
            let half = nine + jiff::SignedDuration::from_millis(500);
            assert_eq!(parse_instant(&number), Some(half), "{number}");
        }
    }
}
