//! Turns events into rows of the vector store: maps, redacts, cuts, embeds, classifies and stores, with a result for each
//! event.

mod groups;
mod outcome;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use insights_core::WithCauses;
use insights_core::indexing::{IndexSettings, PreparedConversation};
use insights_core::intent::{IntentCategories, IntentClassifier};
use insights_core::webhook::WebhookEvent;
use insights_http::Deadline;
use runtime::redaction::mask_or_refuse;
use serde_json::{Map, Value};
use store::vectors::{ChunkRow, EmbeddedConversation, ReplaceOutcome, VectorStore, Vectors};
use tokio::sync::OnceCell;

use self::groups::{PendingEvent, split_into_groups};
pub use self::outcome::{Indexed, IndexingError, InvalidPrototype, NotIndexed};
use self::outcome::{concerns_one_row, settled_outcome, stored_outcome};
use crate::provider::{EmbeddingProvider, Provider, ProviderError};

/// Time kept back from embedding, so that what is embedded can be stored before the deadline. Of a shorter time than four
/// times this one, a quarter is kept back.
const STORE_MARGIN: Duration = Duration::from_secs(25);

/// Turns events into rows of the vector store. Clones share the provider, the store and the classifier.
#[derive(Clone)]
pub struct Indexer<P = Provider, S = Vectors> {
    parts: Arc<Parts<P, S>>,
}

struct Parts<P, S> {
    provider: P,
    store: S,
    settings: IndexSettings,
    categories: IntentCategories,
    classifier: OnceCell<IntentClassifier>,
}

impl<P: std::fmt::Debug, S> std::fmt::Debug for Indexer<P, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indexer")
            .field("provider", &self.parts.provider)
            .finish_non_exhaustive()
    }
}

/// The results of a call by the position of their event; `None` while the event is still being worked on.
type Results = Vec<Option<Result<Indexed, NotIndexed>>>;

impl<P: EmbeddingProvider + 'static, S: VectorStore + 'static> Indexer<P, S> {
    /// Creates an indexer with categories that were checked.
    #[must_use]
    pub fn new(
        provider: P,
        store: S,
        settings: IndexSettings,
        categories: IntentCategories,
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

    /// Returns the store that rows are written to.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.parts.store
    }

    /// Embeds the example sentences of the intent categories, so that a sentence which cannot be embedded is found at start.
    /// Where the provider is away or slow, they are embedded with the first events instead.
    ///
    /// # Errors
    /// [`InvalidPrototype`], naming the category of the sentence.
    pub async fn prepare_categories(&self, deadline: Deadline) -> Result<(), InvalidPrototype> {
        let categories = &self.parts.categories;
        let prototypes: Vec<&str> = categories.prototypes().collect();
        let embed = self.parts.provider.embed(&prototypes, deadline);
        let Some(vectors) = deadline.bound(embed).await else {
            tracing::warn!("the example sentences of the categories were not embedded in time");
            return Ok(());
        };
        let mut embedded = Vec::with_capacity(vectors.len());
        for (position, vector) in vectors.into_iter().enumerate() {
            match vector {
                Ok(vector) => embedded.push(vector),
                Err(source @ ProviderError::Text(_)) => {
                    return Err(InvalidPrototype::new(categories, position, source));
                }
                Err(error) => {
                    tracing::warn!(cause = %WithCauses(&error), "the example sentences of the categories are embedded later");
                    return Ok(());
                }
            }
        }
        if let Ok(classifier) = IntentClassifier::new(categories.clone(), Some(embedded)) {
            // Events that came meanwhile may have built it.
            let _ = self.parts.classifier.set(classifier);
        }
        Ok(())
    }

