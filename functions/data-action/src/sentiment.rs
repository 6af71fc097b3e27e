//! The sentiment of one text, from the model in this process or from an HTTP service.

use std::future::Future;

use cxone::Deadline;
use cxone::nlp::NlpClient;
use insights_core::scale::Score;

/// The sentiment of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentiment {
    /// 0 negative to 1 positive.
    pub score: Score,
    /// The emotions found, strongest first.
    pub emotions: Vec<String>,
}

/// Why a text could not be scored; each variant is a different answer to the caller.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// More texts wait than the model can score in time.
    #[error("too many texts wait to be scored")]
    Overloaded,
    /// The service or the model is out of order for now.
    #[error("the sentiment provider is unavailable")]
    Unavailable(#[source] cxone::Error),
    /// The service answered what is not a sentiment.
    #[error("the sentiment provider gave an invalid answer")]
    InvalidAnswer(#[source] cxone::Error),
    /// The model failed on this text.
    #[error("the model failed")]
    Model(#[source] inference::Error),
}

/// What scores a text.
pub trait SentimentProvider: Send + Sync {
    /// The sentiment of a text, before the deadline.
    fn score(
        &self,
        text: &str,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Sentiment, ProviderError>> + Send;
}

/// The model in this process: no text leaves it.
#[derive(Debug, Clone)]
pub struct Local(pub inference::Pool<inference::Sentiment>);

impl SentimentProvider for Local {
    async fn score(&self, text: &str, _deadline: Deadline) -> Result<Sentiment, ProviderError> {
        let analysis = match self.0.score(text).await {
            Ok(analysis) => analysis,
            Err(error) if error.is_retryable() => return Err(ProviderError::Overloaded),
            Err(error) => return Err(ProviderError::Model(error)),
        };
        let score = Score::try_from(analysis.score.clamp(0.0, 1.0)).unwrap_or(Score::NEUTRAL);
        let emotions = analysis
            .emotions
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        Ok(Sentiment { score, emotions })
    }
}

/// A service outside: `POST {"text"}` with a bearer key.
#[derive(Debug, Clone)]
pub struct Http(pub NlpClient);

impl SentimentProvider for Http {
    async fn score(&self, text: &str, deadline: Deadline) -> Result<Sentiment, ProviderError> {
        match self.0.analyse(text, deadline).await {
            Ok(answer) => {
                let score = Score::try_from(answer.score).unwrap_or(Score::NEUTRAL);
                Ok(Sentiment {
                    score,
                    emotions: answer.emotions,
                })
            }
            Err(error @ cxone::Error::InvalidResponse { .. }) => {
                Err(ProviderError::InvalidAnswer(error))
            }
            Err(error) => Err(ProviderError::Unavailable(error)),
        }
    }
}

/// The provider of a running function, chosen at start.
#[derive(Debug, Clone)]
pub enum Provider {
    /// The model in this process.
    Local(Local),
    /// A service outside.
    Http(Box<Http>),
}

impl SentimentProvider for Provider {
    async fn score(&self, text: &str, deadline: Deadline) -> Result<Sentiment, ProviderError> {
        match self {
            Self::Local(local) => local.score(text, deadline).await,
            Self::Http(http) => http.score(text, deadline).await,
        }
    }
}
