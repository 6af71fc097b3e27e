//! When a call has gone bad enough for a suggestion: average, trend, cooldown and hysteresis.

use serde::{Deserialize, Serialize};

use super::rules::{Rules, ms};
use super::window::{Reading, Trend};

/// What the policy remembers of a call.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct AlertMemory {
    /// Segment time of the last alert, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
    /// The average it was raised at.
    #[serde(default)]
    at: f64,
    /// Whether the average has been back up at the re-arming score since.
    #[serde(default)]
    recovered: bool,
}

impl AlertMemory {
    /// Decides on a reading at `time` (segment time, ms) and remembers the decision.
    ///
    /// An alert is raised when the average is below the threshold and declining, the cooldown since the last alert is
    /// over, and the call has recovered since or has become worse again by the trend's smallest change.
    pub fn decide(&mut self, reading: Reading, time: i64, rules: &Rules) -> bool {
        let alert = &rules.alert;
        self.recovered |= reading.average >= alert.rearm;
        let armed = self.last.is_none_or(|last| {
            let cool = time.saturating_sub(last) >= ms(alert.cooldown);
            cool && (self.recovered || reading.average <= self.at - rules.trend_delta + 1e-9)
        });
        let raised =
            armed && reading.average < alert.threshold && reading.trend == Trend::Declining;
        if raised {
            *self = Self {
                last: Some(time),
                at: reading.average,
                recovered: false,
            };
        }
        raised
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decisions(readings: &[(i64, f64)]) -> Vec<i64> {
        let rules = Rules::default();
        let mut memory = AlertMemory::default();
        let declining = |average| Reading {
            average,
            trend: Trend::Declining,
        };
        readings
            .iter()
            .filter(|(s, avg)| memory.decide(declining(*avg), s * 1000, &rules))
            .map(|(s, _)| *s)
            .collect()
    }

    #[test]
    fn a_bad_call_that_is_not_declining_raises_nothing() {
        let mut memory = AlertMemory::default();
        for trend in [Trend::Stable, Trend::Improving] {
            assert!(!memory.decide(
                Reading {
                    average: 0.1,
                    trend
                },
                0,
                &Rules::default()
            ));
        }
        assert!(memory.decide(
            Reading {
                average: 0.1,
                trend: Trend::Declining
            },
            0,
            &Rules::default()
        ));
    }

    #[test]
    fn the_threshold_itself_is_no_alert() {
        assert_eq!(decisions(&[(0, 0.35), (1, 0.3499)]), [1]);
    }

    #[test]
    fn fifteen_seconds_lie_between_two_alerts() {
        assert_eq!(
            decisions(&[
                (0, 0.34),
                (5, 0.28),
                (14, 0.22),
                (15, 0.16),
                (29, 0.1),
                (30, 0.04)
            ]),
            [0, 15, 30]
        );
    }

    #[test]
    fn a_call_that_hovers_at_the_threshold_alerts_once() {
        assert_eq!(
            decisions(&[(0, 0.34), (20, 0.36), (40, 0.33), (60, 0.37), (80, 0.31)]),
            [0]
        );
    }

    #[test]
    fn a_call_that_recovers_and_falls_again_alerts_again() {
        assert_eq!(
            decisions(&[(0, 0.34), (20, 0.40), (40, 0.34), (60, 0.30)]),
            [0, 40]
        );
    }

    #[test]
    fn a_call_that_gets_worse_still_alerts_again() {
        assert_eq!(decisions(&[(0, 0.30), (20, 0.26), (40, 0.25)]), [0, 40]);
    }
}