    /// Indexes events and returns a result for each, in order. An event that fails does not take the others with it. The small
    /// conversations come first, and what is embedded is stored before more is embedded, so that a call which runs out of
    /// time has done a part and the next one goes on behind it. A second call with the same events changes nothing.
    pub async fn index(
        &self,
        events: Vec<WebhookEvent>,
        deadline: Deadline,
    ) -> Vec<Result<Indexed, NotIndexed>> {
        let ids: Vec<String> = events
            .iter()
            .map(|event| event.conversation_id.clone())
            .collect();
        let mut results: Results = vec![None; events.len()];
        let prepared = self.prepare_events(events, &mut results).await;
        let changed = self.skip_unchanged(prepared, deadline, &mut results).await;
        self.embed_and_store(changed, deadline, &mut results).await;
        let interrupted = |id: &str| Err(NotIndexed::new(id, IndexingError::Interrupted));
        results
            .into_iter()
            .zip(ids)
            .map(|(result, id)| result.unwrap_or_else(|| interrupted(&id)))
            .collect()
    }

    /// Maps and cuts the events on a blocking thread, since both take milliseconds of processor time.
    async fn prepare_events(
        &self,
        events: Vec<WebhookEvent>,
        results: &mut Results,
    ) -> Vec<PendingEvent> {
        let parts = Arc::clone(&self.parts);
        let prepare_all = move || {
            events
                .iter()
                .map(|event| prepare_or_refuse(&parts, event))
                .collect::<Vec<_>>()
        };
        let Ok(prepared) = tokio::task::spawn_blocking(prepare_all).await else {
            return Vec::new();
        };
        let mut pending = Vec::with_capacity(prepared.len());
        for (position, prepared) in prepared.into_iter().enumerate() {
            match prepared {
                Ok(prepared) => pending.push(PendingEvent { position, prepared }),
                Err(error) => results[position] = Some(Err(error)),
            }
        }
        pending
    }

    /// Settles the events that are stored already, before any work is spent on them, and returns the others.
    async fn skip_unchanged(
        &self,
        pending: Vec<PendingEvent>,
        deadline: Deadline,
        results: &mut Results,
    ) -> Vec<PendingEvent> {
        if pending.is_empty() {
            return pending;
        }
        let ids: Vec<&str> = pending
            .iter()
            .map(|event| event.prepared.conversation_id.as_str())
            .collect();
        let versions = match self.parts.store.versions(&ids, deadline.instant()).await {
            Ok(versions) => versions,
            Err(error) => {
                fail_all(
                    &pending,
                    results,
                    &IndexingError::Comparison(Arc::new(error)),
                );
                return Vec::new();
            }
        };
        let mut changed = Vec::with_capacity(pending.len());
        for event in pending {
            match settled_outcome(&event.prepared, &versions) {
                Some(indexed) => results[event.position] = Some(Ok(indexed)),
                None => changed.push(event),
            }
        }
        changed
    }

    /// Embeds and stores the events group by group. Once the store is out of reach, no more is embedded for it.
    async fn embed_and_store(
        &self,
        pending: Vec<PendingEvent>,
        deadline: Deadline,
        results: &mut Results,
    ) {
        let embedded_by = deadline.earlier_by(STORE_MARGIN.min(deadline.remaining() / 4));
        let groups = split_into_groups(pending, self.parts.provider.chunks_per_group());
        let mut lost_store: Option<Arc<store::Error>> = None;
        for group in groups {
            if let Some(error) = &lost_store {
                fail_all(&group, results, &IndexingError::Storage(Arc::clone(error)));
            } else if embedded_by.has_passed() {
                fail_all(&group, results, &IndexingError::OutOfTime);
            } else {
                let embedded = self.embed_chunks(group, embedded_by, results).await;
                lost_store = self.store_conversations(embedded, deadline, results).await;
            }
        }
    }

