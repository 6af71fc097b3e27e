//! The settings of the function, read once at start.

use std::time::Duration;

use backends::settings::{
    CallerSecretSettings, ProviderSecretSettings, ShardSettings, StateSettings,
};
use runtime::settings::{group, millis, number, seconds};
use sentiment::{Provider, SentimentSettings};

runtime::settings! {
    /// The configuration of the Data Action.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret that proves callers.
        pub callers: CallerSecretSettings = group::<CallerSecretSettings>(),
        /// The secret with the keys of services that score or embed.
        pub providers: ProviderSecretSettings = group::<ProviderSecretSettings>(),
        /// The state store of the live calls.
        pub state: StateSettings = group::<StateSettings>(),
        /// What scores.
        pub sentiment: SentimentSettings = group::<SentimentSettings>(),
        /// Score below which a Data Action raises the alert.
        pub alert_threshold: f64 = number("ALERT_THRESHOLD", 0.30, 0.0..=1.0, "score"),
        /// How long an answer is kept and given again for the same text; 0 keeps none.
        pub cache_ttl: Duration = seconds("CACHE_TTL_SECONDS", 300, 0..=86_400),
        /// Largest number of answers that are kept.
        pub cache_entries: u64 = number("CACHE_MAX_ENTRIES", 500, 0..=1_000_000, "answers"),
        /// Time that the contact center allows a Data Action; the function answers half a second earlier.
        pub execution_timeout: Duration = millis("EXECUTION_TIMEOUT_MS", 5000, 1000..=29_000),
        /// Size of the largest request body.
        pub max_body_bytes: usize = number("MAX_BODY_BYTES", 64 << 10, 1024..=(6 << 20), "bytes"),
        /// The lists of live calls, as many as the transcript poller follows.
        pub shards: ShardSettings = group::<ShardSettings>(),
    }
}

impl Config {
    /// Scores with a provider that the process has built already, so that two functions of one process share a model.
    #[must_use]
    pub fn with_scorer(mut self, provider: Provider) -> Self {
        self.sentiment = self.sentiment.with_provider(provider);
        self
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::Env;

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
