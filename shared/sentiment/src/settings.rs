//! Which provider scores, and with what.

use runtime::config::{ConfigError, Env};
use runtime::models::ModelSettings;
use runtime::settings::{
    Declaration, SettingsGroup, choice, from_caller, group, optional_number, url,
};
use url::Url;

use crate::provider::Provider;

/// The provider that scores texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// The model in this process.
    Local,
    /// The service at `SENTIMENT_URL`.
    Http,
}

runtime::settings! {
    /// The provider of a function that must score.
    struct RequiredProvider {
        /// What scores texts: `local` is the model inside the function, `http` the service at SENTIMENT_URL.
        kind: ProviderKind = choice("SENTIMENT_PROVIDER", &[("local", ProviderKind::Local), ("http", ProviderKind::Http)]),
    }
}

runtime::settings! {
    /// The provider of a function that has the lexicon's scores anyway.
    struct OptionalProvider {
        /// What scores texts beside the lexicon: `local` is the model inside the function, `http` the service at SENTIMENT_URL,
        /// `lexicon` adds no other score.
        kind: Option<ProviderKind> = choice(
            "SENTIMENT_PROVIDER",
            &[("local", Some(ProviderKind::Local)), ("http", Some(ProviderKind::Http)), ("lexicon", None)],
        ),
    }
}

runtime::settings! {
    /// With what a provider scores.
    #[derive(Debug, Clone)]
    pub struct ScoringSettings {
        /// URL of the sentiment service, which takes `{"text"}` by POST. The provider `http` needs the URL.
        pub url: Option<Url> = url("SENTIMENT_URL"),
        /// Probability from which an emotion becomes a tag, the same for all emotions.
        pub emotion_threshold: Option<f64> = optional_number("EMOTION_THRESHOLD", 0.0..=1.0, "probability")
            .otherwise("the model's own threshold of each emotion"),
        /// The models inside the function.
        pub models: ModelSettings = group::<ModelSettings>(),
        /// A provider that the process has built already and that is used in place of a new one.
        pub shared: Option<Provider> = from_caller(),
    }
}

/// The provider of a function and its settings.
#[derive(Debug, Clone)]
pub struct SentimentSettings {
    /// The provider that scores texts.
    pub provider: ProviderKind,
    /// With what the provider scores.
    pub scoring: ScoringSettings,
}

impl SentimentSettings {
    /// Reads the settings of the provider.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Self::new(RequiredProvider::from_env(env)?.kind, env)
    }

    /// Scores with a provider that the process has built already, so that two functions of one process share a model.
    #[must_use]
    pub fn with_provider(mut self, provider: Provider) -> Self {
        self.scoring.shared = Some(provider);
        self
    }

    fn new(provider: ProviderKind, env: &Env) -> Result<Self, ConfigError> {
        let scoring = ScoringSettings::from_env(env)?;
        if provider == ProviderKind::Http && scoring.url.is_none() {
            let allowed = "an http or https URL";
            return Err(ConfigError::missing("SENTIMENT_URL", allowed));
        }
        Ok(Self { provider, scoring })
    }
}

impl SettingsGroup for SentimentSettings {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Self::from_env(env)
    }

    fn declarations() -> Vec<Declaration> {
        let mut declarations = RequiredProvider::declarations();
        declarations.extend(ScoringSettings::declarations());
        declarations
    }
}

/// The provider that scores beside the lexicon; none where the lexicon's scores are enough.
#[derive(Debug, Clone)]
pub struct OptionalSentiment(pub Option<SentimentSettings>);

impl SettingsGroup for OptionalSentiment {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let kind = OptionalProvider::from_env(env)?.kind;
        let settings = kind.map(|kind| SentimentSettings::new(kind, env));
        settings.transpose().map(Self)
    }

    fn declarations() -> Vec<Declaration> {
        let mut declarations = OptionalProvider::declarations();
        declarations.extend(ScoringSettings::declarations());
        declarations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_gives_the_model_in_this_process() {
        let settings = SentimentSettings::from_env(&Env::default()).unwrap();
        assert_eq!(settings.provider, ProviderKind::Local);
        assert_eq!(
            (
                settings.scoring.emotion_threshold,
                settings.scoring.models.threads
            ),
            (None, 0)
        );
        let beside = OptionalSentiment::from_env(&Env::default()).unwrap().0;
        assert_eq!(beside.unwrap().provider, ProviderKind::Local);
    }

    #[test]
    fn the_http_provider_needs_its_url() {
        let env = Env::from_pairs([("SENTIMENT_PROVIDER", "http")]);
        for error in [
            SentimentSettings::from_env(&env).unwrap_err(),
            OptionalSentiment::from_env(&env).unwrap_err(),
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
        assert!(OptionalSentiment::from_env(&env).unwrap().0.is_none());
        let message = SentimentSettings::from_env(&env).unwrap_err().to_string();
        assert!(
            message.contains("local") && message.contains("http"),
            "{message}"
        );
    }
}
