//! The task of an invocation: the daily report, the report of a given time, one step of the map over days, or a feed of embeddings.

use anyhow::{Context, bail, ensure};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use crate::moment::parse_day;
use crate::range::Period;

/// The task of one invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportTask {
    /// Create the whole report of a time.
    Report {
        /// The name of the run, which is its folder below `reports/`.
        run: String,
        /// The time that the report covers.
        period: Period,
    },
    /// Collect the part of one day (map step).
    Map {
        /// The name of the run.
        run: String,
        /// The day in UTC.
        day: Date,
    },
    /// Write the report of the parts of all days (reduce step).
    Reduce {
        /// The name of the run.
        run: String,
        /// The time that the report covers.
        period: Period,
    },
    /// Put the conversations that were finished since the last run into the embedding queue.
    Feed,
}

impl ReportTask {
    /// Reads the task from an event, which has one of these forms:
    ///
    /// - an EventBridge schedule (`time`) asks for the report of the day before, or of `detail.from` to `detail.to`;
    /// - `{"from", "to"}` with an optional `run` asks for the report of that time;
    /// - `{"mode": "map", "run", "day"}` and `{"mode": "reduce", "run", "from", "to"}` ask for the steps of the map, whose times
    ///   are whole days;
    /// - `{"feed": {}}` asks for the conversations that were finished since the last feed.
    ///
    /// # Errors
    /// If the event has none of these forms; the message says what is wrong.
    pub fn from_event(event: &Value) -> anyhow::Result<Self> {
        if let Some(feed) = event.get("feed") {
            ensure!(feed.is_object(), "feed must be an object, such as {{}}");
            return Ok(Self::Feed);
        }
        match event["mode"].as_str() {
            Some("map") => {
                let day = read_text(event, "day")?;
                let day = parse_day(day).with_context(|| format!("day is {day:?}"))?;
                return Ok(Self::Map {
                    run: read_run(event)?,
                    day,
                });
            }
            Some("reduce") => {
                return Ok(Self::Reduce {
                    run: read_run(event)?,
                    period: Period::between_days(
                        read_text(event, "from")?,
                        read_text(event, "to")?,
                    )?,
                });
            }
            Some("report") | None => {}
            Some(other) => bail!("mode is {other:?}, but must be report, map or reduce"),
        }
        let detail = &event["detail"];
        let period = if event.get("from").is_some() || event.get("to").is_some() {
            read_period(event)?
        } else if detail.get("from").is_some() || detail.get("to").is_some() {
            read_period(detail)?
        } else {
            let time = read_text(event, "time")
                .context("the event has neither from and to nor a schedule's time")?;
            let time: Timestamp = time
                .parse()
                .context("time must be a moment such as 2026-11-20T02:15:00Z")?;
            Period::day_before(time)?
        };
        let run = if event.get("run").is_some() {
            read_run(event)?
        } else {
            period.name()
        };
        Ok(Self::Report { run, period })
    }
}

/// Reads the fields `from` and `to`.
fn read_period(event: &Value) -> anyhow::Result<Period> {
    Period::between(read_text(event, "from")?, read_text(event, "to")?)
}

/// Reads a field that must be a string.
fn read_text<'a>(event: &'a Value, name: &str) -> anyhow::Result<&'a str> {
    event[name]
        .as_str()
        .with_context(|| format!("{name} is missing or no string"))
}