    /// Embeds the chunks of a group with one call of the provider, and returns the conversations that are ready to be
    /// stored with the position of their event.
    async fn embed_chunks(
        &self,
        pending: Vec<PendingEvent>,
        deadline: Deadline,
        results: &mut Results,
    ) -> Vec<(usize, EmbeddedConversation)> {
        let (removed, pending): (Vec<PendingEvent>, Vec<PendingEvent>) = pending
            .into_iter()
            .partition(|event| event.prepared.chunks.is_empty());
        let mut embedded: Vec<(usize, EmbeddedConversation)> = removed
            .iter()
            .map(|event| (event.position, conversation(&event.prepared, Vec::new())))
            .collect();
        if pending.is_empty() {
            return embedded;
        }
        let classifier = match self.classifier(deadline).await {
            Ok(classifier) => classifier,
            Err(error) => {
                fail_all(&pending, results, &IndexingError::Prototypes(error));
                return embedded;
            }
        };
        let texts: Vec<&str> = pending
            .iter()
            .flat_map(|event| {
                let prepared = &event.prepared;
                prepared
                    .chunks
                    .iter()
                    .map(|chunk| prepared.chunk_text(chunk))
            })
            .collect();
        let mut vectors = self
            .parts
            .provider
            .embed(&texts, deadline)
            .await
            .into_iter();
        for event in &pending {
            let own: Vec<_> = vectors.by_ref().take(event.prepared.chunks.len()).collect();
            match own.into_iter().collect::<Result<Vec<_>, _>>() {
                Ok(own) => embedded.push((
                    event.position,
                    self.build_conversation(&event.prepared, own, classifier),
                )),
                Err(error) => {
                    let error = IndexingError::Embedding(error);
                    results[event.position] =
                        Some(Err(NotIndexed::new(&event.prepared.conversation_id, error)));
                }
            }
        }
        embedded
    }

    /// Builds the rows of a conversation, whose category is decided by all its chunks together.
    fn build_conversation(
        &self,
        prepared: &PreparedConversation,
        vectors: Vec<Vec<f32>>,
        classifier: &IntentClassifier,
    ) -> EmbeddedConversation {
        let views: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        let intent = classifier.classify(&prepared.text, &views);
        let rows = prepared
            .chunks
            .iter()
            .zip(vectors)
            .map(|(chunk, embedding)| {
                let metadata = prepared.metadata(chunk, &intent.category, &self.parts.settings);
                ChunkRow {
                    id: chunk.id,
                    chunk_index: chunk.index,
                    text: prepared.chunk_text(chunk).to_owned(),
                    embedding,
                    metadata: json_object(serde_json::to_value(metadata)),
                }
            });
        conversation(prepared, rows.collect())
    }

    /// Stores all conversations with one call; where the store refuses one of them, each is stored with a call of its own.
    /// Returns the error of a store that is out of reach.
    async fn store_conversations(
        &self,
        embedded: Vec<(usize, EmbeddedConversation)>,
        deadline: Deadline,
        results: &mut Results,
    ) -> Option<Arc<store::Error>> {
        let (positions, conversations): (Vec<usize>, Vec<EmbeddedConversation>) =
            embedded.into_iter().unzip();
        if conversations.is_empty() {
            return None;
        }
        let store = &self.parts.store;
        let error = match store.replace(&conversations, deadline.instant()).await {
            Ok(outcomes) => {
                for ((position, outcome), conversation) in
                    positions.iter().zip(outcomes).zip(&conversations)
                {
                    results[*position] = Some(Ok(stored_outcome(outcome, conversation)));
                }
                return None;
            }
            Err(error) => error,
        };
        if concerns_one_row(&error) && conversations.len() > 1 {
            for (position, conversation) in positions.iter().zip(&conversations) {
                results[*position] = Some(self.store_one(conversation, deadline).await);
            }
            return None;
        }
        let is_lost = !concerns_one_row(&error);
        let error = Arc::new(error);
        for (position, conversation) in positions.iter().zip(&conversations) {
            let error = IndexingError::Storage(Arc::clone(&error));
            results[*position] = Some(Err(NotIndexed::new(&conversation.conversation_id, error)));
        }
        is_lost.then_some(error)
    }

