//! What the indexer does when the provider is slow, when the time ends, and when the store goes away.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Mutex;

use insights_core::chunking::ChunkLimits;
use insights_core::mapper::FieldMap;
use jiff::Timestamp;
use serde_json::json;
use store::vectors::{EmbeddingModel, SearchHit, StoredVersion, VectorQuery};
use tokio::time::Instant;

use super::*;

/// A provider that takes some time for each text, as a small processor does.
#[derive(Debug)]
struct SlowProvider {
    model: EmbeddingModel,
    time_per_text: Duration,
    /// A text that the model does not take.
    refused: &'static str,
    embedded: Mutex<usize>,
}

impl EmbeddingProvider for SlowProvider {
    fn model(&self) -> &EmbeddingModel {
        &self.model
    }

    fn max_tokens(&self) -> usize {
        16
    }

    fn chunks_per_group(&self) -> usize {
        8
    }

    fn tokenize(&self, text: &str) -> Result<Vec<Range<usize>>, ProviderError> {
        let start = text.as_ptr() as usize;
        let words = text.split_whitespace();
        Ok(words
            .map(|word| {
                let at = word.as_ptr() as usize - start;
                at..at + word.len()
            })
            .collect())
    }

    async fn embed(
        &self,
        texts: &[&str],
        deadline: Deadline,
    ) -> Vec<Result<Vec<f32>, ProviderError>> {
        let mut vectors = Vec::new();
        for text in texts {
            let embedded = deadline.bound(tokio::time::sleep(self.time_per_text)).await;
            vectors.push(match embedded {
                _ if !self.refused.is_empty() && text.contains(self.refused) => Err(
                    ProviderError::Text(Arc::new(std::io::Error::other("refused"))),
                ),
                Some(()) => {
                    *self.embedded.lock().unwrap() += 1;
                    Ok(vec![1.0, 0.0])
                }
                None => Err(ProviderError::Unavailable(Arc::new(std::io::Error::other(
                    "late",
                )))),
            });
        }
        vectors
    }
}

/// A store in memory that is away if a test says so.
#[derive(Default)]
struct Memory {
    stored: Mutex<BTreeMap<String, EmbeddedConversation>>,
    is_away: Mutex<bool>,
    /// A conversation that the store does not take, together with others and alone.
    refused: Mutex<Option<&'static str>>,
    writes: Mutex<usize>,
}

impl Memory {
    fn check(&self) -> Result<(), store::Error> {
        if *self.is_away.lock().unwrap() {
            return Err(store::Error::Unavailable {
                store: "PostgreSQL",
                operation: "replace",
                source: "connection refused".into(),
            });
        }
        Ok(())
    }

    fn ids(&self) -> Vec<String> {
        self.stored.lock().unwrap().keys().cloned().collect()
    }
}

impl VectorStore for Memory {
    async fn prepare(&self, _deadline: Instant) -> Result<(), store::Error> {
        Ok(())
    }

    async fn versions(
        &self,
        conversations: &[&str],
        _deadline: Instant,
    ) -> Result<HashMap<String, StoredVersion>, store::Error> {
        let stored = self.stored.lock().unwrap();
        let known = conversations.iter().filter_map(|id| stored.get(*id));
        Ok(known
            .map(|it| {
                let version = StoredVersion {
                    event_time: it.event_time,
                    event_digest: it.event_digest.clone(),
                    content_hash: it.content_hash.clone(),
                };
                (it.conversation_id.clone(), version)
            })
            .collect())
    }

    async fn replace(
        &self,
        conversations: &[EmbeddedConversation],
        deadline: Instant,
    ) -> Result<Vec<ReplaceOutcome>, store::Error> {
        assert!(Instant::now() < deadline, "there is time left to store");
        *self.writes.lock().unwrap() += 1;
        self.check()?;
        let refused = *self.refused.lock().unwrap();
        if let Some(refused) = conversations
            .iter()
            .find(|it| Some(it.conversation_id.as_str()) == refused)
        {
            return Err(store::Error::Limit {
                what: refused.conversation_id.clone(),
                limit: "at most one row".to_owned(),
                source: None,
            });
        }
        let mut stored = self.stored.lock().unwrap();
        for conversation in conversations {
            stored.insert(conversation.conversation_id.clone(), conversation.clone());
        }
        Ok(vec![ReplaceOutcome::Stored; conversations.len()])
    }

    async fn search(
        &self,
        _query: &VectorQuery,
        _deadline: Instant,
    ) -> Result<Vec<SearchHit>, store::Error> {
        unreachable!("the indexer does not search")
    }

