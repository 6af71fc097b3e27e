//! Building the function's dependencies: from the deployed environment, or from parts that a local run has.

use std::sync::Arc;

use backends::cxone_client;
use backends::stores::{FunctionSecrets, Stores};
use cxone::CxoneClient;
use cxone::endpoints::System;
use insights_core::chat::escalation::EscalationDetector;
use insights_http::client::IdleConnections;
use runtime::config::Env;
use sentiment::{Provider, Settings};
use store::objects::Objects;
use store::state::State;

use crate::Deps;
use crate::config::Config;
use crate::notify::Notifier;
use crate::scoring::Scorer;

/// The dependencies of a deployed function.
///
/// # Errors
/// If a variable is missing or wrong, or the model does not load.
pub async fn from_env(env: &Env) -> anyhow::Result<Arc<Deps>> {
    let bucket = env.required("OBJECT_BUCKET", "the name of the S3 bucket of the archives")?;
    let stores = Stores::from_env(env).await?;
    let client = cxone_client::client(
        env,
        System::Chat,
        &stores.secrets,
        &stores.state,
        IdleConnections::Close,
    )?;
    let aws = store::aws::load_config(env.text("AWS_ENDPOINT_URL")).await;
    let objects = Objects::open_bucket(&aws, &bucket)?;
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
    client: CxoneClient,
    secrets: &Arc<FunctionSecrets>,
    state: State,
    objects: Objects,
) -> anyhow::Result<Deps> {
    let config = Config::from_env(env)?;
    let scorer = match &config.sentiment {
        None => Scorer::default(),
        // One thread: the other belongs to the messages.
        Some(settings) => {
            let settings = Settings {
                threads: 1,
                ..settings.clone()
            };
            Scorer::new(
                Provider::new(
                    &settings,
                    cxone_client::secret_key(secrets, "nlp_api_key"),
                    IdleConnections::Keep,
                )
                .await?,
            )
        }
    };
    with(env, config, client, state, objects, scorer).await
}

/// The dependencies with a scorer of the caller's: a process that scores already needs no second model.
///
/// # Errors
/// If a variable is wrong.
pub async fn build_with(
    env: &Env,
    client: CxoneClient,
    state: State,
    objects: Objects,
    scorer: Scorer,
) -> anyhow::Result<Deps> {
    with(env, Config::from_env(env)?, client, state, objects, scorer).await
}

async fn with(
    env: &Env,
    config: Config,
    client: CxoneClient,
    state: State,
    objects: Objects,
    scorer: Scorer,
) -> anyhow::Result<Deps> {
    let notifier = Notifier::new(config.webhook.clone())?;
    #[cfg(feature = "sns")]
    let notifier = match config.topic.clone() {
        Some(arn) => notifier.with_topic(
            aws_sdk_sns::Client::new(&store::aws::load_config(env.text("AWS_ENDPOINT_URL")).await),
            arn,
        ),
        None => notifier,
    };
    #[cfg(not(feature = "sns"))]
    let _ = env;
    let stream = insights_http::client::build_stream_client()?;
    let escalation = EscalationDetector::new(&config.lists);
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
