//! The model's score beside the lexicon's. It lags behind rather than hold messages up.

use std::time::Duration;

use cxone::Deadline;
use cxone::nlp::NlpClient;
use insights_core::scale::Score;

/// How long a service may take for one message.
const PATIENCE: Duration = Duration::from_secs(3);

/// What scores with a model.
#[derive(Debug, Clone, Default)]
pub enum Scorer {
    /// No model: the lexicon alone.
    #[default]
    None,
    /// A service outside.
    Http(Box<NlpClient>),
    /// The model in this process.
    #[cfg(feature = "model")]
    Local(inference::Pool<inference::Sentiment>),
}

impl Scorer {
    /// Whether there is a model.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// A text's score; `None` if there is no model, or it has no time or failed.
    pub async fn score(&self, text: &str) -> Option<Score> {
        match self {
            Self::None => None,
            Self::Http(service) => match service.analyse(text, Deadline::within(PATIENCE)).await {
                Ok(answer) => Score::try_from(answer.score).ok(),
                Err(error) => {
                    runtime::metrics::count("model_errors", 1);
                    tracing::warn!(error = %error, "the sentiment service did not score a message");
                    None
                }
            },
            #[cfg(feature = "model")]
            Self::Local(pool) => match pool.score(text).await {
                Ok(analysis) => Score::try_from(analysis.score.clamp(0.0, 1.0)).ok(),
                Err(error) => {
                    runtime::metrics::count("model_errors", 1);
                    tracing::warn!(error = %error, "the model did not score a message");
                    None
                }
            },
        }
    }
}
