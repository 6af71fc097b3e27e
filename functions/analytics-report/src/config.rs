//! The function's configuration, read once at start.

use insights_core::topics::{ClusterSettings, VocabularyLimits};
use runtime::config::{ConfigError, Env};

/// The configuration; each field says its variable and default.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `REPORT_REQUESTS_PER_SECOND`: transcripts asked for a second; 100. What the server allows goes before it.
    pub requests_per_second: u32,
    /// `REPORT_CONCURRENCY`: transcripts asked for at once; 16.
    pub concurrency: usize,
    /// `REPORT_TOPICS`, 5, `REPORT_TOPIC_STARTS`, 10, and `REPORT_SEED`, 42: how the topics are clustered.
    pub topics: ClusterSettings,
    /// `REPORT_MAX_FEATURES`, 500, `REPORT_MIN_DF`, 2, and `REPORT_MAX_DF`, 0.95: the vocabulary of the topics.
    pub vocabulary: VocabularyLimits,
    /// `REPORT_REDACT`: whether personal data in the CSV's transcripts is blacked out, `no` or `yes`; no.
    pub redact: bool,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let (topics, vocabulary) = (ClusterSettings::default(), VocabularyLimits::default());
        Ok(Self {
            requests_per_second: env.number("REPORT_REQUESTS_PER_SECOND", 100, 1..=10_000)?,
            concurrency: env.number("REPORT_CONCURRENCY", 16, 1..=256)?,
            topics: ClusterSettings {
                clusters: env.number("REPORT_TOPICS", topics.clusters, 1..=50)?,
                starts: env.number("REPORT_TOPIC_STARTS", topics.starts, 1..=100)?,
                seed: env.number("REPORT_SEED", topics.seed, 0..=u32::MAX)?,
            },
            vocabulary: VocabularyLimits {
                max_features: env.number(
                    "REPORT_MAX_FEATURES",
                    vocabulary.max_features,
                    1..=100_000,
                )?,
                min_documents: env.number(
                    "REPORT_MIN_DF",
                    vocabulary.min_documents,
                    1..=1_000_000,
                )?,
                max_share: env.number("REPORT_MAX_DF", vocabulary.max_share, 0.0..=1.0)?,
            },
            redact: env.choice("REPORT_REDACT", &[("no", false), ("yes", true)])?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_gives_the_numbers_of_the_contract() {
        let config = Config::from_env(&Env::default()).unwrap();
        assert_eq!(
            (
                config.topics.clusters,
                config.topics.starts,
                config.topics.seed
            ),
            (5, 10, 42)
        );
        let vocabulary = config.vocabulary;
        assert_eq!(
            (
                vocabulary.max_features,
                vocabulary.min_documents,
                vocabulary.max_share
            ),
            (500, 2, 0.95)
        );
    }

    #[test]
    fn a_bad_number_is_refused_by_name() {
        let message = Config::from_env(&Env::from_pairs([("REPORT_MAX_DF", "95")]))
            .unwrap_err()
            .to_string();
        assert_eq!(
            message,
            "REPORT_MAX_DF is \"95\", but must be a number from 0 to 1"
        );
    }
}
