//! Scores of segments, from the model in this process or from an HTTP service.

use std::sync::Arc;
use std::time::Duration;

use cxone::Deadline;
use cxone::nlp::NlpClient;
use insights_core::intent::{Categories, Classifier};
use insights_core::live::{Direction, Scored, Segment};
use insights_core::scale::Score;
use tokio::sync::Semaphore;

/// Texts on their way to a worker of the model: enough to keep it busy, few enough to never overflow its queue.
const TEXTS_PER_WORKER: usize = 4;
/// Texts on their way to an HTTP service at once.
const TEXTS_OVER_HTTP: usize = 16;
/// How long a service may take for one text, retries included.
const HTTP_LIMIT: Duration = Duration::from_secs(5);

/// Why a segment could not be scored; it stays unscored and is fetched again.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The model failed.
    #[error("the model failed")]
    Model(#[from] inference::Error),
    /// The service failed.
    #[error("the sentiment service failed")]
    Service(#[from] cxone::Error),
}

#[derive(Clone)]
enum Provider {
    Local(inference::Pool<inference::Sentiment>),
    Http(Box<NlpClient>),
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(_) => f.write_str("Local"),
            Self::Http(client) => client.fmt(f),
        }
    }
}

/// What scores segments. Clones share the model.
#[derive(Debug, Clone)]
pub struct Scorer {
    provider: Provider,
    permits: Arc<Semaphore>,
    intents: Arc<Classifier>,
}

impl Scorer {
    /// Scores with a model in this process.
    #[must_use]
    pub fn local(pool: inference::Pool<inference::Sentiment>) -> Self {
        let permits = pool.workers() * TEXTS_PER_WORKER;
        Self::new(Provider::Local(pool), permits)
    }

    /// Scores with a service.
    #[must_use]
    pub fn http(client: NlpClient) -> Self {
        Self::new(Provider::Http(Box::new(client)), TEXTS_OVER_HTTP)
    }

    fn new(provider: Provider, permits: usize) -> Self {
        // Key words alone: they only choose between texts for the agent, and cost nothing.
        let intents =
            Classifier::new(Categories::default(), None).expect("categories without vectors");
        Self {
            provider,
            permits: Arc::new(Semaphore::new(permits)),
            intents: Arc::new(intents),
        }
    }

    /// Scores segments, in their order.
    ///
    /// # Errors
    /// [`ScoreError`] if one of them fails; then none counts.
    pub async fn score(&self, segments: Vec<Segment>) -> Result<Vec<Scored>, ScoreError> {
        futures::future::try_join_all(segments.into_iter().map(|segment| self.one(segment))).await
    }

    async fn one(&self, segment: Segment) -> Result<Scored, ScoreError> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let (score, emotions) = if segment.text.trim().is_empty() {
            (Score::NEUTRAL, Vec::new())
        } else {
            match &self.provider {
                Provider::Local(pool) => {
                    let analysis = pool.score(segment.text.clone()).await?;
                    (
                        on_scale(analysis.score),
                        analysis
                            .emotions
                            .into_iter()
                            .map(|(name, _)| name)
                            .collect(),
                    )
                }
                Provider::Http(client) => {
                    let answer = client
                        .analyse(&segment.text, Deadline::within(HTTP_LIMIT))
                        .await?;
                    (on_scale(answer.score), answer.emotions)
                }
            }
        };
        let intent = (segment.direction == Direction::Customer)
            .then(|| self.intents.classify(&segment.text, &[]).category);
        Ok(Scored {
            segment,
            score,
            emotions,
            intent,
        })
    }
}

/// A provider's number as a score.
fn on_scale(score: f64) -> Score {
    Score::try_from(score.clamp(0.0, 1.0)).unwrap_or(Score::NEUTRAL)
}
