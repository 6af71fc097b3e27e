//! The function's configuration, read once at start.

use std::time::Duration;

use insights_core::live::{AlertSettings, AlertSubject, LiveSettings, SuggestionTemplates};
use insights_core::scale::round_share;
use runtime::config::{ConfigError, Env};
use sentiment::Settings;

/// The configuration; each field says its variable and default.
#[derive(Debug, Clone)]
pub struct Config {
    /// What decides: see [`rules`].
    pub rules: LiveSettings,
    /// What scores.
    pub sentiment: Settings,
    /// `POLL_IDLE_MS`: between two polls of a call; 1000.
    pub idle: Duration,
    /// `POLL_BUSY_CALLS`: with more calls than this in the process, they are polled at the slower pace; 100.
    pub busy_calls: usize,
    /// `POLL_BUSY_IDLE_MS`: the slower pace; 2000.
    pub busy_idle: Duration,
    /// `POLL_RATE_PER_SECOND`: transcripts asked for in a second, over all calls of an invocation; 300.
    pub rate: u32,
    /// `POLL_RELIST_MS`: how often the list of calls is read; 2000.
    pub relist: Duration,
    /// `POLL_MAX_CALLS`: calls that one invocation follows at most; 1000.
    pub max_calls: usize,
    /// `POLL_SHARDS`: invocations that share the calls; 1.
    pub shards: u32,
    /// `POLL_HANDOVER_SECONDS`: how long before its deadline an invocation stops; 5.
    pub handover: Duration,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            rules: rules(env)?,
            sentiment: Settings::from_env(env)?,
            idle: env.millis("POLL_IDLE_MS", Duration::from_secs(1), 100..=60_000)?,
            busy_calls: env.number("POLL_BUSY_CALLS", 100, 1..=100_000)?,
            busy_idle: env.millis("POLL_BUSY_IDLE_MS", Duration::from_secs(2), 100..=60_000)?,
            rate: env.number("POLL_RATE_PER_SECOND", 300, 1..=100_000)?,
            relist: env.millis("POLL_RELIST_MS", Duration::from_secs(2), 100..=60_000)?,
            max_calls: env.number("POLL_MAX_CALLS", 1000, 1..=100_000)?,
            shards: env.number("POLL_SHARDS", 1, 1..=1000)?,
            handover: env.seconds("POLL_HANDOVER_SECONDS", Duration::from_secs(5), 1..=60)?,
        })
    }
}

/// What live calls are decided by.
///
/// `WINDOW_SECONDS` 30, `TREND_DELTA` 0.05, `SUGGESTION_THRESHOLD` 0.35, `SUGGESTION_REARM` 0.05 above it,
/// `SUGGESTION_COOLDOWN_SECONDS` 15, `SUGGESTION_SPEAKER` customer or both, `SUGGESTION_TEMPLATES` a JSON list,
/// `LATE_HORIZON_SECONDS` 300, `LATE_LOOKBACK_SECONDS` 60, `LATE_SWEEP_MS` 5000, `POLL_BATCH` 64, `LEASE_SECONDS` 12,
/// `SILENCE_END_SECONDS` 600.
///
/// # Errors
/// [`ConfigError`], naming the variable, its value and what is allowed.
pub fn rules(env: &Env) -> Result<LiveSettings, ConfigError> {
    let defaults = LiveSettings::default();
    let threshold = env.number("SUGGESTION_THRESHOLD", defaults.alert.threshold, 0.0..=1.0)?;
    let rearm = env.number(
        "SUGGESTION_REARM",
        // To whole thousandths: 0.35 + 0.05 is a little less than 0.4.
        round_share((threshold + 0.05_f64).min(1.0)),
        0.0..=1.0,
    )?;
    let subjects = [
        ("customer", AlertSubject::Customer),
        ("both", AlertSubject::Both),
    ];
    let alert = AlertSettings {
        subject: env.choice("SUGGESTION_SPEAKER", &subjects)?,
        threshold,
        rearm,
        cooldown: env.seconds(
            "SUGGESTION_COOLDOWN_SECONDS",
            defaults.alert.cooldown,
            0..=3600,
        )?,
    };
    let templates = match env.text("SUGGESTION_TEMPLATES") {
        None => SuggestionTemplates::default(),
        Some(json) => SuggestionTemplates::from_json(json)
            .map_err(|error| invalid("SUGGESTION_TEMPLATES", json, &error.to_string()))?,
    };
    let rules = LiveSettings {
        window: env.seconds("WINDOW_SECONDS", defaults.window, 1..=3600)?,
        trend_delta: env.number("TREND_DELTA", defaults.trend_delta, 0.0..=1.0)?,
        alert,
        memory_horizon: env.seconds("LATE_HORIZON_SECONDS", defaults.memory_horizon, 1..=86_400)?,
        sweep_lookback: env.seconds(
            "LATE_LOOKBACK_SECONDS",
            defaults.sweep_lookback,
            0..=86_400,
        )?,
        sweep_interval: env.millis("LATE_SWEEP_MS", defaults.sweep_interval, 0..=600_000)?,
        batch_size: env.number("POLL_BATCH", defaults.batch_size, 1..=256)?,
        lease_duration: env.seconds("LEASE_SECONDS", defaults.lease_duration, 3..=300)?,
        silence_timeout: Some(env.seconds(
            "SILENCE_END_SECONDS",
            Duration::from_secs(600),
            10..=86_400,
        )?),
        templates,
        ..defaults
    };
    // Each value is in its range by now; what is left are pairs that contradict each other.
    rules.validate().map_err(|error| {
        invalid(
            "SUGGESTION_REARM, WINDOW_SECONDS or LATE_LOOKBACK_SECONDS",
            "in conflict",
            &error.to_string(),
        )
    })
}

fn invalid(name: &str, value: &str, allowed: &str) -> ConfigError {
    let value = value.chars().take(200).collect();
    ConfigError::Invalid {
        name: name.to_owned(),
        value,
        allowed: allowed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_gives_the_numbers_of_the_contract() {
        let config = Config::from_env(&Env::default()).unwrap();
        assert_eq!(config.rules, LiveSettings::default());
        assert_eq!(config.idle, Duration::from_secs(1));
    }

    #[test]
    fn numbers_that_contradict_each_other_are_refused() {
        let env = Env::from_pairs([("SUGGESTION_THRESHOLD", "0.5"), ("SUGGESTION_REARM", "0.4")]);
        assert!(rules(&env).unwrap_err().to_string().contains("re-arms"));
        let env = Env::from_pairs([("SUGGESTION_THRESHOLD", "0.5")]);
        assert!((rules(&env).unwrap().alert.rearm - 0.55).abs() < 1e-9);
    }

    #[test]
    fn templates_that_cannot_be_used_stop_the_function() {
        let env = Env::from_pairs([("SUGGESTION_TEMPLATES", "[]")]);
        let message = rules(&env).unwrap_err().to_string();
        assert!(
            message.starts_with("SUGGESTION_TEMPLATES is \"[]\""),
            "{message}"
        );
    }
}
