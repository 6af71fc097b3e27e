//! The embedding pipeline of a local run: the deployed indexer and searcher on the stores of this run.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backends::settings::{DatabaseSecretSettings, ProviderSecretSettings};
use backends::{Backends, secret_key};
use embedding::indexer::Indexer;
use embedding::provider::{EmbeddingProvider, Provider};
use embedding::searcher::Searcher;
use embedding::settings::EmbeddingSettings;
use embedding::setup::{build_indexer, build_provider};
use insights_http::client::IdleConnections;
use insights_http::{Deadline, WithCauses};
use runtime::config::Env;
use store::queue::{AnyQueue, Queue, SqliteQueue};
use store::vectors::{Access, VectorStore, Vectors};

use crate::local_context::LocalContext;
use crate::services::Services;

/// How long a received message stays invisible to other receivers, and how long a batch may take.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(120);
/// How long one receive call waits for messages.
const RECEIVE_WAIT: Duration = Duration::from_secs(5);
/// How long connecting to the database and updating its tables may take.
const PREPARATION_TIMEOUT: Duration = Duration::from_secs(120);
/// Delay before the next receive call after the queue or the database failed.
const FAILURE_DELAY: Duration = Duration::from_secs(2);

/// The embedding provider and the vector store of a run.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    env: Env,
    backends: Backends,
    settings: EmbeddingSettings,
    provider: Provider,
    vectors: Vectors,
}

impl Pipeline {
    /// Loads the embedding provider and opens the vector store: the database of the secret `database_url` if there is one,
    /// otherwise a SQLite file in the data folder.
    ///
    /// # Errors
    /// If the configuration is wrong, the model does not load, or the stored vectors have the dimension of another model.
    pub(crate) async fn open(context: &LocalContext) -> anyhow::Result<Self> {
        // In a local run, `MODEL_DIR` names the sentiment model, and `EMBEDDING_MODEL_DIR` names the embedding model.
        let mut env = context.env.clone().with("MODEL_DIR", "");
        if let (None, Some(simulator)) = (env.text("OPENAI_BASE_URL"), &context.simulator) {
            // The simulator accepts the key of the local secrets, and no text leaves the machine.
            env = env.with("OPENAI_BASE_URL", simulator.url());
        }
        let settings = EmbeddingSettings::from_env(&env)?;
        let providers = ProviderSecretSettings::from_env(&env)?;
        let key = secret_key(&context.backends.secrets(&providers.id)?, "openai_api_key");
        let provider = build_provider(&settings, key, IdleConnections::Keep).await?;
        let model = provider.model().clone();
        let database = DatabaseSecretSettings::from_env(&env)?;
        let database = context.backends.secrets(&database.id)?;
        let vectors = context
            .backends
            .vectors(&database, model, settings.connections, Access::ReadWrite)
            .await?;
        // A person waits, who learns at once what is wrong with the database.
        vectors
            .prepare(Deadline::within(PREPARATION_TIMEOUT).instant())
            .await
            .context("the vector store could not be opened")?;
        Ok(Self {
            env,
            backends: context.backends.clone().with_vectors(vectors.clone()),
            settings: settings.with_provider(provider.clone()),
            provider,
            vectors,
        })
    }

    /// Returns the indexer, which turns webhook events into rows of the vector store.
    ///
    /// # Errors
    /// If the configured chunk sizes do not fit the model.
    pub(crate) fn indexer(&self) -> anyhow::Result<Indexer> {
        build_indexer(&self.settings, self.provider.clone(), self.vectors.clone())
    }

    /// Returns the vector store.
    pub(crate) fn into_vectors(self) -> Vectors {
        self.vectors
    }

    /// Returns the searcher over the vector store.
    pub(crate) fn searcher(&self) -> Searcher {
        Searcher::new(self.provider.clone(), self.vectors.clone())
    }

    /// Adds the webhook receiver and the search to the HTTP functions. The returned worker is the embedding writer; the
    /// caller runs it beside the server.
    ///
    /// # Errors
    /// If the configuration of a function is wrong, or the queue cannot be opened.
    pub(crate) async fn add_functions(
        &self,
        context: &LocalContext,
        services: Services,
    ) -> anyhow::Result<(Services, QueueWorker)> {
        let queue = SqliteQueue::open(context.data_dir.join("queue.sqlite"), "embedding")?;
        let backends = self.backends.clone().with_queue(AnyQueue::Sqlite(queue));
        let config = webhook_receiver::config::Config::from_env(&self.env)?;
        let receiver = webhook_receiver::Deps::new(&backends, config)?;
        let config = semantic_search::config::Config::from_env(&self.env)?;
        let config = config.with_embedding(self.settings.clone());
        let search = semantic_search::Deps::new(&backends, config).await?;
        let services = services
            .route(
                &["webhooks", "studio"],
                &Arc::new(receiver),
                |deps, request| async move { webhook_receiver::handle(&deps, request).await },
            )
            .route(&["search"], &Arc::new(search), |deps, request| async move {
                semantic_search::handle(&deps, request).await
            });
        let config = admin::config::Config::from_env(&self.env)?;
        let config = config.with_embedding(self.settings.clone());
        let admin = admin::Deps::new(&backends, config).await?;
        let services =
            services.route(
                &["conversations"],
                &Arc::new(admin),
                |deps, request| async move {
                    admin::erasure_request::handle_request(&deps, request).await
                },
            );
        let config = embedding_writer::config::Config::from_env(&self.env)?;
        let config = config.with_embedding(self.settings.clone());
        let writer = embedding_writer::Deps::new(&backends, config).await?;
        Ok((services, QueueWorker(writer)))
    }
}

/// The embedding writer of a local run, which receives its batches from the queue, as Lambda does for the deployed one.
pub(crate) struct QueueWorker(embedding_writer::Deps);

impl QueueWorker {
    /// Processes batches forever. If the future is dropped during a batch, the queue delivers that batch again.
    pub(crate) async fn run(self) {
        loop {
            if let Err(error) = self.process_batch().await {
                tracing::warn!(cause = %WithCauses(&error), "the batch of the embedding queue was not processed");
                tokio::time::sleep(FAILURE_DELAY).await;
            }
        }
    }

    /// Receives and processes one batch, if the queue has messages.
    async fn process_batch(&self) -> Result<(), store::Error> {
        let messages = self
            .0
            .queue
            .receive(store::queue::RECEIVE_MAX, RECEIVE_WAIT, VISIBILITY_TIMEOUT)
            .await?;
        if messages.is_empty() {
            return Ok(());
        }
        let report =
            embedding_writer::process(&self.0, &messages, Deadline::within(VISIBILITY_TIMEOUT))
                .await;
        for message in messages
            .iter()
            .filter(|message| !report.failed.contains(&message.id))
        {
            self.0.queue.delete(&message.receipt).await?;
        }
        if !report.failed.is_empty() {
            tokio::time::sleep(FAILURE_DELAY).await;
        }
        Ok(())
    }
}
