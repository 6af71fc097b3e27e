//! The numbers that live scoring decides by, each with the contract's value as its default.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::segment::Direction;
use super::suggestion::Templates;

/// Whose window the alert reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Listener {
    /// The customer's: agent assist is about the customer.
    #[default]
    Customer,
    /// Everything that was said.
    Both,
}

impl Listener {
    /// Whether what this speaker says counts.
    #[must_use]
    pub fn hears(self, direction: Direction) -> bool {
        self == Self::Both || direction == Direction::Customer
    }
}

impl std::str::FromStr for Listener {
    type Err = RuleError;

    fn from_str(word: &str) -> Result<Self, RuleError> {
        match word {
            "customer" => Ok(Self::Customer),
            "both" => Ok(Self::Both),
            _ => Err(RuleError("the alert reads `customer` or `both`")),
        }
    }
}

/// When a suggestion is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlertRules {
    /// Whose window is read.
    pub listener: Listener,
    /// An average below this, while declining, is an alert.
    pub threshold: f64,
    /// A further alert needs the average to have come back up to this since the last one, or to have fallen by
    /// [`Rules::trend_delta`] below where the last one was: a call that hovers at the threshold alerts once.
    pub rearm: f64,
    /// Segment time between two alerts. Segment time, not wall time: a catch-up decides as the live call would have.
    pub cooldown: Duration,
}

/// A rule that cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(pub &'static str);

/// All the numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// How much segment time the average covers, back from the newest final segment.
    pub window: Duration,
    /// A change of the average by more than this is a trend; below it are the flips of single utterances.
    pub trend_delta: f64,
    /// When a suggestion is due.
    pub alert: AlertRules,
    /// How long a segment is remembered, in segment time; a segment later than this is refused.
    pub horizon: Duration,
    /// How far behind the cursor a sweep reads, for segments that the server shows late.
    pub lookback: Duration,
    /// How often a sweep replaces a poll from the cursor.
    pub sweep_every: Duration,
    /// At most so many segments are scored before the state is written: a long call that is registered late is taken
    /// in steps that fit in the lease.
    pub batch: usize,
    /// How long a holder that stops renewing keeps others out.
    pub lease: Duration,
    /// Wall time without a new segment after which the call counts as over; `None` never ends it.
    pub silence: Option<Duration>,
    /// How long what is still to be sent when a call ends is tried.
    pub linger: Duration,
    /// What the agent is told.
    pub templates: Templates,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            trend_delta: 0.05,
            alert: AlertRules {
                listener: Listener::Customer,
                threshold: 0.35,
                rearm: 0.40,
                cooldown: Duration::from_secs(15),
            },
            // Speech recognition lags by seconds; five minutes leave room for a recogniser that was down.
            horizon: Duration::from_secs(300),
            lookback: Duration::from_secs(60),
            sweep_every: Duration::from_secs(5),
            // At 5 ms a segment a third of a second: far inside the lease.
            batch: 64,
            // A killed process is replaced within 20 s: the lease, a start and a poll.
            lease: Duration::from_secs(12),
            silence: Some(Duration::from_secs(600)),
            linger: Duration::from_secs(120),
            templates: Templates::default(),
        }
    }
}

impl Rules {
    /// The rules, if they can hold together.
    ///
    /// # Errors
    /// [`RuleError`] says which cannot, and what is allowed.
    pub fn checked(self) -> Result<Self, RuleError> {
        let unit = 0.0..=1.0;
        let alert = &self.alert;
        let held = [
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
                "a trend's smallest change is from 0 to 1",
            ),
            (!self.window.is_zero(), "the window is longer than nothing"),
            (
                self.window <= self.horizon,
                "the horizon is at least as long as the window",
            ),
            (
                self.lookback <= self.horizon,
                "the horizon is at least as long as a sweep's look back",
            ),
            (
                self.horizon <= Duration::from_secs(86_400),
                "the horizon is at most a day",
            ),
            (
                (1..=256).contains(&self.batch),
                "a batch is 1 to 256 segments",
            ),
            (
                self.lease >= Duration::from_secs(3),
                "the lease is at least 3 s",
            ),
        ];
        match held.into_iter().find(|(holds, _)| !holds) {
            Some((_, complaint)) => Err(RuleError(complaint)),
            None => Ok(self),
        }
    }
}

/// A duration in whole ms of segment time.
pub(crate) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_together() {
        assert!(Rules::default().checked().is_ok());
    }

    #[test]
    fn rules_that_contradict_each_other_are_refused() {
        let mut rules = Rules::default();
        rules.alert.rearm = 0.3;
        assert!(
            rules
                .checked()
                .unwrap_err()
                .to_string()
                .contains("not below the alert threshold")
        );
        let mut rules = Rules::default();
        rules.alert.threshold = f64::NAN;
        assert!(rules.checked().unwrap_err().to_string().contains("0 to 1"));
        let rules = Rules {
            horizon: Duration::from_secs(29),
            ..Rules::default()
        };
        assert!(rules.checked().is_err());
        let rules = Rules {
            batch: 0,
            ..Rules::default()
        };
        assert!(rules.checked().is_err());
    }
}
