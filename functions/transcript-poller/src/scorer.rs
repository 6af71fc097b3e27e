//! Scores of segments, from the model in this process or from an HTTP service.

use std::sync::Arc;
use std::time::Duration;

use insights_core::intent::{IntentCategories, IntentClassifier};
use insights_core::live::{Direction, Scored, Segment};
use insights_core::scale::Score;
use insights_http::Deadline;
use sentiment::{Provider, ProviderError, Sentiment, SentimentProvider};
use tokio::sync::Semaphore;

/// How long a service may take for one text, retries included.
const PATIENCE: Duration = Duration::from_secs(5);

/// What scores segments. Clones share the model.
#[derive(Debug, Clone)]
pub struct Scorer {
    provider: Provider,
    permits: Arc<Semaphore>,
    intents: Arc<IntentClassifier>,
}

impl Scorer {
    /// Scores with this provider, no more texts at once than it takes.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        // Key words alone: they only choose between texts for the agent, and cost nothing.
        let intents = IntentClassifier::new(IntentCategories::default(), None)
            .expect("categories without vectors");
        Self {
            permits: Arc::new(Semaphore::new(provider.at_once())),
            provider,
            intents: Arc::new(intents),
        }
    }

    /// Scores segments, in their order.
    ///
    /// # Errors
    /// [`ProviderError`] if one of them fails: then none counts, and all are fetched and scored again.
    pub async fn score(&self, segments: Vec<Segment>) -> Result<Vec<Scored>, ProviderError> {
        futures::future::try_join_all(segments.into_iter().map(|segment| self.one(segment))).await
    }

    async fn one(&self, segment: Segment) -> Result<Scored, ProviderError> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let (score, emotions) = if segment.text.trim().is_empty() {
            (Score::NEUTRAL, Vec::new())
        } else {
            let deadline = Deadline::within(PATIENCE);
            let Sentiment { score, emotions } =
                self.provider.score(&segment.text, deadline).await?;
            (score, emotions)
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
