//! Building the function's dependencies: from the deployed environment, or from parts that a local run has.

use std::sync::Arc;
use std::time::Duration;

use backends::caller_keys::Callers;
use backends::stores::{FunctionSecrets, Stores};
use runtime::config::{ConfigError, Env};
use store::queue::{AnyQueue, Sqs};
use store::state::State;

use crate::Deps;

/// The configuration; each field says its variable and default.
#[derive(Debug, Clone)]
pub struct Config {
    /// `WEBHOOK_TOLERANCE_SECONDS`: how old, or how far ahead, a signature's time may be; 300.
    pub tolerance: Duration,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let tolerance = env.seconds(
            "WEBHOOK_TOLERANCE_SECONDS",
            Duration::from_secs(300),
            1..=3600,
        )?;
        Ok(Self { tolerance })
    }
}

/// The dependencies of a deployed function.
///
/// # Errors
/// If a variable is missing or wrong.
pub async fn from_env(env: &Env) -> anyhow::Result<Arc<Deps>> {
    let url = env.required("EMBEDDING_QUEUE_URL", "the URL of the SQS queue")?;
    let stores = Stores::from_env(env).await?;
    let aws = store::aws::load_config(env.text("AWS_ENDPOINT_URL")).await;
    let queue = AnyQueue::Sqs(Sqs::new(&aws, url, None));
    Ok(Arc::new(build(env, stores.secrets, stores.state, queue)?))
}

/// The dependencies with stores of the caller's.
///
/// # Errors
/// If a variable is wrong.
pub fn build(
    env: &Env,
    secrets: Arc<FunctionSecrets>,
    state: State,
    queue: AnyQueue,
) -> Result<Deps, ConfigError> {
    let callers = Callers::new(Arc::clone(&secrets));
    Ok(Deps {
        config: Config::from_env(env)?,
        callers,
        secrets,
        state,
        queue,
    })
}
