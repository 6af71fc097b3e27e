//! Which provider scores, and with what.

use std::path::PathBuf;

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

/// The provider's settings; each field says its variable and default.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `SENTIMENT_PROVIDER`, `local` or `http`; local.
    pub provider: ProviderKind,
    /// `SENTIMENT_URL`; needed with the HTTP provider.
    pub url: Option<Url>,
    /// `MODEL_DIR`: a model to use instead of the shipped one; none.
    pub model_dir: Option<PathBuf>,
    /// `EMOTION_THRESHOLD`: a tag from this probability; 0.30.
    pub emotion_threshold: f64,
    /// `INFERENCE_THREADS`: 0, the default, takes one a core.
    pub threads: usize,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let kinds = [("local", ProviderKind::Local), ("http", ProviderKind::Http)];
        Self::of(env.choice("SENTIMENT_PROVIDER", &kinds)?, env)
    }

    /// Reads the settings where `SENTIMENT_PROVIDER` may also be `lexicon`, which needs no provider: none.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    pub fn beside_the_lexicon(env: &Env) -> Result<Option<Self>, ConfigError> {
        let kinds = [
            ("local", Some(ProviderKind::Local)),
            ("http", Some(ProviderKind::Http)),
            ("lexicon", None),
        ];
        let kind = env.choice("SENTIMENT_PROVIDER", &kinds)?;
        kind.map(|kind| Self::of(kind, env)).transpose()
    }

    fn of(provider: ProviderKind, env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            url: match provider {
                ProviderKind::Http => Some(env.required_url("SENTIMENT_URL")?),
                ProviderKind::Local => env.url("SENTIMENT_URL")?,
            },
            provider,
            model_dir: env.folder("MODEL_DIR")?,
            emotion_threshold: env.number("EMOTION_THRESHOLD", 0.30, 0.0..=1.0)?,
            threads: env.number("INFERENCE_THREADS", 0, 0..=64)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_gives_the_model_in_this_process() {
        let settings = Settings::from_env(&Env::default()).unwrap();
        assert_eq!(settings.provider, ProviderKind::Local);
        assert_eq!((settings.emotion_threshold, settings.threads), (0.30, 0));
        let beside = Settings::beside_the_lexicon(&Env::default()).unwrap();
        assert_eq!(beside.unwrap().provider, ProviderKind::Local);
    }

    #[test]
    fn the_http_provider_needs_its_url() {
        let env = Env::from_pairs([("SENTIMENT_PROVIDER", "http")]);
        for error in [
            Settings::from_env(&env).unwrap_err(),
            Settings::beside_the_lexicon(&env).unwrap_err(),
        ] {
            assert_eq!(
                error.to_string(),
                "SENTIMENT_URL is not set; it must be an http or https URL"
            );
        }
    }

    #[test]
    fn only_chats_can_do_with_the_lexicon_alone() {
        let env = Env::from_pairs([("SENTIMENT_PROVIDER", "lexicon")]);
        assert!(Settings::beside_the_lexicon(&env).unwrap().is_none());
        let message = Settings::from_env(&env).unwrap_err().to_string();
        assert!(
            message.contains("local") && message.contains("http"),
            "{message}"
        );
    }
}
