//! Building the function's dependencies: from the deployed environment, or from parts that a local run has.

use std::sync::Arc;

use backends::cxone_client;
use backends::interactions::Interactions;
use backends::stores::{FunctionSecrets, Stores};
use cxone::endpoints::System;
use insights_http::client::IdleConnections;
use runtime::config::Env;
use sentiment::Provider;
use store::state::State;

use crate::config::Config;
use crate::scorer::SegmentScorer;
use crate::{Deps, FanOut, RequestPacer};

/// The dependencies of a deployed function.
///
/// # Errors
/// If a variable is missing or wrong, or the model does not load.
pub async fn from_env(env: &Env) -> anyhow::Result<Arc<Deps>> {
    let stores = Stores::from_env(env).await?;
    let config = Config::from_env(env)?;
    let provider = Provider::new(
        &config.sentiment,
        cxone_client::secret_key(&stores.secrets, "nlp_api_key"),
        IdleConnections::Keep,
    )
    .await?;
    let scorer = SegmentScorer::new(provider);
    let mut deps = build(env, config, &stores.secrets, stores.state, scorer)?;
    if deps.config.shards > 1 {
        let function = env.required(
            "AWS_LAMBDA_FUNCTION_NAME",
            "the name of this function, as Lambda sets it",
        )?;
        let aws = store::aws::load_config(env.text("AWS_ENDPOINT_URL")).await;
        deps.fan_out = Some(FanOut::new(aws_sdk_lambda::Client::new(&aws), function));
    }
    Ok(Arc::new(deps))
}

/// The dependencies with stores and a scorer of the caller's; nothing is fanned out.
///
/// # Errors
/// If the URL of the contact center is missing or wrong.
pub fn build(
    env: &Env,
    config: Config,
    secrets: &Arc<FunctionSecrets>,
    state: State,
    scorer: SegmentScorer,
) -> anyhow::Result<Deps> {
    // One invocation asks about as often as a process that runs on, so connections are kept; a dead one found after a
    // freeze costs one retry.
    let cxone_client = cxone_client::client(
        env,
        System::RealTime,
        secrets,
        &state,
        IdleConnections::Keep,
    )?;
    let (calls, pacer) = (
        Interactions::new(state, config.shards),
        RequestPacer::new(&config),
    );
    Ok(Deps {
        config,
        calls,
        cxone_client,
        scorer,
        pacer,
        fan_out: None,
        observer: None,
    })
}
