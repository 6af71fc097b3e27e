//! Building the function's dependencies from the deployed environment.

use std::sync::Arc;

use backends::caller_keys::Callers;
use embedding::config::Config;
use embedding::searcher::Searcher;
use embedding::start;
use insights_http::client::IdleConnections;
use runtime::config::Env;

use crate::Deps;

/// The dependencies of a deployed function.
///
/// # Errors
/// If a variable is missing or wrong, the model does not load, the database does not answer, or its table holds vectors of
/// another length than the model's.
pub async fn from_env(env: &Env) -> anyhow::Result<Arc<Deps>> {
    let config = Config::from_env(env)?;
    let secrets = start::secrets(env).await?;
    let provider = start::provider(&config, &secrets, IdleConnections::Close).await?;
    let store = start::database(&config, &provider, &secrets).await?;
    Ok(Arc::new(Deps {
        callers: Callers::new(secrets),
        searcher: Searcher::new(provider, store),
    }))
}
