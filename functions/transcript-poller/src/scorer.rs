//! Scores segments with the model in this process or with an HTTP service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use insights_core::intent::{IntentCategories, IntentClassifier};
use insights_core::live::{ScoredSegment, Segment, Speaker};
use insights_core::unscored::Unscored;
use insights_http::Deadline;
use sentiment::{Provider, ProviderError, SentimentProvider, SentimentScore};
use tokio::sync::Semaphore;

/// Longest time for scoring one text, retries included.
const SCORE_TIMEOUT: Duration = Duration::from_secs(5);

/// A segment that was not scored, with the reason.
#[derive(Debug)]
pub struct FailedSegment {
    /// Segment that has no score.
    pub segment: Segment,
    /// Reason why the provider gave no score.
    pub error: ProviderError,
}

/// A scorer of segments. Clones share the model.
#[derive(Debug, Clone)]
pub struct SegmentScorer {
    provider: Provider,
    scored_texts: Arc<AtomicU64>,
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
            scored_texts: Arc::default(),
            intents: Arc::new(intents),
        }
    }

    /// Scores segments and returns one result for each of them, in the same order: a text that cannot be scored does not stop
    /// the others.
    pub async fn score(&self, segments: Vec<Segment>) -> Vec<Result<ScoredSegment, FailedSegment>> {
        let scores = segments
            .into_iter()
            .map(|segment| self.score_segment(segment));
        futures::future::join_all(scores).await
    }

    /// Returns how many texts the provider has scored so far, for all calls.
    pub(crate) fn scored_texts(&self) -> u64 {
        self.scored_texts.load(Ordering::Relaxed)
    }

    async fn score_segment(&self, segment: Segment) -> Result<ScoredSegment, FailedSegment> {
        // Acquiring fails only if the semaphore is closed, which never happens.
        let _permit = self.permits.acquire().await;
        let scored = if segment.text.trim().is_empty() {
            SentimentScore::unscored(Unscored::NoWords)
        } else {
            let deadline = Deadline::within(SCORE_TIMEOUT);
            match self.provider.score(&segment.text, deadline).await {
                Ok(scored) => {
                    self.scored_texts.fetch_add(1, Ordering::Relaxed);
                    scored
                }
                Err(error) => return Err(FailedSegment { segment, error }),
            }
        };
        let intent = (segment.speaker == Speaker::Customer)
            .then(|| self.intents.classify(&segment.text, &[]).category);
        Ok(ScoredSegment {
            segment,
            score: scored.score,
            unscored: scored.unscored,
            language: scored.language,
            emotions: scored.emotions,
            signals: scored.signals,
            intent,
        })
    }
}
