//! Events to rows: map, redact, cut, embed, classify, store; and what became of each event.

mod outcome;

use std::sync::Arc;

use insights_core::indexing::{Prepared, Settings};
use insights_core::intent::{Categories, Classifier};
use insights_core::webhook::Event;
use insights_http::Deadline;
use serde_json::{Map, Value};
use store::vectors::{Conversation, Outcome, Row, VectorStore, Vectors};
use tokio::sync::OnceCell;

pub use self::outcome::{Indexed, NotIndexed};
use self::outcome::{fail_all, indexed, is_of_one_row, not_embedded, not_stored, verdict};
use crate::provider::{EmbeddingProvider, Provider, ProviderError};

/// Turns events into rows. Clones share all of it.
#[derive(Clone)]
pub struct Indexer {
    parts: Arc<Parts>,
}

struct Parts {
    provider: Provider,
    store: Vectors,
    settings: Settings,
    categories: Categories,
    classifier: OnceCell<Classifier>,
}

impl std::fmt::Debug for Indexer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indexer")
            .field("provider", &self.parts.provider)
            .finish_non_exhaustive()
    }
}

/// An event on its way, with its place in the call.
struct Underway {
    place: usize,
    prepared: Prepared,
}

type Results = Vec<Option<Result<Indexed, NotIndexed>>>;

impl Indexer {
    /// An indexer of checked categories.
    #[must_use]
    pub fn new(
        provider: Provider,
        store: Vectors,
        settings: Settings,
        categories: Categories,
    ) -> Self {
        let classifier = OnceCell::new();
        Self {
            parts: Arc::new(Parts {
                provider,
                store,
                settings,
                categories,
                classifier,
            }),
        }
    }

    /// The store that rows go to.
    #[must_use]
    pub fn store(&self) -> &Vectors {
        &self.parts.store
    }

