//! What the function is asked to do: the daily schedule, a report of a time, or a step of the map over days.

use anyhow::{Context, bail, ensure};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use crate::range::Period;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// The whole report of a time.
    Report {
        /// The name of the run: its folder below `reports/`.
        run: String,
        /// The time.
        period: Period,
    },
    /// The map step: one day's part.
    Map {
        /// The name of the run.
        run: String,
        /// The day.
        day: Date,
    },
    /// The reduce step: the report of all days' parts.
    Reduce {
        /// The name of the run.
        run: String,
        /// The time.
        period: Period,
    },
}

impl Task {
    /// Reads an event:
    ///
    /// - an EventBridge schedule (`time`): the report of the day before, or of `detail.from` and `detail.to`;
    /// - `{"from", "to"}` with an optional `run`: the report of that time;
    /// - `{"mode": "map", "run", "day"}` and `{"mode": "reduce", "run", "from", "to"}`: the steps of the map.
    ///
    /// # Errors
    /// If it is none of these, saying what is wrong.
    pub fn read(event: &Value) -> anyhow::Result<Self> {
        match event["mode"].as_str() {
            Some("map") => {
                let day = text(event, "day")?
                    .parse()
                    .context("day must be a date such as 2026-11-02")?;
                return Ok(Self::Map {
                    run: run(event)?,
                    day,
                });
            }
            Some("reduce") => {
                return Ok(Self::Reduce {
                    run: run(event)?,
                    period: period(event)?,
                });
            }
            Some("report") | None => {}
            Some(other) => bail!("mode is {other:?}, but must be report, map or reduce"),
        }
        let detail = &event["detail"];
        let period = if event.get("from").is_some() || event.get("to").is_some() {
            period(event)?
        } else if detail.get("from").is_some() || detail.get("to").is_some() {
            period(detail)?
        } else {
            let time = text(event, "time")
                .context("the event has neither from and to nor a schedule's time")?;
            let time: Timestamp = time
                .parse()
                .context("time must be a moment such as 2026-11-20T02:15:00Z")?;
            Period::day_before(time)?
        };
        let run = if event.get("run").is_some() {
            run(event)?
        } else {
            period.name()
        };
        Ok(Self::Report { run, period })
    }
}

fn period(event: &Value) -> anyhow::Result<Period> {
    Period::between(text(event, "from")?, text(event, "to")?)
}

fn text<'a>(event: &'a Value, name: &str) -> anyhow::Result<&'a str> {
    event[name]
        .as_str()
        .with_context(|| format!("{name} is missing or no string"))
}

/// The name of a run, which becomes part of object keys.
fn run(event: &Value) -> anyhow::Result<String> {
    let run = text(event, "run")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    ensure!(
        (1..=100).contains(&run.len()) && run.chars().all(plain) && !run.starts_with('.'),
        "run must have 1 to 100 letters, digits, `-`, `_`, `.` or `:`, and not begin with `.`"
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
        let Task::Report { run, period } = Task::read(&event).unwrap() else {
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
            Task::read(&dates).unwrap(),
            Task::Report {
                run: run.clone(),
                period
            }
        );
        assert_eq!(
            Task::read(&json!({"time": "2026-11-20T02:15:00Z", "detail": dates})).unwrap(),
            Task::Report { run, period }
        );
    }

    #[test]
    fn the_steps_of_the_map_are_read() {
        let map = json!({"mode": "map", "run": "november", "day": "2026-11-03"});
        assert_eq!(
            Task::read(&map).unwrap(),
            Task::Map {
                run: "november".to_owned(),
                day: "2026-11-03".parse().unwrap()
            }
        );
        let reduce =
            json!({"mode": "reduce", "run": "november", "from": "2026-11-01", "to": "2026-11-07"});
        assert!(
            matches!(Task::read(&reduce).unwrap(), Task::Reduce { run, .. } if run == "november")
        );
    }

    #[test]
    fn the_events_to_try_by_hand_are_all_read() {
        let read = |text: &str| Task::read(&serde_json::from_str(text).unwrap()).unwrap();
        let daily = read(include_str!("../../../events/analytics-report-daily.json"));
        assert!(matches!(daily, Task::Report { run, .. } if run == "2026-11-19"));
        let range = read(include_str!("../../../events/analytics-report-range.json"));
        assert!(matches!(range, Task::Report { run, .. } if run == "2026-11-02_2026-11-08"));
        assert!(matches!(
            read(include_str!("../../../events/analytics-report-map.json")),
            Task::Map { .. }
        ));
        assert!(matches!(
            read(include_str!("../../../events/analytics-report-reduce.json")),
            Task::Reduce { .. }
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
                "day must be a date",
            ),
            (json!({"from": "2026-11-01"}), "to is missing"),
            (json!({"time": "noon"}), "time must be a moment"),
        ] {
            let message = format!("{:#}", Task::read(&event).unwrap_err());
            assert!(message.contains(part), "{message}");
        }
    }
}
