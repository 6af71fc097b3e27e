//! Providers of embeddings: the model in this process, or a service that speaks OpenAI's API.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use futures::{StreamExt, stream};
use inference::{Embedder, WorkerPool};
use insights_http::Deadline;
use store::vectors::EmbeddingModel;
use tiktoken_rs::{CoreBPE, cl100k_base_singleton};

use crate::batches::split_into_batches;
use crate::openai::EmbeddingsClient;

/// Most tokens that OpenAI's embedding models read of one text.
const OPENAI_MAX_TEXT_TOKENS: usize = 8191;
/// Texts in flight for each inference thread: enough that none of the threads idles, few enough that a search comes
/// between.
const TEXTS_PER_WORKER: usize = 2;
/// Chunks that the model in this process embeds before they are stored: some seconds of work.
const LOCAL_GROUP_CHUNKS: usize = 64;
/// Requests in flight to a service.
const REQUESTS_IN_FLIGHT: usize = 4;

/// Why a text has no vector; each variant is a different decision for the caller. Messages never hold the text.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProviderError {
    /// The same text would fail again.
    #[error("the text cannot be embedded")]
    Text(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The provider is broken or overloaded: the same text may be embedded later.
    #[error("the embedding provider is unavailable")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// The deadline passed before the provider had a vector.
#[derive(Debug, thiserror::Error)]
#[error("the deadline passed before the text was embedded")]
struct DeadlinePassed;

/// A provider of the vectors of one model.
pub trait EmbeddingProvider: Send + Sync {
    /// Returns the model, which is stored with its vectors.
    fn model(&self) -> &EmbeddingModel;

    /// Returns the most tokens of a text that the model reads, special tokens not counted.
    fn max_tokens(&self) -> usize;

    /// Returns the byte ranges of the tokens of a text, in order, without special tokens.
    ///
    /// # Errors
    /// [`ProviderError::Text`] if the tokenizer fails.
    fn tokenize(&self, text: &str) -> Result<Vec<Range<usize>>, ProviderError>;

    /// Returns how many chunks are embedded and stored together: few enough that little is lost when the time ends, and enough
    /// that the provider is busy.
    fn chunks_per_group(&self) -> usize;

    /// Embeds texts, and returns a vector or an error for each, in order. A text that fails does not take the others with
    /// it.
    fn embed(
        &self,
        texts: &[&str],
        deadline: Deadline,
    ) -> impl Future<Output = Vec<Result<Vec<f32>, ProviderError>>> + Send;
}

/// The model in this process, which no text leaves. Clones share the model.
#[derive(Clone)]
pub struct LocalProvider {
    pool: WorkerPool<Embedder>,
    model: EmbeddingModel,
}

impl LocalProvider {
    /// Creates a provider on inference threads. The name of the model carries a part of its digest, because other weights
    /// make another model.
    #[must_use]
    pub fn new(pool: WorkerPool<Embedder>) -> Self {
        let embedder = pool.model();
        let digest = &embedder.digest()[..embedder.digest().len().min(12)];
        // Pooled by the first token, the same weights make other vectors than by the mean.
        let pooling = if embedder.pooling() == "cls" {
            "+cls"
        } else {
            ""
        };
        let model = EmbeddingModel {
            name: format!("{}{pooling}@{digest}", embedder.name()),
            dimension: embedder.dimension(),
        };
        Self { pool, model }
    }

    /// Returns the whole SHA-256 of the model, hexadecimal, for `/health`.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.pool.model().digest()
    }
}

impl std::fmt::Debug for LocalProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalProvider({})", self.model.name)
    }
}

impl EmbeddingProvider for LocalProvider {
    fn model(&self) -> &EmbeddingModel {
        &self.model
    }

    fn max_tokens(&self) -> usize {
        self.pool.model().max_content_tokens()
    }

    fn chunks_per_group(&self) -> usize {
        LOCAL_GROUP_CHUNKS
    }

    fn tokenize(&self, text: &str) -> Result<Vec<Range<usize>>, ProviderError> {
        self.pool.model().tokens(text).map_err(model_error)
    }

    async fn embed(
        &self,
        texts: &[&str],
        deadline: Deadline,
    ) -> Vec<Result<Vec<f32>, ProviderError>> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        stream::iter(texts)
            .map(|text| async move {
                match deadline.bound(self.pool.embed(text)).await {
                    Some(embedded) => embedded.map_err(model_error),
                    None => Err(deadline_passed()),
                }
            })
            .buffered(self.pool.workers() * TEXTS_PER_WORKER)
            .collect()
            .await
    }
}

/// A service outside of this process that speaks OpenAI's API. Clones share the connections.
#[derive(Clone)]
pub struct OpenAiProvider {
    client: EmbeddingsClient,
    model: EmbeddingModel,
    max_inputs: usize,
    max_tokens: usize,
    tokenizer: &'static CoreBPE,
}

impl OpenAiProvider {
    /// Creates a provider of the client's model, with at most `max_inputs` texts and `max_tokens` tokens in one request.
    #[must_use]
    pub fn new(client: EmbeddingsClient, max_inputs: usize, max_tokens: usize) -> Self {
        let model = EmbeddingModel {
            name: client.model().to_owned(),
            dimension: client.dimension(),
        };
        Self {
            client,
            model,
            max_inputs,
            max_tokens,
            tokenizer: cl100k_base_singleton(),
        }
    }

