//! The moving average of a call and where it is heading.

use serde::{Deserialize, Serialize};

use super::recent::Recent;
use super::rules::{Rules, ms};
use super::segment::Direction;

/// Where the average is heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trend {
    /// Up.
    Improving,
    /// Within the smallest change that counts.
    #[default]
    Stable,
    /// Down.
    Declining,
}

impl Trend {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Improving => "improving",
            Self::Stable => "stable",
            Self::Declining => "declining",
        }
    }

    /// The trend from one average to the next. Averages are quotients, so a change of exactly `delta` may come out a
    /// rounding error above it: it is not a trend.
    fn between(before: f64, after: f64, delta: f64) -> Self {
        let change = after - before;
        if change > delta + 1e-9 {
            Self::Improving
        } else if change < -delta - 1e-9 {
            Self::Declining
        } else {
            Self::Stable
        }
    }
}

/// An average and its trend against the batch before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The window's average score; 0.5 before anything was said.
    pub average: f64,
    /// Against the average after the batch before.
    pub trend: Trend,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            average: 0.5,
            trend: Trend::Stable,
        }
    }
}

/// The readings of a call: everything that was said, and each speaker alone.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Readings {
    /// Both speakers.
    pub both: Reading,
    /// The customer, once heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Reading>,
    /// The agent, once heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Reading>,
}

impl Readings {
    /// The readings after a batch that is in `recent` already; `heard` are the speakers in the batch. A speaker who
    /// was not heard keeps the last reading.
    #[must_use]
    pub fn after(self, recent: &Recent, heard: &[Direction], rules: &Rules) -> Self {
        if heard.is_empty() {
            return self;
        }
        let read = |before: Reading, speaker: Option<Direction>| {
            let average = recent
                .average(ms(rules.window), |who| {
                    speaker.is_none_or(|speaker| who == speaker)
                })
                .unwrap_or(before.average);
            Reading {
                average,
                trend: Trend::between(before.average, average, rules.trend_delta),
            }
        };
        let alone = |before: Option<Reading>, speaker| {
            if heard.contains(&speaker) {
                Some(read(before.unwrap_or_default(), Some(speaker)))
            } else {
                before
            }
        };
        Self {
            both: read(self.both, None),
            customer: alone(self.customer, Direction::Customer),
            agent: alone(self.agent, Direction::Agent),
        }
    }

    /// The attributes of the interaction: names and values as they are sent, scores with 3 decimals.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let score = |reading: Reading| format!("{:.3}", reading.average);
        let trend = |reading: Reading| reading.trend.name().to_owned();
        let mut attributes = vec![
            ("realtime_sentiment_score", score(self.both)),
            ("sentiment_trend", trend(self.both)),
        ];
        if let Some(customer) = self.customer {
            attributes.push(("customer_sentiment_score", score(customer)));
            attributes.push(("customer_sentiment_trend", trend(customer)));
        }
        if let Some(agent) = self.agent {
            attributes.push(("agent_sentiment_score", score(agent)));
            attributes.push(("agent_sentiment_trend", trend(agent)));
        }
        attributes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::recent::Remembered;
    use crate::live::segment::SegmentId;

    fn heard(recent: &mut Recent, end: i64, direction: Direction, score: u16) -> [Direction; 1] {
        let id = SegmentId(u64::try_from(end).unwrap());
        assert!(recent.insert(Remembered {
            id,
            end,
            direction,
            score
        }));
        [direction]
    }

    #[test]
    fn nothing_said_yet_is_neutral_and_stable() {
        let readings = Readings::default().after(&Recent::default(), &[], &Rules::default());
        assert_eq!(
            readings.attributes(),
            [
                ("realtime_sentiment_score", "0.500".to_owned()),
                ("sentiment_trend", "stable".to_owned())
            ],
        );
    }

    #[test]
    fn a_change_of_exactly_the_smallest_change_is_no_trend() {
        for (before, after) in [(0.5, 0.55), (0.55, 0.5), (0.3, 0.35), (0.35, 0.3)] {
            assert_eq!(
                Trend::between(before, after, 0.05),
                Trend::Stable,
                "{before} to {after}"
            );
        }
        assert_eq!(Trend::between(0.5, 0.5501, 0.05), Trend::Improving);
        assert_eq!(Trend::between(0.5, 0.4499, 0.05), Trend::Declining);
    }

    #[test]
    fn a_speaker_who_is_silent_keeps_the_reading_while_the_call_moves_on() {
        let (rules, mut recent) = (Rules::default(), Recent::default());
        let speakers = heard(&mut recent, 1000, Direction::Customer, 1000);
        let readings = Readings::default().after(&recent, &speakers, &rules);
        assert_eq!(
            readings.customer,
            Some(Reading {
                average: 0.1,
                trend: Trend::Declining
            })
        );
        let speakers = heard(&mut recent, 90_000, Direction::Agent, 9000);
        let readings = readings.after(&recent, &speakers, &rules);
        assert_eq!(
            readings.customer,
            Some(Reading {
                average: 0.1,
                trend: Trend::Declining
            })
        );
        assert_eq!(
            readings.agent,
            Some(Reading {
                average: 0.9,
                trend: Trend::Improving
            })
        );
        assert_eq!(
            readings.both,
            Reading {
                average: 0.9,
                trend: Trend::Improving
            }
        );
        assert_eq!(readings.attributes().len(), 6);
    }
}
