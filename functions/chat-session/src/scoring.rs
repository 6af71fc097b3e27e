//! The model's score beside the lexicon's. It lags behind rather than hold messages up.

use std::time::Duration;

use insights_core::scale::Score;
use insights_http::Deadline;
use sentiment::{Provider, SentimentProvider};

/// How long a service may take for one message.
const PATIENCE: Duration = Duration::from_secs(3);

/// What scores beside the lexicon; nothing by default.
#[derive(Debug, Clone, Default)]
pub struct Scorer(Option<Provider>);

impl Scorer {
    /// Scores with this provider.
    #[must_use]
    pub const fn new(provider: Provider) -> Self {
        Self(Some(provider))
    }

    /// Whether there is a model.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// A text's score; `None` if there is no model, or it has no time or failed.
    pub async fn score(&self, text: &str) -> Option<Score> {
        let provider = self.0.as_ref()?;
        match provider.score(text, Deadline::within(PATIENCE)).await {
            Ok(sentiment) => Some(sentiment.score),
            Err(error) => {
                runtime::metrics::count("model_errors", 1);
                tracing::warn!(error = %error, "a message was not scored by the model");
                None
            }
        }
    }
}
