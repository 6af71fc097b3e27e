//! The function's configuration, read once at start.

use std::time::Duration;

use runtime::config::{ConfigError, Env};
use sentiment::Settings;

/// The configuration; each field says its variable and default.
#[derive(Debug, Clone)]
pub struct Config {
    /// What scores.
    pub sentiment: Settings,
    /// `ALERT_THRESHOLD`: a score below it raises the alert; 0.30.
    pub alert_threshold: f64,
    /// `CACHE_TTL_SECONDS`; 300.
    pub cache_ttl: Duration,
    /// `CACHE_MAX_ENTRIES`; 500.
    pub cache_entries: u64,
    /// `EXECUTION_TIMEOUT_MS`: what the contact centre allows; 5000. The answer comes half a second earlier.
    pub execution_timeout: Duration,
    /// `MAX_BODY_BYTES`: the largest body; 65536.
    pub max_body_bytes: usize,
    /// `POLL_SHARDS`: the lists of live calls, as many as the transcript poller has; 1.
    pub poll_shards: u32,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            sentiment: Settings::from_env(env)?,
            alert_threshold: env.number("ALERT_THRESHOLD", 0.30, 0.0..=1.0)?,
            cache_ttl: env.seconds("CACHE_TTL_SECONDS", Duration::from_secs(300), 0..=86_400)?,
            cache_entries: env.number("CACHE_MAX_ENTRIES", 500, 0..=1_000_000)?,
            execution_timeout: env.millis(
                "EXECUTION_TIMEOUT_MS",
                Duration::from_secs(5),
                1000..=29_000,
            )?,
            max_body_bytes: env.number("MAX_BODY_BYTES", 64 << 10, 1024..=(6 << 20))?,
            poll_shards: env.number("POLL_SHARDS", 1, 1..=1000)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_gives_the_defaults_of_the_contract() {
        let config = Config::from_env(&Env::default()).unwrap();
        assert_eq!((config.alert_threshold, config.cache_entries), (0.30, 500));
        assert_eq!(
            (
                config.cache_ttl.as_secs(),
                config.execution_timeout.as_millis()
            ),
            (300, 5000)
        );
    }
}
