//! Building the function's dependencies: from the deployed environment, or from parts that a local run has.

use std::sync::Arc;

use cxone::endpoints::System;
use cxone::http::Idle;
use cxone::nlp::NlpClient;
use cxone::{Client, Limits};
use insights_core::chat::escalation::Escalation;
use runtime::centre;
use runtime::config::Env;
use runtime::stores::{FunctionSecrets, Stores};
use store::objects::Objects;
use store::state::State;

use crate::Deps;
use crate::config::{Config, ProviderKind};
use crate::notify::Notifier;
use crate::scoring::Scorer;

/// The dependencies of a deployed function.
///
/// # Errors
/// If a variable is missing or wrong, or the model does not load.
pub async fn from_env(env: &Env) -> anyhow::Result<Arc<Deps>> {
    let bucket = env.required("OBJECT_BUCKET", "the name of the S3 bucket of the archives")?;
    let stores = Stores::from_env(env).await?;
    let client = centre::client(
        env,
        System::Chat,
        &stores.secrets,
        &stores.state,
        Idle::Closed,
    )?;
    let aws = store::aws::config(env.text("AWS_ENDPOINT_URL")).await;
    let objects = Objects::s3(&aws, &bucket)?;
    build(env, client, &stores.secrets, stores.state, objects)
        .await
        .map(Arc::new)
}

/// The dependencies with a client and stores of the caller's.
///
/// # Errors
/// If a variable is wrong, or the model does not load.
pub async fn build(
    env: &Env,
    client: Client,
    secrets: &Arc<FunctionSecrets>,
    state: State,
    objects: Objects,
) -> anyhow::Result<Deps> {
    let config = Config::from_env(env)?;
    let scorer = match (config.provider, &config.sentiment_url) {
        (ProviderKind::Local, _) => load(env).await?,
        (ProviderKind::Http, Some(url)) => {
            let (http, key) = (
                cxone::http::client(Idle::Kept)?,
                centre::secret_key(secrets, "nlp_api_key"),
            );
            let client = NlpClient::new(http, url.as_str(), key, Limits::default())?;
            Scorer::Http(Box::new(client))
        }
        _ => Scorer::None,
    };
    with(env, config, client, state, objects, scorer).await
}

/// The dependencies with a scorer of the caller's: a process that scores already needs no second model.
///
/// # Errors
/// If a variable is wrong.
pub async fn build_with(
    env: &Env,
    client: Client,
    state: State,
    objects: Objects,
    scorer: Scorer,
) -> anyhow::Result<Deps> {
    with(env, Config::from_env(env)?, client, state, objects, scorer).await
}

async fn with(
    env: &Env,
    config: Config,
    client: Client,
    state: State,
    objects: Objects,
    scorer: Scorer,
) -> anyhow::Result<Deps> {
    let notifier = Notifier::new(config.webhook.clone())?;
    #[cfg(feature = "sns")]
    let notifier = match config.topic.clone() {
        Some(arn) => notifier.with_topic(
            aws_sdk_sns::Client::new(&store::aws::config(env.text("AWS_ENDPOINT_URL")).await),
            arn,
        ),
        None => notifier,
    };
    #[cfg(not(feature = "sns"))]
    let _ = env;
    let stream = cxone::http::stream_client()?;
    let escalation = Escalation::new(&config.lists);
    Ok(Deps {
        client,
        stream,
        state,
        objects,
        notifier,
        scorer,
        escalation,
        config,
    })
}

#[cfg(feature = "model")]
async fn load(env: &Env) -> anyhow::Result<Scorer> {
    use anyhow::Context;
    let dir = env.folder("MODEL_DIR")?;
    let load = move || match &dir {
        Some(dir) => inference::Sentiment::from_dir(dir)
            .with_context(|| format!("the model in {}", dir.display())),
        None => inference::Sentiment::embedded().context("the shipped model"),
    };
    let model = tokio::task::spawn_blocking(load).await??;
    // One thread: the other belongs to the messages.
    Ok(Scorer::Local(inference::Pool::new(
        model,
        std::num::NonZeroUsize::new(1),
    )))
}

#[cfg(not(feature = "model"))]
async fn load(_env: &Env) -> anyhow::Result<Scorer> {
    Ok(Scorer::None)
}
