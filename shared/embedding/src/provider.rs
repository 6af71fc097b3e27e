//! Texts to vectors, by the model in this process or by a service.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use crate::openai::EmbeddingsClient;
use futures::{StreamExt, stream};
use inference::{Embedder, Pool};
use insights_http::Deadline;
use store::vectors::Model;
use tiktoken_rs::{CoreBPE, cl100k_base_singleton};

use crate::batches::batches;

/// The most tokens that OpenAI's embedding models read.
const OPENAI_TOKENS: usize = 8191;
/// Texts that wait for each inference thread: enough that none idles, few enough that a search comes between.
const AHEAD: usize = 2;
/// Requests to the service at once.
const REQUESTS: usize = 4;

/// Why a text has no vector. Messages never hold the text.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProviderError {
    /// The same text would fail again.
    #[error("the text cannot be embedded")]
    Text(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The provider is broken or overloaded: the same text may be embedded later.
    #[error("the embedding provider is unavailable")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// Makes vectors of one model.
pub trait EmbeddingProvider: Send + Sync {
    /// The model, which is stored with its vectors.
    fn model(&self) -> &Model;

    /// The most tokens of a text that are read, without special ones.
    fn max_tokens(&self) -> usize;

    /// The places of a text's tokens in bytes, in order, without special ones.
    ///
    /// # Errors
    /// [`ProviderError::Text`] if the tokenizer fails.
    fn tokenize(&self, text: &str) -> Result<Vec<Range<usize>>, ProviderError>;

    /// A vector or an error for each text, in order: one that fails does not take the others with it.
    fn embed(
        &self,
        texts: &[&str],
        deadline: Deadline,
    ) -> impl Future<Output = Vec<Result<Vec<f32>, ProviderError>>> + Send;
}

/// The model in this process.
#[derive(Clone)]
pub struct Local {
    pool: Pool<Embedder>,
    model: Model,
}

impl Local {
    /// A provider on inference threads. The model's name carries a part of its digest: other weights are another model.
    #[must_use]
    pub fn new(pool: Pool<Embedder>) -> Self {
        let embedder = pool.model();
        let digest = &embedder.digest()[..embedder.digest().len().min(12)];
        let model = Model {
            name: format!("{}@{digest}", embedder.name()),
            dimension: embedder.dimension(),
        };
        Self { pool, model }
    }

    /// The model's whole digest, for `/health`.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.pool.model().digest()
    }
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Local({})", self.model.name)
    }
}

impl EmbeddingProvider for Local {
    fn model(&self) -> &Model {
        &self.model
    }

    fn max_tokens(&self) -> usize {
        self.pool.model().max_content_tokens()
    }

    fn tokenize(&self, text: &str) -> Result<Vec<Range<usize>>, ProviderError> {
        self.pool.model().tokens(text).map_err(local_error)
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
                    Some(embedded) => embedded.map_err(local_error),
                    None => Err(late()),
                }
            })
            .buffered(self.pool.workers() * AHEAD)
            .collect()
            .await
    }
}

fn late() -> ProviderError {
    ProviderError::Unavailable(Arc::new(std::io::Error::from(std::io::ErrorKind::TimedOut)))
}

fn local_error(error: inference::Error) -> ProviderError {
    match error {
        inference::Error::Overloaded { .. } | inference::Error::WorkerPanicked => {
            ProviderError::Unavailable(Arc::new(error))
        }
        _ => ProviderError::Text(Arc::new(error)),
    }
}

/// A service outside.
#[derive(Clone)]
pub struct OpenAi {
    client: EmbeddingsClient,
    model: Model,
    max_inputs: usize,
    max_tokens: usize,
    tokenizer: &'static CoreBPE,
}

impl OpenAi {
    /// A provider on a client, with at most so many texts and tokens a request.
    #[must_use]
    pub fn new(client: EmbeddingsClient, max_inputs: usize, max_tokens: usize) -> Self {
        let model = Model {
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

    /// The vectors of a batch. Where the service refuses it because of its texts, each half is tried, down to the ones
    /// that are to blame.
    async fn batch(
        &self,
        texts: Vec<&str>,
        deadline: Deadline,
    ) -> Vec<Result<Vec<f32>, ProviderError>> {
        let mut results: Vec<Option<Result<Vec<f32>, ProviderError>>> = vec![None; texts.len()];
        let all = 0..texts.len();
        let mut open = vec![all];
        while let Some(part) = open.pop() {
            match self.client.embed(&texts[part.clone()], deadline).await {
                Ok(vectors) => {
                    for (place, vector) in results[part].iter_mut().zip(vectors) {
                        *place = Some(Ok(vector));
                    }
                }
                Err(insights_http::Error::Rejected { .. }) if part.len() > 1 => {
                    let middle = part.start + part.len() / 2;
                    open.extend([part.start..middle, middle..part.end]);
                }
                Err(error) => {
                    let error = service_error(error);
                    results[part].fill(Some(Err(error)));
                }
            }
        }
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|| Err(late())))
            .collect()
    }
}

impl std::fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenAi({})", self.model.name)
    }
}

impl EmbeddingProvider for OpenAi {
    fn model(&self) -> &Model {
        &self.model
    }

    fn max_tokens(&self) -> usize {
        OPENAI_TOKENS.min(self.max_tokens)
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
        let batches = batches(&counts, self.max_inputs, self.max_tokens);
        let requests = batches
            .into_iter()
            .map(|batch| self.batch(texts[batch].to_vec(), deadline));
        let requests: Vec<_> = requests.collect();
        stream::iter(requests)
            .buffered(REQUESTS)
            .flat_map(stream::iter)
            .collect()
            .await
    }
}

fn service_error(error: insights_http::Error) -> ProviderError {
    match error {
        insights_http::Error::Rejected { .. } => ProviderError::Text(Arc::new(error)),
        // A wrong key or path is for people to mend; the texts are not to blame.
        _ => ProviderError::Unavailable(Arc::new(error)),
    }
}

/// The provider of a running function, chosen at start.
#[derive(Debug, Clone)]
pub enum Provider {
    /// The model in this process.
    Local(Local),
    /// A service outside.
    OpenAi(Box<OpenAi>),
}

impl EmbeddingProvider for Provider {
    fn model(&self) -> &Model {
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
