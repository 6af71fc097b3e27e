//! The time a report covers.

use anyhow::{Context, ensure};
use cxone::conversations::Query;
use insights_core::analytics::ReportRange;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// No more days than this in one report.
const DAYS: i32 = 400;

/// A time from one moment up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The start, inclusive.
    pub from: Timestamp,
    /// The end, exclusive.
    pub to: Timestamp,
}

impl Period {
    /// The time between two dates, both included, in UTC; a moment (`2026-11-02T09:00:00Z`) in the place of a date is taken
    /// as it is, as an end exclusive.
    ///
    /// # Errors
    /// If either is neither, the end is not after the start, or more than 400 days lie between.
    pub fn between(from: &str, to: &str) -> anyhow::Result<Self> {
        let start = moment(from, 0).with_context(|| format!("from is {from:?}"))?;
        let end = moment(to, 1).with_context(|| format!("to is {to:?}"))?;
        ensure!(start < end, "from {from} must not be after to {to}");
        let seconds = end.duration_since(start).as_secs();
        ensure!(
            seconds <= i64::from(DAYS) * 86_400,
            "at most {DAYS} days may be asked for"
        );
        Ok(Self {
            from: start,
            to: end,
        })
    }

    /// A day in UTC.
    ///
    /// # Errors
    /// If the day is outside the calendar.
    pub fn day(day: Date) -> anyhow::Result<Self> {
        let start = |day: Date| day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
        Ok(Self {
            from: start(day)?,
            to: start(day.tomorrow()?)?,
        })
    }

    /// The day before a moment, in UTC.
    ///
    /// # Errors
    /// If that day is outside the calendar.
    pub fn day_before(moment: Timestamp) -> anyhow::Result<Self> {
        Self::day(moment.to_zoned(TimeZone::UTC).date().yesterday()?)
    }

    /// The days that the period touches, in UTC.
    #[must_use]
    pub fn days(&self) -> Vec<Date> {
        let first = self.from.to_zoned(TimeZone::UTC).date();
        first
            .series(1.day())
            .take_while(|day| Self::day(*day).is_ok_and(|day| day.from < self.to))
            .collect()
    }

    /// A name for it in object keys: a day, or the first and the last.
    #[must_use]
    pub fn name(&self) -> String {
        let days = self.days();
        match (days.first(), days.last()) {
            (Some(first), Some(last)) if first != last => format!("{first}_{last}"),
            (Some(day), _) => day.to_string(),
            _ => "empty".to_owned(),
        }
    }

    /// The question for its conversations.
    #[must_use]
    pub fn query(&self) -> Query {
        Query {
            from: self.from,
            to: self.to,
        }
    }

    /// As the summary has it.
    #[must_use]
    pub fn range(&self) -> ReportRange {
        ReportRange {
            from: self.from.to_string(),
            to: self.to.to_string(),
        }
    }
}

/// A moment, or the start of a date that lies `days` after the one given.
fn moment(text: &str, days: i32) -> anyhow::Result<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let date: Date = text.parse().context(
        "it must be a date such as 2026-11-02, or a moment such as 2026-11-02T09:00:00Z",
    )?;
    Ok(date
        .checked_add(days.days())?
        .to_zoned(TimeZone::UTC)?
        .timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dates_are_included() {
        let week = Period::between("2026-11-02", "2026-11-08").unwrap();
        assert_eq!(week.from.to_string(), "2026-11-02T00:00:00Z");
        assert_eq!(week.to.to_string(), "2026-11-09T00:00:00Z");
        assert_eq!(
            (week.days().len(), week.name().as_str()),
            (7, "2026-11-02_2026-11-08")
        );
        let day = Period::between("2026-11-02", "2026-11-02").unwrap();
        assert_eq!((day.days().len(), day.name().as_str()), (1, "2026-11-02"));
    }

    #[test]
    fn moments_are_taken_as_they_are() {
        let hour = Period::between("2026-11-02T23:30:00Z", "2026-11-03T00:30:00Z").unwrap();
        assert_eq!(hour.to.duration_since(hour.from).as_secs(), 3600);
        assert_eq!(hour.days().len(), 2);
    }

    #[test]
    fn what_is_no_time_is_refused_with_what_is_allowed() {
        for (from, to, part) in [
            ("yesterday", "2026-11-02", "from is \"yesterday\""),
            ("2026-11-02", "2026-13-02", "to is \"2026-13-02\""),
            ("2026-11-03", "2026-11-01", "must not be after"),
            ("2024-11-03", "2026-11-01", "at most 400 days"),
        ] {
            let message = format!("{:#}", Period::between(from, to).unwrap_err());
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn the_daily_report_is_of_the_day_before() {
        let day = Period::day_before("2026-11-20T02:15:00Z".parse().unwrap()).unwrap();
        assert_eq!(day.name(), "2026-11-19");
    }
}
