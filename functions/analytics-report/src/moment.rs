//! The bounds of a report's time as texts: a day, or a moment.

use anyhow::{Context, bail};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// What a bound may be, for error messages.
const ALLOWED: &str = "it must be a day such as 2026-11-02, or a moment such as 2026-11-02T09:00:00Z, 2026-11-02T09:00:00+01:00 or \
                       2026-11-02 09:00 (without a zone, a moment is in UTC)";

/// A bound of a report's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// A whole day in UTC.
    Day(Date),
    /// A moment, and no whole day.
    Moment(Timestamp),
}

impl Bound {
    /// Parses a bound. A text with a time of day is always a moment, never the day around it.
    ///
    /// # Errors
    /// If the text is neither a day nor a moment; the message says what is allowed.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if let Some(day) = parse_plain_day(text) {
            return Ok(Self::Day(day));
        }
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Ok(Self::Moment(moment));
        }
        // A moment with the name of its zone, as in 2026-11-02T09:00[Europe/Berlin].
        if text.contains('[') {
            return match text.parse::<Zoned>() {
                Ok(moment) => Ok(Self::Moment(moment.timestamp())),
                Err(error) => Err(error).context(ALLOWED),
            };
        }
        // The parser of a date and time passes over a zone that it cannot read, so that only plain figures may reach it.
        let is_plain = |c: char| c.is_ascii_digit() || "-:.Tt ".contains(c);
        let has_time = text.contains(['T', 't', ' ']);
        if !has_time || !text.chars().all(is_plain) {
            bail!(ALLOWED);
        }
        let moment = text.parse::<DateTime>().context(ALLOWED)?;
        Ok(Self::Moment(moment.to_zoned(TimeZone::UTC)?.timestamp()))
    }
}

/// Parses a day in UTC.
///
/// # Errors
/// If the text is no day; a moment is none either, because a step of the map is about whole days.
pub(crate) fn parse_day(text: &str) -> anyhow::Result<Date> {
    match Bound::parse(text) {
        Ok(Bound::Day(day)) => Ok(day),
        Ok(Bound::Moment(_)) => bail!("it is a moment, but must be a day such as 2026-11-02"),
        Err(_) => bail!("it must be a day such as 2026-11-02"),
    }
}

/// Parses a text that has the ten characters of a day and nothing else.
fn parse_plain_day(text: &str) -> Option<Date> {
    let is_plain = |c: char| c.is_ascii_digit() || c == '-';
    (text.len() == 10 && text.chars().all(is_plain))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_without_a_zone_is_a_moment_in_utc() {
        let nine = Bound::Moment("2026-11-02T09:00:00Z".parse().unwrap());
        for text in [
            "2026-11-02T09:00:00Z",
            "2026-11-02T09:00:00",
            "2026-11-02T09:00",
            "2026-11-02t09:00:00",
            "2026-11-02 09:00:00",
            "2026-11-02 09:00",
            " 2026-11-02 09:00:00.000 ",
            "2026-11-02T10:00:00+01:00",
            "2026-11-02T09:00:00[UTC]",
        ] {
            assert_eq!(Bound::parse(text).unwrap(), nine, "{text}");
        }
        let midnight = Bound::Moment("2026-11-02T00:00:00Z".parse().unwrap());
        assert_eq!(Bound::parse("2026-11-02T00:00").unwrap(), midnight);
    }

    #[test]
    fn ten_characters_are_a_day() {
        let day = Bound::Day("2026-11-02".parse().unwrap());
        assert_eq!(Bound::parse(" 2026-11-02 ").unwrap(), day);
    }

    #[test]
    fn everything_else_is_refused_with_what_is_allowed() {
        for text in [
            "",
            "yesterday",
            "2026-13-02",
            "2026-11-31",
            "2026-11-02T",
            "2026-11-02T25:00",
            "2026-11-02T09:00 CET",
            "2026-11-02T09:00:00 Europe/Berlin",
            "2026-11-02T09:00[Nowhere/City]",
            "2026-11-02Z",
            "2026-11-02+01:00",
            "09:00",
            "1793610000",
            "2026-11-02/2026-11-03",
        ] {
            let message = format!("{:#}", Bound::parse(text).unwrap_err());
            assert!(
                message.contains("2026-11-02T09:00:00Z"),
                "{text}: {message}"
            );
        }
    }

    #[test]
    fn a_day_of_the_map_is_no_moment() {
        assert!(parse_day("2026-11-02").is_ok());
        for text in ["2026-11-02T09:00", "2026-11-02T00:00:00Z", "today"] {
            assert!(parse_day(text).is_err(), "{text}");
        }
    }
}
