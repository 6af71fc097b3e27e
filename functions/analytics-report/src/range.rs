//! The time that a report covers.

use anyhow::{Context, bail, ensure};
use cxone::conversations::ConversationQuery;
use insights_core::analytics::ReportRange;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::moment::Bound;

/// Largest number of days that one report may cover.
const MAX_DAYS: i32 = 400;

/// The time from one moment up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The start of the period, inclusive.
    pub from: Timestamp,
    /// The end of the period, exclusive.
    pub to: Timestamp,
}

impl Period {
    /// Returns the period between two dates in UTC, both included.
    ///
    /// A moment (`2026-11-02T09:00:00Z`, or without a zone in UTC) may stand in the place of a date; a moment at the end is
    /// exclusive.
    ///
    /// # Errors
    /// If a text is neither a date nor a moment, the end is not after the start, or more than 400 days lie between them.
    pub fn between(from: &str, to: &str) -> anyhow::Result<Self> {
        let first = Bound::parse(from).with_context(|| format!("from is {from:?}"))?;
        let last = Bound::parse(to).with_context(|| format!("to is {to:?}"))?;
        let start = match first {
            Bound::Day(day) => Self::day(day)?.from,
            Bound::Moment(moment) => moment,
        };
        let end = match last {
            Bound::Day(day) => Self::day(day)?.to,
            Bound::Moment(moment) => moment,
        };
        ensure!(start < end, "from {from} must not be after to {to}");
        let seconds = end.duration_since(start).as_secs();
        ensure!(
            seconds <= i64::from(MAX_DAYS) * 86_400,
            "at most {MAX_DAYS} days may be asked for"
        );
        Ok(Self {
            from: start,
            to: end,
        })
    }

    /// Returns the period between two dates in UTC, both included, of which neither may be a moment.
    ///
    /// # Errors
    /// As [`Period::between`], and if one of the texts is a moment: the steps of the map are about whole days.
    pub fn between_days(from: &str, to: &str) -> anyhow::Result<Self> {
        for (name, text) in [("from", from), ("to", to)] {
            if matches!(Bound::parse(text), Ok(Bound::Moment(_))) {
                bail!(
                    "{name} is {text:?}, but must be a day such as 2026-11-02: the report of a map covers whole days"
                );
            }
        }
        Self::between(from, to)
    }

    /// Returns the period of one day in UTC.
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

    /// Returns the period of the day before a moment, in UTC.
    ///
    /// # Errors
    /// If that day is outside the calendar.
    pub fn day_before(moment: Timestamp) -> anyhow::Result<Self> {
        Self::day(moment.to_zoned(TimeZone::UTC).date().yesterday()?)
    }

    /// Returns the days in UTC that the period touches.
    #[must_use]
    pub fn days(&self) -> Vec<Date> {
        let first = self.from.to_zoned(TimeZone::UTC).date();
        first
            .series(1.day())
            .take_while(|day| Self::day(*day).is_ok_and(|day| day.from < self.to))
            .collect()
    }

    /// Returns whether the period consists of whole days in UTC.
    fn has_whole_days(&self) -> bool {
        [self.from, self.to].iter().all(|moment| {
            let zoned = moment.to_zoned(TimeZone::UTC);
            zoned.start_of_day().is_ok_and(|start| start == zoned)
        })
    }

    /// Returns the name of the period in object keys: one day, or the first and the last day. The name of a period that does not
    /// consist of whole days is made of its moments, so that an hour's report does not replace a day's.
    #[must_use]
    pub fn name(&self) -> String {
        if !self.has_whole_days() {
            // A colon is not allowed in an object's key.
            return format!("{}_{}", self.from, self.to).replace(':', "");
        }
        let days = self.days();
        match (days.first(), days.last()) {
            (Some(first), Some(last)) if first != last => format!("{first}_{last}"),
            (Some(day), _) => day.to_string(),
            _ => "empty".to_owned(),
        }
    }