    async fn count(&self, _deadline: Instant) -> Result<u64, store::Error> {
        unreachable!("the indexer does not count")
    }

    async fn forget(
        &self,
        _conversation_id: &str,
        _moment: Timestamp,
        _deadline: Instant,
    ) -> Result<u64, store::Error> {
        unreachable!("the indexer does not forget")
    }

    async fn delete_before(
        &self,
        _moment: Timestamp,
        _limit: u32,
        _deadline: Instant,
    ) -> Result<u64, store::Error> {
        unreachable!("the indexer deletes nothing by age")
    }

    async fn other_models(
        &self,
        _deadline: Instant,
    ) -> Result<BTreeMap<String, u64>, store::Error> {
        unreachable!("the indexer knows one model")
    }

    async fn delete_other_models(
        &self,
        _limit: u32,
        _deadline: Instant,
    ) -> Result<u64, store::Error> {
        unreachable!("the indexer knows one model")
    }
}

fn indexer(seconds_per_text: u64, refused: &'static str) -> Indexer<SlowProvider, Memory> {
    let provider = SlowProvider {
        model: EmbeddingModel {
            name: "slow".to_owned(),
            dimension: 2,
        },
        time_per_text: Duration::from_secs(seconds_per_text),
        refused,
        embedded: Mutex::default(),
    };
    let settings = IndexSettings {
        fields: FieldMap::default(),
        limits: ChunkLimits::new(16, 0).unwrap(),
        redaction: None,
        model: "slow".to_owned(),
        categories: String::new(),
    };
    let categories = IntentCategories::from_json(
        r#"{"default":"other","threshold":0.5,"categories":[{"name":"other"},
            {"name":"billing","prototypes":["I want a refund","the bill is wrong"]}]}"#,
    );
    Indexer::new(provider, Memory::default(), settings, categories.unwrap())
}

fn event(id: &str, second: i64, subject: &str) -> WebhookEvent {
    WebhookEvent {
        timestamp: Timestamp::from_second(1_700_000_000 + second).unwrap(),
        conversation_id: id.to_owned(),
        data: json!({"subject": subject}).as_object().unwrap().clone(),
    }
}

