//! Building the function's dependencies: from the deployed environment, or from parts that a local run has.

use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::Context;
use cxone::http::Idle;
use cxone::nlp::NlpClient;
use inference::{Pool, Sentiment};
use runtime::auth::Callers;
use runtime::centre;
use runtime::config::Env;
use runtime::stores::FunctionSecrets;
use runtime::stores::Stores;
use store::interactions::Interactions;
use store::state::State;

use crate::Deps;
use crate::cache::SentimentCache;
use crate::config::{Config, ProviderKind};
use crate::health::{Health, Model};
use crate::sentiment::{Http, Local, Provider};

/// The dependencies of a deployed function.
///
/// # Errors
/// If a variable is missing or wrong, or the model does not load.
pub async fn from_env(env: &Env) -> anyhow::Result<Arc<Deps>> {
    let stores = Stores::from_env(env).await?;
    build(env, stores.secrets, stores.state, Idle::Closed)
        .await
        .map(Arc::new)
}

/// The dependencies with secrets and state of the caller's.
///
/// # Errors
/// If a variable is wrong, or the model does not load.
pub async fn build(
    env: &Env,
    secrets: Arc<FunctionSecrets>,
    state: State,
    idle: Idle,
) -> anyhow::Result<Deps> {
    let config = Config::from_env(env)?;
    let (provider, health) = match (config.provider, &config.sentiment_url) {
        (ProviderKind::Http, Some(url)) => {
            let key = centre::secret_key(&secrets, "nlp_api_key");
            let client = NlpClient::new(
                cxone::http::client(idle)?,
                url.as_str(),
                key,
                Default::default(),
            )?;
            (
                Provider::Http(Box::new(Http(client))),
                Health::new("http", Vec::new()),
            )
        }
        _ => {
            let local = load(&config).await?;
            (
                Provider::Local(local.0),
                Health::new("local", vec![local.1]),
            )
        }
    };
    let cache = SentimentCache::new(config.cache_ttl, config.cache_entries);
    Ok(Deps {
        callers: Callers::new(secrets),
        provider,
        cache,
        health,
        calls: Interactions::new(state, config.poll_shards),
        config,
    })
}

async fn load(config: &Config) -> anyhow::Result<(Local, Model)> {
    let (dir, threads) = (config.model_dir.clone(), config.inference_threads);
    let threshold = config.emotion_threshold;
    let load = move || match &dir {
        Some(dir) => {
            Sentiment::from_dir(dir).with_context(|| format!("the model in {}", dir.display()))
        }
        None => Sentiment::embedded().context("the shipped model"),
    };
    let model = tokio::task::spawn_blocking(load)
        .await??
        .with_emotion_threshold(threshold as f32);
    let source = config
        .model_dir
        .as_ref()
        .map_or_else(|| "shipped".to_owned(), |dir| dir.display().to_string());
    let described = Model {
        task: "sentiment",
        source,
        sha256: model.digest().to_owned(),
    };
    Ok((
        Local(Pool::new(model, NonZeroUsize::new(threads))),
        described,
    ))
}
