//! Building the function's dependencies from the deployed environment.

use std::sync::Arc;

use embedding::config::Config;
use embedding::start;
use insights_http::client::IdleConnections;
use runtime::config::Env;
use store::queue::{AnyQueue, Sqs};

use crate::Deps;

/// The dependencies of a deployed function; the table is made if it is not there.
///
/// # Errors
/// If a variable is missing or wrong, the model does not load, the database does not answer, or its table holds vectors of
/// another length than the model's.
pub async fn from_env(env: &Env) -> anyhow::Result<Arc<Deps>> {
    let config = Config::from_env(env)?;
    let url = env.required("EMBEDDING_QUEUE_URL", "the URL of the SQS queue")?;
    let dead_letters = env.required(
        "EMBEDDING_DLQ_URL",
        "the URL of the SQS queue of dead letters",
    )?;
    let secrets = start::secrets(env).await?;
    let provider = start::provider(&config, &secrets, IdleConnections::Close).await?;
    let store = start::database(&config, &provider, &secrets).await?;
    let indexer = start::indexer(&config, provider, store)?;
    let aws = store::aws::load_config(env.text("AWS_ENDPOINT_URL")).await;
    Ok(Arc::new(Deps {
        indexer,
        queue: AnyQueue::Sqs(Sqs::new(&aws, url, Some(dead_letters))),
    }))
}
