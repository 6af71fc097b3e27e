//! Every number that decides about live calls, each with its default.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::segment::Speaker;
use super::suggestion_template::SuggestionTemplates;
use crate::rules::RuleFile;

/// The speakers whose window raises alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertSubject {
    /// Only the customer's window raises alerts: agent assist is about the customer.
    #[default]
    Customer,
    /// The window over both speakers raises alerts.
    Both,
}

impl AlertSubject {
    /// Returns whether the segments of this speaker count for alerts.
    #[must_use]
    pub fn includes(self, speaker: Speaker) -> bool {
        self == Self::Both || speaker == Speaker::Customer
    }
}

impl std::str::FromStr for AlertSubject {
    type Err = LiveSettingsError;

    fn from_str(word: &str) -> Result<Self, LiveSettingsError> {
        match word {
            "customer" => Ok(Self::Customer),
            "both" => Ok(Self::Both),
            _ => Err(LiveSettingsError(
                "the speaker of alerts is `customer` or `both`",
            )),
        }
    }
}

/// The numbers that decide when an alert is raised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlertSettings {
    /// Speakers whose window raises alerts.
    pub subject: AlertSubject,
    /// Average score below which a declining call raises an alert.
    pub threshold: f64,
    /// Average score that re-arms the alert. A further alert needs the average to have come back up to this score since the
    /// last alert, or to have fallen by [`LiveSettings::trend_delta`] below the average of the last alert. A call that hovers
    /// at the threshold therefore raises one alert, not many.
    pub rearm: f64,
    /// Shortest segment time between two alerts. Segment time and not wall time, so that a call that is caught up on late
    /// raises the same alerts as a call that was followed live.
    pub cooldown: Duration,
}

/// Why settings cannot be used together, or one of them not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LiveSettingsError(pub &'static str);

/// The numbers that decide about live calls.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSettings {
    /// Segment time that the moving average covers, counted back from the newest final segment.
    pub window: Duration,
    /// Largest change of the average that still counts as stable.
    pub trend_delta: f64,
    /// Numbers that decide when an alert is raised.
    pub alert: AlertSettings,
    /// Segment time for which a scored segment is remembered. A segment that becomes visible later than this is refused.
    pub memory_horizon: Duration,
    /// Segment time that a sweep reads behind the cursor, to find segments that become visible late.
    pub sweep_lookback: Duration,
    /// Time between two sweeps of one call.
    pub sweep_interval: Duration,
    /// Largest number of segments that are scored before the state is written. A long call that is registered late is caught
    /// up in batches that fit into the lease.
    pub batch_size: usize,
    /// Time for which a lease keeps other processes out unless it is renewed.
    pub lease_duration: Duration,
    /// Time without a new segment after which a call counts as over; `None` never ends a call.
    pub silence_timeout: Option<Duration>,
    /// Time for which unsent attributes and suggestions are still tried after the call has ended.
    pub delivery_grace: Duration,
    /// Texts of the suggestions to the agent.
    pub templates: SuggestionTemplates,
    /// Rules of a configured file, which then decide on suggestions; without a file the alert settings do.
    pub rules: Option<Arc<RuleFile>>,
    /// Time after which everything that was said counts as transcribed, so that rules are decided.
    pub rule_settle: Duration,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            trend_delta: 0.05,
            alert: AlertSettings {
                subject: AlertSubject::Customer,
                threshold: 0.35,
                rearm: 0.40,
                cooldown: Duration::from_secs(15),
            },
            // Speech recognition lags by seconds; five minutes leave room for a recognizer that was down.
            memory_horizon: Duration::from_secs(300),
            sweep_lookback: Duration::from_secs(60),
            sweep_interval: Duration::from_secs(5),
            // At 5 ms a segment, a batch takes a third of a second: far less than the lease.
            batch_size: 64,
            // A killed process is replaced within 20 s: the lease, a start and a poll.
            lease_duration: Duration::from_secs(12),
            silence_timeout: Some(Duration::from_secs(600)),
            delivery_grace: Duration::from_secs(120),
            templates: SuggestionTemplates::default(),
            rules: None,
            rule_settle: Duration::from_secs(2),
        }
    }
}

impl LiveSettings {
    /// Returns the version of the alert rule: a digest of every number that it decides by, eight hexadecimal digits.
    #[must_use]
    pub fn alert_version(&self) -> String {
        let AlertSettings {
            subject,
            threshold,
            rearm,
            cooldown,
        } = self.alert;
        let text = format!(
            "{subject:?} {threshold} {rearm} {} {} {}",
            cooldown.as_millis(),
            self.trend_delta,
            self.window.as_millis()
        );
        let digest = Sha256::digest(text);
        digest
            .iter()
            .take(4)
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }

    /// Checks that every number is in its range and that the numbers do not contradict each other.
    ///
    /// # Errors
    /// Returns a [`LiveSettingsError`] that says which setting is wrong and what is allowed.
    pub fn validate(self) -> Result<Self, LiveSettingsError> {
        let unit = 0.0..=1.0;
        let alert = &self.alert;
        let conditions = [
            (
                unit.contains(&alert.threshold),
                "the alert threshold is a score from 0 to 1",
            ),
            (
                unit.contains(&alert.rearm),
                "the score that re-arms the alert is from 0 to 1",
            ),
            (
                alert.rearm >= alert.threshold,
                "the score that re-arms the alert is not below the alert threshold",
            ),
            (
                unit.contains(&self.trend_delta),
                "the smallest change that is a trend is from 0 to 1",
            ),
            (!self.window.is_zero(), "the window is longer than 0 s"),
            (
                self.window <= self.memory_horizon,
                "the horizon for late segments is at least as long as the window",
            ),
            (
                self.sweep_lookback <= self.memory_horizon,
                "the horizon for late segments is at least as long as the lookback of a sweep",
            ),
            (
                self.memory_horizon <= Duration::from_secs(86_400),
                "the horizon for late segments is at most a day",
            ),
            (
                (1..=256).contains(&self.batch_size),
                "a batch has 1 to 256 segments",
            ),
            (
                self.lease_duration >= Duration::from_secs(3),
                "the lease is at least 3 s",
            ),
        ];
        match conditions.into_iter().find(|(holds, _)| !holds) {
            Some((_, requirement)) => Err(LiveSettingsError(requirement)),
            None => Ok(self),
        }
    }
}

/// Converts a duration to whole milliseconds of segment time.
pub(crate) fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_together() {
        assert!(LiveSettings::default().validate().is_ok());
    }

    #[test]
    fn rules_that_contradict_each_other_are_refused() {
        let mut settings = LiveSettings::default();
        settings.alert.rearm = 0.3;
        assert!(
            settings
                .validate()
                .unwrap_err()
                .to_string()
                .contains("not below the alert threshold")
        );
        let mut settings = LiveSettings::default();
        settings.alert.threshold = f64::NAN;
        assert!(
            settings
                .validate()
                .unwrap_err()
                .to_string()
                .contains("0 to 1")
        );
        let settings = LiveSettings {
            memory_horizon: Duration::from_secs(29),
            ..LiveSettings::default()
        };
        assert!(settings.validate().is_err());
        let settings = LiveSettings {
            batch_size: 0,
            ..LiveSettings::default()
        };
        assert!(settings.validate().is_err());
    }
}
