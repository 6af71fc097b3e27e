//! The sentiment of one text, from the model in this process or from an HTTP service.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::service::NlpClient;
use anyhow::Context;
use backends::cxone_client;
use backends::stores::FunctionSecrets;
use inference::Pool;
use insights_core::scale::Score;
use insights_http::Deadline;
use insights_http::client::IdleConnections;

use crate::settings::{ProviderKind, Settings};

/// Texts on their way to a worker of the model: enough to keep it busy, few enough to never overflow its queue.
const TEXTS_PER_WORKER: usize = 4;
/// Texts on their way to an HTTP service at once.
const TEXTS_OVER_HTTP: usize = 16;

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
    Unavailable(#[source] insights_http::Error),
    /// The service answered what is not a sentiment.
    #[error("the sentiment provider gave an invalid answer")]
    InvalidAnswer(#[source] insights_http::Error),
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

/// The model in this process: no text leaves it. Clones share it.
#[derive(Debug, Clone)]
pub struct Local {
    pool: Pool<inference::Sentiment>,
    source: Arc<str>,
    digest: Arc<str>,
}

impl Local {
    /// Loads the model, the shipped one or that of `MODEL_DIR`.
    ///
    /// # Errors
    /// If it does not load.
    pub async fn load(settings: &Settings) -> anyhow::Result<Self> {
        let dir = settings.model_dir.clone();
        let source = dir
            .as_ref()
            .map_or_else(|| "shipped".to_owned(), |dir| dir.display().to_string());
        let load = move || match &dir {
            Some(dir) => inference::Sentiment::from_dir(dir)
                .with_context(|| format!("the model in {}", dir.display())),
            None => inference::Sentiment::embedded().context("the shipped model"),
        };
        let model = tokio::task::spawn_blocking(load)
            .await??
            .with_emotion_threshold(settings.emotion_threshold as f32);
        Ok(Self {
            source: source.into(),
            digest: model.digest().into(),
            pool: Pool::new(model, NonZeroUsize::new(settings.threads)),
        })
    }

    /// Where the model comes from: `shipped`, or the folder of `MODEL_DIR`.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The SHA-256 of its `model.onnx`, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl SentimentProvider for Local {
    async fn score(&self, text: &str, _deadline: Deadline) -> Result<Sentiment, ProviderError> {
        let analysis = match self.pool.score(text).await {
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
pub struct Http(NlpClient);

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
            Err(error @ insights_http::Error::InvalidResponse { .. }) => {
                Err(ProviderError::InvalidAnswer(error))
            }
            Err(error) => Err(ProviderError::Unavailable(error)),
        }
    }
}

/// The provider of a running function, chosen at start. Clones share it.
#[derive(Debug, Clone)]
pub enum Provider {
    /// The model in this process.
    Local(Local),
    /// A service outside.
    Http(Box<Http>),
}

impl Provider {
    /// The provider that the settings say; the key of a service is the secret's `nlp_api_key`.
    ///
    /// # Errors
    /// If the model does not load, or the service's URL cannot be used.
    pub async fn build(
        settings: &Settings,
        secrets: &Arc<FunctionSecrets>,
        idle: IdleConnections,
    ) -> anyhow::Result<Self> {
        let (ProviderKind::Http, Some(url)) = (settings.provider, &settings.url) else {
            return Ok(Self::Local(Local::load(settings).await?));
        };
        let key = cxone_client::secret_key(secrets, "nlp_api_key");
        let http = insights_http::client::build_client(idle)?;
        let service = NlpClient::new(
            http,
            url.as_str(),
            key,
            insights_http::CallLimits::default(),
        )?;
        Ok(Self::Http(Box::new(Http(service))))
    }

    /// How many texts it takes at once without refusing any.
    #[must_use]
    pub fn at_once(&self) -> usize {
        match self {
            Self::Local(local) => local.pool.workers() * TEXTS_PER_WORKER,
            Self::Http(_) => TEXTS_OVER_HTTP,
        }
    }
}

impl SentimentProvider for Provider {
    async fn score(&self, text: &str, deadline: Deadline) -> Result<Sentiment, ProviderError> {
        match self {
            Self::Local(local) => local.score(text, deadline).await,
            Self::Http(http) => http.score(text, deadline).await,
        }
    }
}
