//! Providers of sentiment scores: the model in this process, or an HTTP service.

use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::Context;
use inference::WorkerPool;
use insights_core::scale::Score;
use insights_core::signals::Signal;
use insights_core::unscored::Unscored;
use insights_http::Deadline;
use runtime::models::ModelSettings;

use crate::score::SentimentScore;
use crate::service::NlpClient;

/// Texts in flight for each worker of the model: enough to keep the worker busy, few enough to never overflow its queue.
const TEXTS_PER_WORKER: usize = 4;
/// Texts in flight to an HTTP service.
const TEXTS_OVER_HTTP: usize = 16;

/// Why a text was not scored; each variant is a different answer to the caller.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// More texts wait than the model can score in time.
    #[error("too many texts wait to be scored")]
    Overloaded,
    /// The service is out of reach or busy: the same text may be scored later.
    #[error("the sentiment provider is unavailable")]
    Unavailable(#[source] insights_http::Error),
    /// The service refused this text, which is too long for it for example, and would refuse it again.
    #[error("the sentiment provider refused the text")]
    Refused(#[source] insights_http::Error),
    /// The service refused the key, or there is no key: every text fails until an operator corrects the secret.
    #[error("the sentiment provider refused the key")]
    AccessRefused(#[source] insights_http::Error),
    /// The answer of the service is not a sentiment.
    #[error("the sentiment provider gave an invalid answer")]
    InvalidAnswer(#[source] insights_http::Error),
    /// The model failed on this text.
    #[error("the sentiment model failed")]
    Model(#[source] inference::Error),
}

impl From<insights_http::Error> for ProviderError {
    /// Decides what a failed call to the service means for the text that was to be scored.
    fn from(error: insights_http::Error) -> Self {
        use insights_http::Error;
        match error {
            Error::InvalidResponse { .. } => Self::InvalidAnswer(error),
            Error::Unauthorized { .. } | Error::SecretMissing { .. } => Self::AccessRefused(error),
            // Request Timeout, Too Early, and every 5xx are about the moment and not about the text.
            Error::Rejected {
                status: 408 | 425 | 500..,
                ..
            } => Self::Unavailable(error),
            Error::Rejected { .. } | Error::NotFound { .. } | Error::Invalid { .. } => {
                Self::Refused(error)
            }
            _ => Self::Unavailable(error),
        }
    }
}

/// A provider of sentiment scores.
pub trait SentimentProvider: Send + Sync {
    /// Scores a text before the deadline.
    ///
    /// # Errors
    /// [`ProviderError`], as its variants say.
    fn score(
        &self,
        text: &str,
        deadline: Deadline,
    ) -> impl Future<Output = Result<SentimentScore, ProviderError>> + Send;
}

/// The model in this process, which no text leaves. Clones share the model.
#[derive(Debug, Clone)]
pub struct LocalProvider {
    pool: WorkerPool<inference::SentimentModel>,
    source: Arc<str>,
    digest: Arc<str>,
}

impl LocalProvider {
    /// Loads the model, either the shipped one or that of `MODEL_DIR`. An emotion becomes a tag from the probability
    /// `emotion_threshold`, or from the model's own threshold of that emotion.
    ///
    /// # Errors
    /// The model's files cannot be read or are not a sentiment model.
    pub async fn load(
        models: &ModelSettings,
        emotion_threshold: Option<f64>,
    ) -> anyhow::Result<Self> {
        let dir = models.folder.clone();
        let source = dir
            .as_ref()
            .map_or_else(|| "shipped".to_owned(), |dir| dir.display().to_string());
        let load = move || match &dir {
            Some(dir) => inference::SentimentModel::from_dir(dir).with_context(|| {
                format!("the sentiment model in {} was not loaded", dir.display())
            }),
            None => inference::SentimentModel::embedded()
                .context("the shipped sentiment model was not loaded"),
        };
        let mut model = tokio::task::spawn_blocking(load).await??;
        if let Some(threshold) = emotion_threshold {
            model = model.with_emotion_threshold(threshold as f32);
        }
        Ok(Self {
            source: source.into(),
            digest: model.digest().into(),
            pool: WorkerPool::new(model, NonZeroUsize::new(models.threads)),
        })
    }

    /// Returns where the model comes from: `shipped`, or the folder of `MODEL_DIR`.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the SHA-256 of the model's file `model.onnx`, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl SentimentProvider for LocalProvider {
    async fn score(
        &self,
        text: &str,
        _deadline: Deadline,
    ) -> Result<SentimentScore, ProviderError> {
        let analysis = match self.pool.score(text).await {
            Ok(analysis) => analysis,
            Err(error) if error.is_retryable() => return Err(ProviderError::Overloaded),
            Err(error) => return Err(ProviderError::Model(error)),
        };
        // Sums of probabilities may leave the scale by a rounding error; what is no number at all is a fault of the model.
        let score = Score::try_from(analysis.score.clamp(0.0, 1.0)).map_err(|_| {
            ProviderError::Model(inference::Error::Inference {
                tokens: 0,
                reason: "the score is not a number".to_owned(),
                source: None,
            })
        })?;
        let emotions = analysis
            .emotions
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let signals = analysis.signals.iter();
        Ok(SentimentScore {
            score,
            emotions,
            signals: signals
                .filter_map(|(name, _)| Signal::named(name))
                .collect(),
            unscored: analysis.unscored,
            language: analysis.language,
        })
    }
}

/// A service outside of this process that is called with a bearer key.
#[derive(Debug, Clone)]
pub struct HttpProvider(NlpClient);

impl HttpProvider {
    /// Creates a provider that asks the service of a client.
    #[must_use]
    pub fn new(client: NlpClient) -> Self {
        Self(client)
    }
}

impl SentimentProvider for HttpProvider {
    async fn score(&self, text: &str, deadline: Deadline) -> Result<SentimentScore, ProviderError> {
        if !inference::has_words(text) {
            return Ok(SentimentScore::unscored(Unscored::NoWords));
        }
        Ok(self.0.score(text, deadline).await?)
    }
}

/// The provider of a running function, chosen at start. Clones share the model or the connections.
#[derive(Debug, Clone)]
pub enum Provider {
    /// The model in this process.
    Local(LocalProvider),
    /// A service outside of this process.
    Http(Box<HttpProvider>),
}

impl Provider {
    /// Returns how many texts the provider takes at once without refusing any.
    #[must_use]
    pub fn max_concurrency(&self) -> usize {
        match self {
            Self::Local(local) => local.pool.workers() * TEXTS_PER_WORKER,
            Self::Http(_) => TEXTS_OVER_HTTP,
        }
    }
}

impl SentimentProvider for Provider {
    async fn score(&self, text: &str, deadline: Deadline) -> Result<SentimentScore, ProviderError> {
        match self {
            Self::Local(local) => local.score(text, deadline).await,
            Self::Http(http) => http.score(text, deadline).await,
        }
    }
}