    async fn store_one(
        &self,
        conversation: &EmbeddedConversation,
        deadline: Deadline,
    ) -> Result<Indexed, NotIndexed> {
        let conversations = std::slice::from_ref(conversation);
        let stored = self
            .parts
            .store
            .replace(conversations, deadline.instant())
            .await;
        match stored {
            Ok(outcomes) => {
                let outcome = outcomes.first().copied().unwrap_or(ReplaceOutcome::Stored);
                Ok(stored_outcome(outcome, conversation))
            }
            Err(error) => {
                let error = IndexingError::Storage(Arc::new(error));
                Err(NotIndexed::new(&conversation.conversation_id, error))
            }
        }
    }

    /// Returns the classifier, whose example sentences are embedded at the first use.
    async fn classifier(&self, deadline: Deadline) -> Result<&IntentClassifier, ProviderError> {
        let parts = &self.parts;
        let build = || async {
            let prototypes: Vec<&str> = parts.categories.prototypes().collect();
            let vectors = parts.provider.embed(&prototypes, deadline).await;
            let vectors = vectors.into_iter().collect::<Result<Vec<_>, _>>()?;
            IntentClassifier::new(parts.categories.clone(), Some(vectors))
                .map_err(|error| ProviderError::Unavailable(Arc::new(error)))
        };
        parts.classifier.get_or_try_init(build).await
    }
}

/// Gives all pending events the same error.
fn fail_all(pending: &[PendingEvent], results: &mut Results, error: &IndexingError) {
    for event in pending {
        let failed = NotIndexed::new(&event.prepared.conversation_id, error.clone());
        results[event.position] = Some(Err(failed));
    }
}

/// Prepares one event. An event whose preparation breaks off is refused, so that nothing of it is stored unmasked.
fn prepare_or_refuse<P: EmbeddingProvider, S>(
    parts: &Parts<P, S>,
    event: &WebhookEvent,
) -> Result<PreparedConversation, NotIndexed> {
    let prepared = mask_or_refuse(|| {
        let prepared = prepare_event(parts, event);
        let masks = prepared.as_ref().map_or(0, |prepared| prepared.masks);
        (prepared, masks)
    });
    prepared.unwrap_or_else(|| {
        Err(NotIndexed::new(
            &event.conversation_id,
            IndexingError::Redaction,
        ))
    })
}

/// Maps and cuts one event.
fn prepare_event<P: EmbeddingProvider, S>(
    parts: &Parts<P, S>,
    event: &WebhookEvent,
) -> Result<PreparedConversation, NotIndexed> {
    let mut failed = None;
    let tokenize = |text: &str| {
        parts.provider.tokenize(text).unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        })
    };
    let prepared =
        PreparedConversation::new(event, &parts.settings, tokenize).map_err(IndexingError::Mapping);
    let error = match (prepared, failed) {
        (Ok(prepared), None) => return Ok(prepared),
        (Ok(_), Some(error)) => IndexingError::Embedding(error),
        (Err(error), _) => error,
    };
    Err(NotIndexed::new(&event.conversation_id, error))
}

/// Builds what is stored of a prepared conversation with these rows.
fn conversation(prepared: &PreparedConversation, rows: Vec<ChunkRow>) -> EmbeddedConversation {
    EmbeddedConversation {
        conversation_id: prepared.conversation_id.clone(),
        event_time: prepared.event_time,
        event_digest: prepared.event_digest.clone(),
        content_hash: prepared.content_hash.clone(),
        rows,
    }
}

fn json_object(value: Result<Value, serde_json::Error>) -> Map<String, Value> {
    match value {
        Ok(Value::Object(map)) => map,
        // The metadata is a struct of strings, numbers and flags, which serializes to an object in any case.
        _ => Map::new(),
    }
}
