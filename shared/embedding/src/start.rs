//! Building the parts at start, and refusing what does not fit together.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::openai::EmbeddingsClient;
use anyhow::{Context, bail};
use backends::cxone_client;
use backends::stores::FunctionSecrets;
use inference::{Embedder, Pool};
use insights_core::chunking::ChunkLimits;
use insights_core::indexing::{IndexSettings, SOURCE_SYSTEM};
use insights_http::CallLimits;
use insights_http::client::IdleConnections;
use runtime::config::Env;
use sha2::{Digest, Sha256};
use store::secrets::{AnySecretStore, CachedSecrets, SecretsManager};
use store::vectors::{PgVectors, RenewUrl, Vectors};

use crate::config::{Config, ProviderConfig};
use crate::indexer::Indexer;
use crate::provider::{EmbeddingProvider, LocalProvider, OpenAiProvider, Provider};

/// The secrets of a deployed function that keeps no state of its own.
///
/// # Errors
/// If `SECRET_ID` is not set.
pub async fn secrets(env: &Env) -> anyhow::Result<Arc<FunctionSecrets>> {
    let id = env.required(
        "SECRET_ID",
        "the name or ARN of the secret in Secrets Manager",
    )?;
    let aws = store::aws::load_config(env.text("AWS_ENDPOINT_URL")).await;
    Ok(Arc::new(CachedSecrets::new(AnySecretStore::Manager(
        SecretsManager::new(&aws, id),
    ))))
}

/// The provider that the configuration names.
///
/// # Errors
/// If the model does not load, or TLS cannot be set up.
pub async fn provider(
    config: &Config,
    secrets: &Arc<FunctionSecrets>,
    idle: IdleConnections,
) -> anyhow::Result<Provider> {
    match &config.provider {
        ProviderConfig::Local { model_dir, threads } => {
            let dir = model_dir.clone();
            let load = move || match &dir {
                Some(dir) => Embedder::from_dir(dir)
                    .with_context(|| format!("the model in {}", dir.display())),
                None => Embedder::embedded().context("the shipped model"),
            };
            let embedder = tokio::task::spawn_blocking(load).await??;
            Ok(Provider::Local(LocalProvider::new(Pool::new(
                embedder,
                NonZeroUsize::new(*threads),
            ))))
        }
        ProviderConfig::OpenAi {
            base_url,
            model,
            dimension,
            max_inputs,
            max_tokens,
        } => {
            let key = cxone_client::secret_key(secrets, "openai_api_key");
            let http = insights_http::client::build_client(idle)?;
            let client = EmbeddingsClient::new(
                http,
                base_url.as_str(),
                model,
                *dimension,
                key,
                CallLimits::default(),
            )?;
            Ok(Provider::OpenAi(Box::new(OpenAiProvider::new(
                client,
                *max_inputs,
                *max_tokens,
            ))))
        }
    }
}

/// The database of the secret's `database_url`, its table made or brought up to date. Where the database refuses the
/// user or the password, the secret is read anew, in case it was rotated.
///
/// # Errors
/// If there is no URL, the database does not answer, or its table holds vectors of another length than the model's.
pub async fn database(
    config: &Config,
    provider: &Provider,
    secrets: &Arc<FunctionSecrets>,
) -> anyhow::Result<Vectors> {
    const URL: &str = "database_url";
    let known = secrets.get().await.context("the secret")?;
    let Some(url) = known.get(URL) else {
        bail!("the secret has no {URL}; it must be postgres://user:password@host/name");
    };
    let source = Arc::clone(secrets);
    let renew: RenewUrl = Arc::new(move || {
        let source = Arc::clone(&source);
        Box::pin(async move {
            let renewed = source.refresh_after_auth_failure().await?;
            Ok(renewed
                .get(URL)
                .cloned()
                .ok_or("the secret has no database_url")?)
        })
    });
    let model = provider.model().clone();
    let store = PgVectors::with_renewal(url, SOURCE_SYSTEM, model, config.connections, renew)?;
    store.migrate().await.context("the vector store")?;
    Ok(Vectors::Postgres(store))
}

/// An indexer of these parts.
///
/// # Errors
/// If chunks would be larger than what the model reads, or overlap by more than half.
pub fn indexer(config: &Config, provider: Provider, store: Vectors) -> anyhow::Result<Indexer> {
    let tokens = config.chunk_tokens.min(provider.max_tokens());
    let limits = ChunkLimits::new(tokens, config.chunk_overlap)
        .context("EMBEDDING_CHUNK_TOKENS and EMBEDDING_CHUNK_OVERLAP")?;
    let categories = serde_json::to_vec(&config.categories)?;
    let settings = IndexSettings {
        fields: config.fields.clone(),
        limits,
        redact: config.redact,
        model: provider.model().name.clone(),
        categories: hex::encode(Sha256::digest(categories)),
    };
    Ok(Indexer::new(
        provider,
        store,
        settings,
        config.categories.clone(),
    ))
}