    /// Indexes events, with one read and one write of the database for all of them. Gives a result each, in order; one
    /// that fails does not take the others with it. Calling it again with the same events changes nothing.
    pub async fn index(
        &self,
        events: Vec<Event>,
        deadline: Deadline,
    ) -> Vec<Result<Indexed, NotIndexed>> {
        let mut results: Results = vec![None; events.len()];
        let prepared = self.prepared(events, &mut results).await;
        let wanted = self.wanted(prepared, &mut results).await;
        let ready = self.embedded(wanted, deadline, &mut results).await;
        self.stored(ready, &mut results).await;
        let lost = || Err(NotIndexed::Later("the work was broken off".to_owned()));
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(lost))
            .collect()
    }

    /// Maps and cuts the events, off the async threads.
    async fn prepared(&self, events: Vec<Event>, results: &mut Results) -> Vec<Underway> {
        let parts = Arc::clone(&self.parts);
        let prepare = move || {
            events
                .iter()
                .map(|event| prepare(&parts, event))
                .collect::<Vec<_>>()
        };
        let Ok(prepared) = tokio::task::spawn_blocking(prepare).await else {
            return Vec::new();
        };
        let mut underway = Vec::with_capacity(prepared.len());
        for (place, prepared) in prepared.into_iter().enumerate() {
            match prepared {
                Ok(prepared) => underway.push(Underway { place, prepared }),
                Err(error) => results[place] = Some(Err(error)),
            }
        }
        underway
    }

    /// Leaves out what is stored already, before any work is spent on it.
    async fn wanted(&self, underway: Vec<Underway>, results: &mut Results) -> Vec<Underway> {
        let ids: Vec<&str> = underway
            .iter()
            .map(|one| one.prepared.conversation_id.as_str())
            .collect();
        let versions = match self.parts.store.versions(&ids).await {
            Ok(versions) => versions,
            Err(error) => {
                fail_all(&underway, results, &error);
                return Vec::new();
            }
        };
        let mut wanted = Vec::with_capacity(underway.len());
        for one in underway {
            match verdict(&one.prepared, &versions) {
                Some(indexed) => results[one.place] = Some(Ok(indexed)),
                None => wanted.push(one),
            }
        }
        wanted
    }

    async fn embedded(
        &self,
        underway: Vec<Underway>,
        deadline: Deadline,
        results: &mut Results,
    ) -> Vec<(usize, Conversation)> {
        if underway.is_empty() {
            return Vec::new();
        }
        let classifier = match self.classifier(deadline).await {
            Ok(classifier) => classifier,
            Err(error) => {
                let failed = Some(Err(NotIndexed::Later(format!(
                    "the intent prototypes have no vectors: {error}"
                ))));
                underway
                    .iter()
                    .for_each(|one| results[one.place].clone_from(&failed));
                return Vec::new();
            }
        };
        let texts: Vec<&str> = underway
            .iter()
            .flat_map(|one| {
                one.prepared
                    .chunks
                    .iter()
                    .map(|chunk| one.prepared.chunk_text(chunk))
            })
            .collect();
        let mut vectors = self
            .parts
            .provider
            .embed(&texts, deadline)
            .await
            .into_iter();
        let mut ready = Vec::with_capacity(underway.len());
        for one in &underway {
            let own: Vec<_> = vectors.by_ref().take(one.prepared.chunks.len()).collect();
            match own.into_iter().collect::<Result<Vec<_>, _>>() {
                Ok(own) => {
                    ready.push((one.place, self.conversation(&one.prepared, own, classifier)))
                }
                Err(error) => results[one.place] = Some(Err(not_embedded(&one.prepared, &error))),
            }
        }
        ready
    }

    /// The rows of a conversation, its category decided by all its chunks together.
    fn conversation(
        &self,
        prepared: &Prepared,
        vectors: Vec<Vec<f32>>,
        classifier: &Classifier,
    ) -> Conversation {
        let views: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        let intent = classifier.classify(&prepared.text, &views);
        let rows = prepared
            .chunks
            .iter()
            .zip(vectors)
            .map(|(chunk, embedding)| {
                let metadata = prepared.metadata(chunk, &intent.category, &self.parts.settings);
                Row {
                    id: chunk.id,
                    chunk_index: chunk.index,
                    text: prepared.chunk_text(chunk).to_owned(),
                    embedding,
                    metadata: object(serde_json::to_value(metadata)),
                }
            });
        Conversation {
            conversation_id: prepared.conversation_id.clone(),
            event_time: prepared.event_time,
            content_hash: prepared.content_hash.clone(),
            rows: rows.collect(),
        }
    }

    async fn stored(&self, ready: Vec<(usize, Conversation)>, results: &mut Results) {
        let (places, conversations): (Vec<usize>, Vec<Conversation>) = ready.into_iter().unzip();
        if conversations.is_empty() {
            return;
        }
        match self.parts.store.replace(&conversations).await {
            Ok(outcomes) => {
                for ((place, outcome), conversation) in
                    places.iter().zip(outcomes).zip(&conversations)
                {
                    results[*place] = Some(Ok(indexed(outcome, conversation)));
                }
            }
            Err(error) if is_of_one_row(&error) && conversations.len() > 1 => {
                // One of them cannot be stored; the others can.
                for (place, conversation) in places.iter().zip(&conversations) {
                    let alone = self
                        .parts
                        .store
                        .replace(std::slice::from_ref(conversation))
                        .await;
                    results[*place] = Some(match alone {
                        Ok(outcomes) => Ok(indexed(
                            outcomes.first().copied().unwrap_or(Outcome::Stored),
                            conversation,
                        )),
                        Err(error) => Err(not_stored(conversation, &error)),
                    });
                }
            }
            Err(error) => {
                for (place, conversation) in places.iter().zip(&conversations) {
                    results[*place] = Some(Err(not_stored(conversation, &error)));
                }
            }
        }
    }

    /// The classifier, whose prototypes are embedded at the first use.
    async fn classifier(&self, deadline: Deadline) -> Result<&Classifier, ProviderError> {
        let parts = &self.parts;
        let build = || async {
            let prototypes: Vec<&str> = parts.categories.prototypes().collect();
            let vectors = parts.provider.embed(&prototypes, deadline).await;
            let vectors = vectors.into_iter().collect::<Result<Vec<_>, _>>()?;
            Classifier::new(parts.categories.clone(), Some(vectors))
                .map_err(|error| ProviderError::Unavailable(Arc::new(error)))
        };
        parts.classifier.get_or_try_init(build).await
    }
}

fn prepare(parts: &Parts, event: &Event) -> Result<Prepared, NotIndexed> {
    let mut failed = None;
    let tokenize = |text: &str| {
        parts.provider.tokenize(text).unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        })
    };
    let prepared = Prepared::new(event, &parts.settings, tokenize).map_err(|error| {
        NotIndexed::Rejected(format!("conversation {}: {error}", event.conversation_id))
    })?;
    match failed {
        None => Ok(prepared),
        Some(error) => Err(not_embedded(&prepared, &error)),
    }
}

fn object(value: Result<Value, serde_json::Error>) -> Map<String, Value> {
    match value {
        Ok(Value::Object(map)) => map,
        // A struct of strings, numbers and flags is an object.
        _ => Map::new(),
    }
}