/// A text of so many chunks.
fn long_text(chunks: usize) -> String {
    "word ".repeat(chunks * 16 - 1)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_runs_out_of_time_stores_a_part_and_the_next_one_goes_on_behind_it() {
    let indexer = indexer(5, "");
    let events = || {
        vec![
            event("huge", 0, &long_text(30)),
            event("small", 0, "Refund"),
            event("large", 0, &long_text(8)),
        ]
    };
    // 2 prototypes and 9 chunks fit into the 95 s that are left for embedding, and 30 more chunks do not.
    let deadline = Deadline::within(Duration::from_secs(120));
    let results = indexer.index(events(), deadline).await;
    assert!(!deadline.has_passed(), "the call ends before its deadline");
    assert!(matches!(results[0], Err(NotIndexed::Later { .. })));
    assert_eq!(results[1].as_ref().unwrap(), &Indexed::Stored { chunks: 1 });
    assert_eq!(results[2].as_ref().unwrap(), &Indexed::Stored { chunks: 8 });
    assert_eq!(indexer.store().ids(), ["large", "small"]);

    let embedded = || *indexer.parts.provider.embedded.lock().unwrap();
    let before = embedded();
    let deadline = Deadline::within(Duration::from_secs(300));
    let results = indexer.index(events(), deadline).await;
    assert_eq!(
        results[0].as_ref().unwrap(),
        &Indexed::Stored { chunks: 30 }
    );
    assert_eq!(results[1].as_ref().unwrap(), &Indexed::Unchanged);
    assert_eq!(embedded() - before, 30, "nothing is embedded twice");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_embedded_for_a_store_that_went_away() {
    let indexer = indexer(1, "");
    *indexer.store().is_away.lock().unwrap() = true;
    let events = (0..10).map(|n| event(&format!("c{n}"), 0, &long_text(8)));
    let deadline = Deadline::within(Duration::from_secs(600));
    let results = indexer.index(events.collect(), deadline).await;
    for result in results {
        let failed = result.unwrap_err();
        assert!(matches!(failed, NotIndexed::Later { .. }));
        assert!(failed.failure().is_of_store());
    }
    assert_eq!(*indexer.store().writes.lock().unwrap(), 1);
    assert_eq!(*indexer.parts.provider.embedded.lock().unwrap(), 2 + 8);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_the_store_refuses_fails_alone() {
    let indexer = indexer(0, "");
    *indexer.store().refused.lock().unwrap() = Some("b");
    let events = ["a", "b", "c"].map(|id| event(id, 0, "Refund"));
    let deadline = Deadline::within(Duration::from_secs(60));
    let results = indexer.index(events.to_vec(), deadline).await;
    assert_eq!(results[0].as_ref().unwrap(), &Indexed::Stored { chunks: 1 });
    assert_eq!(results[2].as_ref().unwrap(), &Indexed::Stored { chunks: 1 });
    assert!(results[1].as_ref().unwrap_err().failure().is_of_store());
    assert_eq!(indexer.store().ids(), ["a", "c"]);
    // One call for all, and then one for each: the store is not taken for one that is away.
    assert_eq!(*indexer.store().writes.lock().unwrap(), 1 + 3);
}

#[tokio::test(start_paused = true)]
async fn a_refused_conversation_alone_does_not_end_the_work_on_the_others() {
    let indexer = indexer(0, "");
    *indexer.store().refused.lock().unwrap() = Some("b");
    // Each is a group of its own.
    let events = ["a", "b", "c"].map(|id| event(id, 0, &long_text(8)));
    let deadline = Deadline::within(Duration::from_secs(60));
    let results = indexer.index(events.to_vec(), deadline).await;
    assert!(results[1].is_err());
    assert_eq!(indexer.store().ids(), ["a", "c"]);
    assert_eq!(*indexer.store().writes.lock().unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn of_a_short_deadline_a_quarter_is_kept_for_the_store() {
    let indexer = indexer(1, "");
    let start = Instant::now();
    // 2 prototypes and 4 chunks take 6 of 8 s, and no more is embedded in the last 2 s.
    let deadline = Deadline::within(Duration::from_secs(8));
    let events = vec![
        event("four", 0, &long_text(4)),
        event("eight", 0, &long_text(8)),
    ];
    let results = indexer.index(events, deadline).await;
    assert_eq!(results[0].as_ref().unwrap(), &Indexed::Stored { chunks: 4 });
    assert!(matches!(results[1], Err(NotIndexed::Later { .. })));
    assert_eq!(start.elapsed(), Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_stored_row_says_what_the_chunk_is_about() {
    let indexer = indexer(0, "");
    let deadline = Deadline::within(Duration::from_secs(60));
    indexer
        .index(vec![event("a", 0, "My bill")], deadline)
        .await;
    let stored = indexer.store().stored.lock().unwrap();
    let [row] = stored["a"].rows.as_slice() else {
        panic!("one row");
    };
    assert_eq!(row.metadata["intent_category"], "billing");
    assert_eq!(
        (row.chunk_index, row.text.as_str()),
        (0, "Subject: My bill")
    );
    assert_eq!(row.embedding, [1.0, 0.0]);
}

#[tokio::test(start_paused = true)]
async fn a_later_event_without_text_removes_the_conversation_at_no_cost() {
    let indexer = indexer(0, "");
    let deadline = || Deadline::within(Duration::from_secs(60));
    let text = event("a", 0, "My card was stolen");
    indexer.index(vec![text], deadline()).await;
    let embedded = *indexer.parts.provider.embedded.lock().unwrap();
    let removal = || vec![event("a", 1, "")];
    let results = indexer.index(removal(), deadline()).await;
    assert_eq!(results[0].as_ref().unwrap(), &Indexed::Removed);
    assert!(indexer.store().stored.lock().unwrap()["a"].rows.is_empty());
    assert_eq!(*indexer.parts.provider.embedded.lock().unwrap(), embedded);
    let results = indexer.index(removal(), deadline()).await;
    assert_eq!(results[0].as_ref().unwrap(), &Indexed::Unchanged);
    let late = vec![event("a", 0, "My card was stolen")];
    let results = indexer.index(late, deadline()).await;
    assert_eq!(results[0].as_ref().unwrap(), &Indexed::Outdated);
}

#[tokio::test(start_paused = true)]
async fn an_example_sentence_that_cannot_be_embedded_is_named_at_start() {
    let within = |seconds| Deadline::within(Duration::from_secs(seconds));
    let error = indexer(0, "bill").prepare_categories(within(5)).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "the example sentence 2 of the intent category billing cannot be embedded"
    );
    // A slow provider is no reason to refuse the start, and the sentences are embedded with the first event.
    let slow = indexer(10, "");
    slow.prepare_categories(within(5)).await.unwrap();
    let results = slow.index(vec![event("a", 0, "x")], within(600)).await;
    assert!(results[0].is_ok());
    let quick = indexer(0, "");
    quick.prepare_categories(within(5)).await.unwrap();
    assert!(quick.parts.classifier.initialized());
}
