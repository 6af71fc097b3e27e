//! The cache of scored texts: a short time to live, a bounded number of entries, one inference for identical texts in
//! flight at once, and no errors.

use std::sync::Arc;
use std::time::Duration;

use insights_http::{Deadline, Error as HttpError};
use moka::future::Cache;
use sha2::{Digest, Sha256};

use sentiment::{ProviderError, SentimentScore};

/// Scored texts by the digest of their normal form, so that no customer's words stay in memory.
#[derive(Debug, Clone)]
pub struct SentimentCache(Cache<[u8; 32], Arc<SentimentScore>>);

impl SentimentCache {
    /// Builds an empty cache whose entries live for `time_to_live`, at most `entries` of them.
    #[must_use]
    pub fn new(time_to_live: Duration, entries: u64) -> Self {
        Self(
            Cache::builder()
                .max_capacity(entries)
                .time_to_live(time_to_live)
                .build(),
        )
    }

    /// Returns the sentiment of a text, from the cache or by `score`, and whether it was a hit. Callers with the same text share
    /// one call of `score`; if its caller goes away or runs out of time, another's takes its place. Other errors are given to
    /// all that wait, and no error is kept.
    ///
    /// # Errors
    /// What `score` fails with.
    pub async fn get_or_score<F>(
        &self,
        text: &str,
        deadline: Deadline,
        score: impl Fn() -> F,
    ) -> Result<(Arc<SentimentScore>, bool), Arc<ProviderError>>
    where
        F: Future<Output = Result<SentimentScore, ProviderError>>,
    {
        let key = key(text);
        loop {
            let mut has_scored = false;
            let scored = self.0.entry(key).or_try_insert_with(async {
                has_scored = true;
                score().await.map(Arc::new)
            });
            match scored.await {
                Ok(entry) => {
                    let hit = !entry.is_fresh();
                    return Ok((entry.into_value(), hit));
                }
                // The time of another caller was over, and this one has some left.
                Err(error) if !has_scored && is_late(&error) && !deadline.has_passed() => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Returns whether a text was not scored because its caller had no time left.
fn is_late(error: &ProviderError) -> bool {
    matches!(
        error,
        ProviderError::Unavailable(HttpError::DeadlineExceeded { .. })
    )
}

/// The digest of a text's normal form: trimmed, lower case, inner white space folded to one space.
fn key(text: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 {
            hasher.update(b" ");
        }
        hasher.update(word.to_lowercase().as_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use insights_core::scale::Score;

    use super::*;

    fn cache() -> SentimentCache {
        SentimentCache::new(Duration::from_secs(300), 500)
    }

    fn soon() -> Deadline {
        Deadline::within(Duration::from_secs(5))
    }

    fn sentiment() -> SentimentScore {
        SentimentScore::new(Score::NEUTRAL, vec!["joy".to_owned()])
    }

    #[test]
    fn texts_that_differ_in_case_and_white_space_share_an_entry() {
        assert_eq!(key(" My  Order\nis LATE "), key("my order is late"));
        assert_ne!(key("my order is late"), key("my order islate"));
        assert_ne!(key("my order is late"), key("my order is late!"));
    }

    #[tokio::test]
    async fn identical_texts_in_flight_make_one_inference() {
        let (cache, calls) = (cache(), AtomicUsize::new(0));
        let score = || async {
            calls.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(sentiment())
        };
        let all =
            futures::future::join_all((0..100).map(|_| cache.get_or_score("hello", soon(), score)))
                .await;
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        assert_eq!(
            all.iter().filter(|one| !one.as_ref().unwrap().1).count(),
            1,
            "one miss"
        );
    }

    #[tokio::test]
    async fn an_error_is_not_kept() {
        let cache = cache();
        let failed = cache
            .get_or_score("hello", soon(), || async { Err(ProviderError::Overloaded) })
            .await;
        assert!(matches!(*failed.unwrap_err(), ProviderError::Overloaded));
        let (_, hit) = cache
            .get_or_score("hello", soon(), || async { Ok(sentiment()) })
            .await
            .unwrap();
        assert!(!hit);
        let (_, hit) = cache
            .get_or_score("HELLO ", soon(), || async { panic!("cached") })
            .await
            .unwrap();
        assert!(hit);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_leaves_the_work_to_the_next() {
        let cache = cache();
        let stuck = cache.get_or_score("hello", soon(), std::future::pending);
        assert!(futures::poll!(Box::pin(stuck)).is_pending());
        let (_, hit) = cache
            .get_or_score("hello", soon(), || async { Ok(sentiment()) })
            .await
            .unwrap();
        assert!(!hit);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_with_time_left_does_not_fail_with_one_that_has_none() {
        let cache = cache();
        let scorer = |deadline: Deadline| {
            move || async move {
                let work = tokio::time::sleep(Duration::from_secs(3));
                match deadline.bound(work).await {
                    Some(()) => Ok(sentiment()),
                    None => Err(ProviderError::Unavailable(HttpError::DeadlineExceeded {
                        endpoint: "/v1/sentiment".to_owned(),
                    })),
                }
            }
        };
        let (hasty, patient) = (
            Deadline::within(Duration::from_secs(1)),
            Deadline::within(Duration::from_secs(5)),
        );
        let (hasty, patient) = tokio::join!(
            cache.get_or_score("hello", hasty, scorer(hasty)),
            cache.get_or_score("hello", patient, scorer(patient)),
        );
        assert!(is_late(&hasty.unwrap_err()));
        assert!(!patient.unwrap().1, "the second caller scored for itself");
    }

    #[tokio::test]
    async fn the_number_of_entries_is_bounded() {
        let cache = SentimentCache::new(Duration::from_secs(300), 10);
        for index in 0..200 {
            cache
                .get_or_score(&format!("text {index}"), soon(), || async {
                    Ok(sentiment())
                })
                .await
                .unwrap();
        }
        cache.0.run_pending_tasks().await;
        assert!(cache.0.entry_count() <= 10);
    }
}