    /// Returns whether the period is one day in UTC that ended within the last 36 hours: what the daily report covers, also when a
    /// retry writes the report hours later.
    #[must_use]
    pub fn is_recent_day(&self, now: Timestamp) -> bool {
        const LATEST: SignedDuration = SignedDuration::from_hours(36);
        let is_one_day = Self::day_before(self.to).is_ok_and(|day| day == *self);
        let age = now.duration_since(self.to);
        is_one_day && !age.is_negative() && age <= LATEST
    }

    /// Returns the query for the conversations of the period.
    #[must_use]
    pub fn query(&self) -> ConversationQuery {
        ConversationQuery {
            from: self.from,
            to: self.to,
        }
    }

    /// Returns the period as the summary contains it.
    #[must_use]
    pub fn range(&self) -> ReportRange {
        ReportRange {
            from: self.from.to_string(),
            to: self.to.to_string(),
        }
    }
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
    fn only_a_single_day_that_has_just_ended_is_recent() {
        let now: Timestamp = "2026-11-10T02:15:00Z".parse().unwrap();
        let is_recent =
            |from: &str, to: &str| Period::between(from, to).unwrap().is_recent_day(now);
        assert!(is_recent("2026-11-09", "2026-11-09"));
        assert!(is_recent("2026-11-08", "2026-11-08"), "a retry at night");
        assert!(!is_recent("2026-11-07", "2026-11-07"));
        assert!(!is_recent("2026-11-10", "2026-11-10"), "has not ended");
        assert!(!is_recent("2026-11-08", "2026-11-09"), "two days");
        assert!(!is_recent("2026-11-09T00:00:00Z", "2026-11-09T23:00:00Z"));
        assert!(!is_recent("2026-11-08T12:00:00Z", "2026-11-09T12:00:00Z"));
    }

    #[test]
    fn moments_are_taken_as_they_are() {
        let hour = Period::between("2026-11-02T23:30:00Z", "2026-11-03T00:30:00Z").unwrap();
        assert_eq!(hour.to.duration_since(hour.from).as_secs(), 3600);
        assert_eq!(hour.days().len(), 2);
    }

    #[test]
    fn a_time_without_a_zone_is_not_widened_to_its_day() {
        for (from, to) in [
            ("2026-11-02T09:00:00", "2026-11-02T10:00:00"),
            ("2026-11-02 09:00", "2026-11-02 10:00"),
            ("2026-11-02T09:00", "2026-11-02T10:00"),
        ] {
            let hour = Period::between(from, to).unwrap();
            assert_eq!(hour.from.to_string(), "2026-11-02T09:00:00Z");
            assert_eq!(hour.to.to_string(), "2026-11-02T10:00:00Z");
        }
        let rest = Period::between("2026-11-02T09:00", "2026-11-02").unwrap();
        assert_eq!(rest.to.to_string(), "2026-11-03T00:00:00Z");
    }

    #[test]
    fn an_hours_report_has_another_name_than_its_days() {
        let hour = Period::between("2026-11-02T09:00", "2026-11-02T10:00").unwrap();
        assert_eq!(hour.name(), "2026-11-02T090000Z_2026-11-02T100000Z");
        let day = Period::between("2026-11-02T00:00", "2026-11-03T00:00").unwrap();
        assert_eq!(day.name(), "2026-11-02");
    }

    #[test]
    fn the_days_of_a_map_are_no_moments() {
        assert!(Period::between_days("2026-11-02", "2026-11-03").is_ok());
        for (from, to, part) in [
            ("2026-11-02T09:00:00Z", "2026-11-03", "from is"),
            ("2026-11-02", "2026-11-03T00:00", "to is"),
        ] {
            let message = format!("{:#}", Period::between_days(from, to).unwrap_err());
            assert!(
                message.contains(part) && message.contains("whole days"),
                "{message}"
            );
        }
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
    fn the_daily_report_covers_the_day_before() {
        let day = Period::day_before("2026-11-20T02:15:00Z".parse().unwrap()).unwrap();
        assert_eq!(day.name(), "2026-11-19");
    }
}
