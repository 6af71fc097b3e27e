//! The function's configuration, read once at start.

use std::path::PathBuf;
use std::time::Duration;

use runtime::config::{ConfigError, Env};
use url::Url;

/// Which provider scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// The model in this process.
    Local,
    /// The service at `SENTIMENT_URL`.
    Http,
}

/// The configuration; each field says its variable and default.
#[derive(Debug, Clone)]
pub struct Config {
    /// `SENTIMENT_PROVIDER`, `local` or `http`; local.
    pub provider: ProviderKind,
    /// `SENTIMENT_URL`; needed with the HTTP provider.
    pub sentiment_url: Option<Url>,
    /// `MODEL_DIR`: a model to use instead of the shipped one; none.
    pub model_dir: Option<PathBuf>,
    /// `ALERT_THRESHOLD`: a score below it raises the alert; 0.30.
    pub alert_threshold: f64,
    /// `EMOTION_THRESHOLD`: a tag from this probability; 0.30.
    pub emotion_threshold: f64,
    /// `CACHE_TTL_SECONDS`; 300.
    pub cache_ttl: Duration,
    /// `CACHE_MAX_ENTRIES`; 500.
    pub cache_entries: u64,
    /// `EXECUTION_TIMEOUT_MS`: what the contact centre allows; 5000. The answer comes half a second earlier.
    pub execution_timeout: Duration,
    /// `MAX_BODY_BYTES`: the largest body; 65536.
    pub max_body_bytes: usize,
    /// `INFERENCE_THREADS`: 0, the default, takes one a core.
    pub inference_threads: usize,
    /// `POLL_SHARDS`: the lists of live calls, as many as the transcript poller has; 1.
    pub poll_shards: u32,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let provider = env.choice(
            "SENTIMENT_PROVIDER",
            &[("local", ProviderKind::Local), ("http", ProviderKind::Http)],
        )?;
        let sentiment_url = match provider {
            ProviderKind::Http => Some(env.required_url("SENTIMENT_URL")?),
            ProviderKind::Local => env.url("SENTIMENT_URL")?,
        };
        Ok(Self {
            provider,
            sentiment_url,
            model_dir: env.folder("MODEL_DIR")?,
            alert_threshold: env.number("ALERT_THRESHOLD", 0.30, 0.0..=1.0)?,
            emotion_threshold: env.number("EMOTION_THRESHOLD", 0.30, 0.0..=1.0)?,
            cache_ttl: env.seconds("CACHE_TTL_SECONDS", Duration::from_secs(300), 0..=86_400)?,
            cache_entries: env.number("CACHE_MAX_ENTRIES", 500, 0..=1_000_000)?,
            execution_timeout: env.millis(
                "EXECUTION_TIMEOUT_MS",
                Duration::from_secs(5),
                1000..=29_000,
            )?,
            max_body_bytes: env.number("MAX_BODY_BYTES", 64 << 10, 1024..=(6 << 20))?,
            inference_threads: env.number("INFERENCE_THREADS", 0, 0..=64)?,
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
        assert_eq!(config.provider, ProviderKind::Local);
        assert_eq!((config.alert_threshold, config.cache_entries), (0.30, 500));
        assert_eq!(
            (
                config.cache_ttl.as_secs(),
                config.execution_timeout.as_millis()
            ),
            (300, 5000)
        );
    }

    #[test]
    fn the_http_provider_needs_its_url() {
        let env = Env::from_pairs([("SENTIMENT_PROVIDER", "http")]);
        let message = Config::from_env(&env).unwrap_err().to_string();
        assert_eq!(
            message,
            "SENTIMENT_URL is not set; it must be an http or https URL"
        );
    }
}
