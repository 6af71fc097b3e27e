//! Scores segments with the model in this process or with an HTTP service.

use std::sync::Arc;
use std::time::Duration;

use insights_core::intent::{IntentCategories, IntentClassifier};
use insights_core::live::{ScoredSegment, Segment, Speaker};
use insights_core::scale::Score;
use insights_http::Deadline;
use sentiment::{Provider, ProviderError, SentimentProvider, SentimentScore};
use tokio::sync::Semaphore;

/// Longest time for scoring one text, retries included.
const SCORE_TIMEOUT: Duration = Duration::from_secs(5);

/// A scorer of segments. Clones share the model.
#[derive(Debug, Clone)]
pub struct SegmentScorer {
    provider: Provider,
    permits: Arc<Semaphore>,
    intents: Arc<IntentClassifier>,
}

impl SegmentScorer {
    /// Creates a scorer that gives `provider` no more texts at the same time than it takes.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        // The classifier uses keywords alone: intents only choose between texts for the agent, and keywords cost nothing.
        let intents = IntentClassifier::new(IntentCategories::default(), None)
            .expect("categories without vectors");
        Self {
            permits: Arc::new(Semaphore::new(provider.max_concurrency())),
            provider,
            intents: Arc::new(intents),
        }
    }

    /// Scores segments and returns them in the same order.
    ///
    /// # Errors
    /// Returns a [`ProviderError`] if one of the segments cannot be scored. Then none of them counts, and all are fetched and
    /// scored again.
    pub async fn score(&self, segments: Vec<Segment>) -> Result<Vec<ScoredSegment>, ProviderError> {
        let scores = segments
            .into_iter()
            .map(|segment| self.score_segment(segment));
        futures::future::try_join_all(scores).await
    }

    async fn score_segment(&self, segment: Segment) -> Result<ScoredSegment, ProviderError> {
        // Acquiring fails only if the semaphore is closed, which never happens.
        let _permit = self.permits.acquire().await;
        let (score, emotions) = if segment.text.trim().is_empty() {
            (Score::NEUTRAL, Vec::new())
        } else {
            let deadline = Deadline::within(SCORE_TIMEOUT);
            let SentimentScore { score, emotions } =
                self.provider.score(&segment.text, deadline).await?;
            (score, emotions)
        };
        let intent = (segment.speaker == Speaker::Customer)
            .then(|| self.intents.classify(&segment.text, &[]).category);
        Ok(ScoredSegment {
            segment,
            score,
            emotions,
            intent,
        })
    }
}
