//! Building the function's dependencies: from the deployed environment, or from parts that a local run has.

use std::sync::Arc;

use backends::caller_keys::Callers;
use backends::cxone_client::secret_key;
use backends::interactions::Interactions;
use backends::stores::FunctionSecrets;
use backends::stores::Stores;
use insights_http::client::IdleConnections;
use runtime::config::Env;
use sentiment::{LocalProvider, Provider};
use store::state::State;

use crate::Deps;
use crate::cache::SentimentCache;
use crate::config::Config;
use crate::health::{Health, Model};

/// The dependencies of a deployed function.
///
/// # Errors
/// If a variable is missing or wrong, or the model does not load.
pub async fn from_env(env: &Env) -> anyhow::Result<Arc<Deps>> {
    let stores = Stores::from_env(env).await?;
    build(env, stores.secrets, stores.state, IdleConnections::Close)
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
    idle: IdleConnections,
) -> anyhow::Result<Deps> {
    let config = Config::from_env(env)?;
    let provider =
        Provider::new(&config.sentiment, secret_key(&secrets, "nlp_api_key"), idle).await?;
    let health = match &provider {
        Provider::Local(model) => Health::new("local", vec![described(model)]),
        Provider::Http(_) => Health::new("http", Vec::new()),
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

fn described(model: &LocalProvider) -> Model {
    Model {
        task: "sentiment",
        source: model.source().to_owned(),
        sha256: model.digest().to_owned(),
    }
}
