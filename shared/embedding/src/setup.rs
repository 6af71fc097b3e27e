//! Building the parts of the embedding functions, and refusing settings that do not fit together.

use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::Context;
use inference::{Embedder, WorkerPool};
use insights_core::chunking::ChunkLimits;
use insights_core::indexing::IndexSettings;
use insights_http::CallLimits;
use insights_http::client::IdleConnections;
use insights_http::secret::SecretSource;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use store::vectors::{EmbeddingModel, Vectors};

use crate::indexer::Indexer;
use crate::openai::EmbeddingsClient;
use crate::provider::{EmbeddingProvider, LocalProvider, OpenAiProvider, Provider};
use crate::settings::{EmbeddingSettings, ProviderKind};

/// Builds the provider that the settings name; `key` is the key of OpenAI, which the model in this process does
/// not need.
///
/// # Errors
/// If the model does not load, or TLS cannot be set up.
pub async fn build_provider(
    settings: &EmbeddingSettings,
    key: Arc<dyn SecretSource<SecretString>>,
    connections: IdleConnections,
) -> anyhow::Result<Provider> {
    if let Some(shared) = &settings.shared {
        return Ok(shared.clone());
    }
    match settings.provider {
        ProviderKind::Local => load_local(settings).await,
        ProviderKind::OpenAi => connect_openai(settings, key, connections),
    }
}

/// Builds the provider that the settings name, and opens the store of its vectors with `open`.
///
/// # Errors
/// As [`build_provider`], and if the store cannot be opened.
pub async fn build_provider_and_store<F>(
    settings: &EmbeddingSettings,
    key: Arc<dyn SecretSource<SecretString>>,
    connections: IdleConnections,
    open: impl FnOnce(EmbeddingModel) -> F,
) -> anyhow::Result<(Provider, Vectors)>
where
    F: Future<Output = anyhow::Result<Vectors>>,
{
    let provider = build_provider(settings, key, connections).await?;
    let vectors = open(provider.model().clone()).await?;
    Ok((provider, vectors))
}

async fn load_local(settings: &EmbeddingSettings) -> anyhow::Result<Provider> {
    let folder = settings
        .model_folder
        .clone()
        .or_else(|| settings.models.folder.clone());
    let load = move || match &folder {
        Some(folder) => Embedder::from_dir(folder)
            .with_context(|| format!("cannot load the model in {}", folder.display())),
        None => Embedder::embedded().context("cannot load the shipped model"),
    };
    let embedder = tokio::task::spawn_blocking(load).await??;
    tracing::info!(
        model = embedder.name(),
        pooling = embedder.pooling(),
        "the embedding model was loaded"
    );
    let threads = NonZeroUsize::new(settings.models.threads);
    Ok(Provider::Local(LocalProvider::new(WorkerPool::new(
        embedder, threads,
    ))))
}

fn connect_openai(
    settings: &EmbeddingSettings,
    key: Arc<dyn SecretSource<SecretString>>,
    connections: IdleConnections,
) -> anyhow::Result<Provider> {
    let openai = &settings.openai;
    let client = EmbeddingsClient::new(
        insights_http::client::build_client(connections)?,
        openai.base_url(),
        &openai.model,
        openai.dimension,
        key,
        CallLimits::default(),
    )?;
    let (inputs, tokens) = (openai.max_inputs, openai.max_tokens);
    Ok(Provider::OpenAi(Box::new(OpenAiProvider::new(
        client, inputs, tokens,
    ))))
}

/// Builds an indexer that embeds with `provider` and stores in `vectors`.
///
/// # Errors
/// If chunks would be larger than what the model reads, or overlap by more than half.
pub fn build_indexer(
    settings: &EmbeddingSettings,
    provider: Provider,
    vectors: Vectors,
) -> anyhow::Result<Indexer> {
    let tokens = settings.chunk_tokens.min(provider.max_tokens());
    let limits = ChunkLimits::new(tokens, settings.chunk_overlap)
        .context("EMBEDDING_CHUNK_TOKENS and EMBEDDING_CHUNK_OVERLAP")?;
    let categories = serde_json::to_vec(&settings.categories)?;
    let indexing = IndexSettings {
        fields: settings.fields.clone(),
        limits,
        redaction: settings.redaction.for_stores(),
        model: provider.model().name.clone(),
        categories: hex::encode(Sha256::digest(categories)),
    };
    Ok(Indexer::new(
        provider,
        vectors,
        indexing,
        settings.categories.clone(),
    ))
}
