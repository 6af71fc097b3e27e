//! Building the function's dependencies: from the deployed environment, or from parts that a local run has.

use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::Context;
use cxone::endpoints::System;
use cxone::http::Idle;
use cxone::nlp::NlpClient;
use inference::{Pool, Sentiment};
use runtime::centre;
use runtime::config::Env;
use runtime::stores::{FunctionSecrets, Stores};
use store::interactions::Interactions;
use store::state::State;

use crate::config::{Config, ProviderKind};
use crate::score::Scorer;
use crate::{Deps, FanOut, Pace};

/// The dependencies of a deployed function.
///
/// # Errors
/// If a variable is missing or wrong, or the model does not load.
pub async fn from_env(env: &Env) -> anyhow::Result<Arc<Deps>> {
    let stores = Stores::from_env(env).await?;
    let config = Config::from_env(env)?;
    let scorer = scorer(&config, &stores.secrets).await?;
    let mut deps = build(env, config, &stores.secrets, stores.state, scorer)?;
    if deps.config.shards > 1 {
        let function = env.required(
            "AWS_LAMBDA_FUNCTION_NAME",
            "the name of this function, as Lambda sets it",
        )?;
        let aws = store::aws::config(env.text("AWS_ENDPOINT_URL")).await;
        deps.fan_out = Some(FanOut::new(aws_sdk_lambda::Client::new(&aws), function));
    }
    Ok(Arc::new(deps))
}

/// The dependencies with stores and a scorer of the caller's; nothing is fanned out.
///
/// # Errors
/// If the contact centre's URL is missing or wrong.
pub fn build(
    env: &Env,
    config: Config,
    secrets: &Arc<FunctionSecrets>,
    state: State,
    scorer: Scorer,
) -> anyhow::Result<Deps> {
    // One invocation asks about as often as a process that runs on, so connections are kept; a dead one found after a
    // freeze costs one retry.
    let centre = centre::client(env, System::RealTime, secrets, &state, Idle::Kept)?;
    let (calls, pace) = (Interactions::new(state, config.shards), Pace::new(&config));
    Ok(Deps {
        config,
        calls,
        centre,
        scorer,
        pace,
        fan_out: None,
        watcher: None,
    })
}

/// What scores, as configured.
///
/// # Errors
/// If the model does not load, or the service's URL is wrong.
pub async fn scorer(config: &Config, secrets: &Arc<FunctionSecrets>) -> anyhow::Result<Scorer> {
    if let (ProviderKind::Http, Some(url)) = (config.provider, &config.sentiment_url) {
        let key = centre::secret_key(secrets, "nlp_api_key");
        let http = cxone::http::client(Idle::Kept)?;
        return Ok(Scorer::http(NlpClient::new(
            http,
            url.as_str(),
            key,
            cxone::Limits::default(),
        )?));
    }
    local_scorer(config).await
}

/// The model in this process, the shipped one or that of `MODEL_DIR`.
///
/// # Errors
/// If the model does not load.
pub async fn local_scorer(config: &Config) -> anyhow::Result<Scorer> {
    let dir = config.model_dir.clone();
    let load = move || match &dir {
        Some(dir) => {
            Sentiment::from_dir(dir).with_context(|| format!("the model in {}", dir.display()))
        }
        None => Sentiment::embedded().context("the shipped model"),
    };
    let threshold = config.emotion_threshold as f32;
    let model = tokio::task::spawn_blocking(load)
        .await??
        .with_emotion_threshold(threshold);
    Ok(Scorer::local(Pool::new(
        model,
        NonZeroUsize::new(config.inference_threads),
    )))
}
