//! The sentiment model beside the lexicon. Its scores may lag behind, so that messages are never held up.

use std::time::Duration;

use insights_core::WithCauses;
use insights_http::Deadline;
use sentiment::{Provider, SentimentProvider, SentimentScore};

/// Time limit for scoring one message.
const SCORE_TIMEOUT: Duration = Duration::from_secs(3);

/// The sentiment model of the sessions; by default there is none.
#[derive(Debug, Clone, Default)]
pub struct Scorer(Option<Provider>);

impl Scorer {
    /// Creates a scorer that uses a sentiment provider.
    #[must_use]
    pub const fn new(provider: Provider) -> Self {
        Self(Some(provider))
    }

    /// Returns whether there is a model.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the sentiment of a text; `None` if there is no model, or the model failed or did not answer in time.
    pub async fn score(&self, text: &str) -> Option<SentimentScore> {
        let provider = self.0.as_ref()?;
        match provider.score(text, Deadline::within(SCORE_TIMEOUT)).await {
            Ok(sentiment) => Some(sentiment),
            Err(error) => {
                runtime::metrics::count("model_errors", 1);
                tracing::warn!(cause = %WithCauses(&error), "the model did not score a message");
                None
            }
        }
    }
}