    /// Embeds a batch. Where the service refuses the batch because of its texts, each half is tried, down to the texts
    /// that are to blame.
    async fn embed_batch(
        &self,
        texts: Vec<&str>,
        deadline: Deadline,
    ) -> Vec<Result<Vec<f32>, ProviderError>> {
        let mut results: Vec<Option<Result<Vec<f32>, ProviderError>>> = vec![None; texts.len()];
        let all = 0..texts.len();
        let mut pending = vec![all];
        while let Some(part) = pending.pop() {
            match self.client.embed(&texts[part.clone()], deadline).await {
                Ok(vectors) => {
                    for (result, vector) in results[part].iter_mut().zip(vectors) {
                        *result = Some(Ok(vector));
                    }
                }
                Err(insights_http::Error::Rejected { .. }) if part.len() > 1 => {
                    let middle = part.start + part.len() / 2;
                    pending.extend([part.start..middle, middle..part.end]);
                }
                Err(error) => {
                    let error = service_error(error);
                    results[part].fill(Some(Err(error)));
                }
            }
        }
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|| Err(deadline_passed())))
            .collect()
    }
}

impl std::fmt::Debug for OpenAiProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenAiProvider({})", self.model.name)
    }
}

impl EmbeddingProvider for OpenAiProvider {
    fn model(&self) -> &EmbeddingModel {
        &self.model
    }

    fn max_tokens(&self) -> usize {
        OPENAI_MAX_TEXT_TOKENS.min(self.max_tokens)
    }

    fn chunks_per_group(&self) -> usize {
        self.max_inputs
    }

    fn tokenize(&self, text: &str) -> Result<Vec<Range<usize>>, ProviderError> {
        let mut end = 0;
        let ranks = self.tokenizer.encode_ordinary(text);
        let spans = ranks.into_iter().map(|rank| {
            let start = end;
            // Every rank that the tokenizer gives decodes; its bytes may be a part of a character.
            end += self
                .tokenizer
                .decode_bytes(&[rank])
                .map_or(0, |bytes| bytes.len());
            start..end
        });
        Ok(spans.collect())
    }

    async fn embed(
        &self,
        texts: &[&str],
        deadline: Deadline,
    ) -> Vec<Result<Vec<f32>, ProviderError>> {
        let counts: Vec<usize> = texts
            .iter()
            .map(|text| self.tokenizer.count_ordinary(text))
            .collect();
        let batches = split_into_batches(&counts, self.max_inputs, self.max_tokens);
        let requests = batches
            .into_iter()
            .map(|batch| self.embed_batch(texts[batch].to_vec(), deadline));
        let requests: Vec<_> = requests.collect();
        stream::iter(requests)
            .buffered(REQUESTS_IN_FLIGHT)
            .flat_map(stream::iter)
            .collect()
            .await
    }
}

/// The provider of a running function, chosen at start. Clones share the model or the connections.
#[derive(Debug, Clone)]
pub enum Provider {
    /// The model in this process.
    Local(LocalProvider),
    /// A service outside of this process.
    OpenAi(Box<OpenAiProvider>),
}

impl EmbeddingProvider for Provider {
    fn model(&self) -> &EmbeddingModel {
        match self {
            Self::Local(local) => local.model(),
            Self::OpenAi(service) => service.model(),
        }
    }

    fn max_tokens(&self) -> usize {
        match self {
            Self::Local(local) => local.max_tokens(),
            Self::OpenAi(service) => service.max_tokens(),
        }
    }

    fn chunks_per_group(&self) -> usize {
        match self {
            Self::Local(local) => local.chunks_per_group(),
            Self::OpenAi(service) => service.chunks_per_group(),
        }
    }

    fn tokenize(&self, text: &str) -> Result<Vec<Range<usize>>, ProviderError> {
        match self {
            Self::Local(local) => local.tokenize(text),
            Self::OpenAi(service) => service.tokenize(text),
        }
    }

    async fn embed(
        &self,
        texts: &[&str],
        deadline: Deadline,
    ) -> Vec<Result<Vec<f32>, ProviderError>> {
        match self {
            Self::Local(local) => local.embed(texts, deadline).await,
            Self::OpenAi(service) => service.embed(texts, deadline).await,
        }
    }
}

/// Returns what an error of the model means for the text.
fn model_error(error: inference::Error) -> ProviderError {
    match error {
        inference::Error::Overloaded { .. } | inference::Error::WorkerPanicked => {
            ProviderError::Unavailable(Arc::new(error))
        }
        _ => ProviderError::Text(Arc::new(error)),
    }
}

/// Returns what an error of the service means for the texts of a request.
fn service_error(error: insights_http::Error) -> ProviderError {
    match error {
        insights_http::Error::Rejected { .. } => ProviderError::Text(Arc::new(error)),
        // A wrong key or path is for an operator to correct: the texts are not to blame.
        _ => ProviderError::Unavailable(Arc::new(error)),
    }
}

/// Builds the error of a text that had no vector when the deadline passed.
fn deadline_passed() -> ProviderError {
    ProviderError::Unavailable(Arc::new(DeadlinePassed))
}