/// Reads the name of a run and checks it, because the name becomes part of object keys.
fn read_run(event: &Value) -> anyhow::Result<String> {
    let run = read_text(event, "run")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(
        (1..=100).contains(&run.len()) && run.chars().all(plain) && !run.starts_with('.'),
        "run must have 1 to 100 letters, digits, `-`, `_` or `.`, and not begin with `.`"
    );
    Ok(run.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schedule_asks_for_the_day_before() {
        let event = json!({"source": "aws.events", "detail-type": "Scheduled Event", "time": "2026-11-20T02:15:00Z", "detail": {}});
        let ReportTask::Report { run, period } = ReportTask::from_event(&event).unwrap() else {
            panic!("no report")
        };
        assert_eq!(
            (run.as_str(), period.range().from.as_str()),
            ("2026-11-19", "2026-11-19T00:00:00Z")
        );
    }

    #[test]
    fn a_backfill_names_its_dates_at_the_top_or_in_the_detail() {
        let period = Period::between("2026-11-01", "2026-11-07").unwrap();
        let run = "2026-11-01_2026-11-07".to_owned();
        let dates = json!({"from": "2026-11-01", "to": "2026-11-07"});
        assert_eq!(
            ReportTask::from_event(&dates).unwrap(),
            ReportTask::Report {
                run: run.clone(),
                period
            }
        );
        assert_eq!(
            ReportTask::from_event(&json!({"time": "2026-11-20T02:15:00Z", "detail": dates}))
                .unwrap(),
            ReportTask::Report { run, period }
        );
    }

    #[test]
    fn a_feed_is_asked_for_by_its_name() {
        let feed = json!({"feed": {}});
        assert_eq!(ReportTask::from_event(&feed).unwrap(), ReportTask::Feed);
        let wrong = ReportTask::from_event(&json!({"feed": true})).unwrap_err();
        assert!(wrong.to_string().contains("an object"), "{wrong}");
    }

    #[test]
    fn the_steps_of_the_map_are_read() {
        let map = json!({"mode": "map", "run": "november", "day": "2026-11-03"});
        assert_eq!(
            ReportTask::from_event(&map).unwrap(),
            ReportTask::Map {
                run: "november".to_owned(),
                day: "2026-11-03".parse().unwrap()
            }
        );
        let reduce =
            json!({"mode": "reduce", "run": "november", "from": "2026-11-01", "to": "2026-11-07"});
        assert!(
            matches!(ReportTask::from_event(&reduce).unwrap(), ReportTask::Reduce { run, .. } if run == "november")
        );
    }

    #[test]
    fn the_events_to_try_by_hand_are_all_read() {
        let read =
            |text: &str| ReportTask::from_event(&serde_json::from_str(text).unwrap()).unwrap();
        let daily = read(include_str!("../../../events/analytics-report-daily.json"));
        assert!(matches!(daily, ReportTask::Report { run, .. } if run == "2026-11-19"));
        let range = read(include_str!("../../../events/analytics-report-range.json"));
        assert!(matches!(range, ReportTask::Report { run, .. } if run == "2026-11-02_2026-11-08"));
        assert!(matches!(
            read(include_str!("../../../events/analytics-report-map.json")),
            ReportTask::Map { .. }
        ));
        assert!(matches!(
            read(include_str!("../../../events/analytics-report-reduce.json")),
            ReportTask::Reduce { .. }
        ));
    }

    #[test]
    fn any_other_event_is_refused_with_what_is_wrong() {
        for (event, part) in [
            (json!({}), "neither from and to"),
            (json!([1]), "neither from and to"),
            (json!({"mode": "shuffle"}), "must be report, map or reduce"),
            (
                json!({"mode": "map", "run": "../x", "day": "2026-11-03"}),
                "run must have",
            ),
            (
                json!({"mode": "map", "run": "x", "day": "today"}),
                "it must be a day",
            ),
            (
                json!({"mode": "map", "run": "x", "day": "2026-11-03T09:00"}),
                "it is a moment",
            ),
            (
                json!({"mode": "map", "run": "a:b", "day": "2026-11-03"}),
                "run must have",
            ),
            (
                json!({"mode": "reduce", "run": "x", "from": "2026-11-01T09:00:00Z", "to": "2026-11-01T10:00:00Z"}),
                "whole days",
            ),
            (
                json!({"mode": "reduce", "run": "x", "from": "2026-11-01", "to": "2026-11-01T10:00"}),
                "whole days",
            ),
            (json!({"from": "2026-11-01"}), "to is missing"),
            (json!({"time": "noon"}), "time must be a moment"),
        ] {
            let message = format!("{:#}", ReportTask::from_event(&event).unwrap_err());
            assert!(message.contains(part), "{message}");
        }
    }
}
