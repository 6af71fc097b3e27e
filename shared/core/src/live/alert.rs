//! Decides when a call has become bad enough for a suggestion: threshold, trend, cooldown and hysteresis.

use serde::{Deserialize, Serialize};

use super::settings::{LiveSettings, whole_millis};
use super::window::{Trend, WindowSentiment};

/// What the alert rule remembers of a call between two batches.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct AlertState {
    /// Segment time of the last alert, in milliseconds since the epoch.
    #[serde(default, rename = "last", skip_serializing_if = "Option::is_none")]
    last_alert_at: Option<i64>,
    /// Average score at which the last alert was raised.
    #[serde(default, rename = "at")]
    last_alert_average: f64,
    /// Whether the average has reached the re-arming score since the last alert.
    #[serde(default, rename = "recovered")]
    has_recovered: bool,
}

impl AlertState {
    /// Returns the segment time of the last alert, in milliseconds since the epoch, and the average that raised it, until the
    /// average has come back to the re-arming score.
    #[must_use]
    pub fn open(&self) -> Option<(i64, f64)> {
        let at = self.last_alert_at.filter(|_| !self.has_recovered)?;
        Some((at, self.last_alert_average))
    }

    /// Returns whether the call has raised an alert at any time.
    #[must_use]
    pub fn has_fired(&self) -> bool {
        self.last_alert_at.is_some()
    }

    /// Decides whether the sentiment at `time` (segment time in milliseconds since the epoch) raises an alert, and remembers
    /// the decision.
    ///
    /// An alert is raised if all of these hold:
    /// - the average is below the threshold and declining;
    /// - the cooldown since the last alert is over;
    /// - since the last alert the average has recovered to the re-arming score, or has fallen further by at least the trend
    ///   delta. The first alert of a call needs neither.
    pub fn decide(
        &mut self,
        sentiment: WindowSentiment,
        time: i64,
        settings: &LiveSettings,
    ) -> bool {
        let alert = &settings.alert;
        self.has_recovered |= sentiment.average >= alert.rearm;
        let is_armed = self.last_alert_at.is_none_or(|last| {
            let is_cooled_down = time.saturating_sub(last) >= whole_millis(alert.cooldown);
            // 1e-9 allows for the rounding errors of averages, which are quotients.
            let has_worsened =
                sentiment.average <= self.last_alert_average - settings.trend_delta + 1e-9;
            is_cooled_down && (self.has_recovered || has_worsened)
        });
        let is_raised =
            is_armed && sentiment.average < alert.threshold && sentiment.trend == Trend::Declining;
        if is_raised {
            *self = Self {
                last_alert_at: Some(time),
                last_alert_average: sentiment.average,
                has_recovered: false,
            };
        }
        is_raised
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decisions(averages: &[(i64, f64)]) -> Vec<i64> {
        let settings = LiveSettings::default();
        let mut state = AlertState::default();
        let declining = |average| WindowSentiment {
            average,
            trend: Trend::Declining,
        };
        averages
            .iter()
            .filter(|(s, avg)| state.decide(declining(*avg), s * 1000, &settings))
            .map(|(s, _)| *s)
            .collect()
    }

    #[test]
    fn a_bad_call_that_is_not_declining_raises_nothing() {
        let mut state = AlertState::default();
        for trend in [Trend::Stable, Trend::Improving] {
            assert!(!state.decide(
                WindowSentiment {
                    average: 0.1,
                    trend
                },
                0,
                &LiveSettings::default()
            ));
        }
        assert!(state.decide(
            WindowSentiment {
                average: 0.1,
                trend: Trend::Declining
            },
            0,
            &LiveSettings::default()
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
