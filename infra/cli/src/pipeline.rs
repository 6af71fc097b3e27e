//! The embedding pipeline of a local run: the same indexer and searcher as deployed, on this run's stores.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backends::caller_keys::Callers;
use embedding::config::Config;
use embedding::indexer::Indexer;
use embedding::provider::{EmbeddingProvider, Provider};
use embedding::searcher::Searcher;
use embedding::start;
use insights_core::indexing::SOURCE_SYSTEM;
use insights_http::Deadline;
use insights_http::client::IdleConnections;
use store::queue::{AnyQueue, Queue, SqliteQueue};
use store::vectors::{SqliteVectors, Vectors};

use crate::home::Home;
use crate::services::Services;

/// How long a message is hidden while it is worked on.
const VISIBLE_AFTER: Duration = Duration::from_secs(120);
/// How long one look into the queue waits.
const WAIT: Duration = Duration::from_secs(5);
/// How long to wait after the queue or the database failed.
const PAUSE: Duration = Duration::from_secs(2);

/// The provider and the vectors of a run.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    config: Config,
    provider: Provider,
    store: Vectors,
}

impl Pipeline {
    /// Loads the provider and opens the vectors: in the database of the secret's `database_url` if there is one, else in
    /// a SQLite file in the data folder.
    ///
    /// # Errors
    /// If the configuration is wrong, the model does not load, or the vectors are of another model's length.
    pub(crate) async fn open(home: &Home) -> anyhow::Result<Self> {
        // `MODEL_DIR` of a local run is the sentiment model's; `EMBEDDING_MODEL_DIR` is this one's.
        let mut env = home.env.clone().with("MODEL_DIR", "");
        if let (None, Some(simulator)) = (env.text("OPENAI_BASE_URL"), &home.simulator) {
            // Its key is in the local secrets, and nothing leaves the machine.
            env = env.with("OPENAI_BASE_URL", simulator.url());
        }
        let config = Config::from_env(&env)?;
        let provider = start::provider(&config, &home.secrets, IdleConnections::Keep).await?;
        let known = home.secrets.get().await.context("the secrets")?;
        let store = if known.get("database_url").is_some() {
            start::database(&config, &provider, &home.secrets).await?
        } else {
            let path = home.data_dir.join("vectors.sqlite");
            Vectors::Sqlite(
                SqliteVectors::open(path, SOURCE_SYSTEM, provider.model().clone()).await?,
            )
        };
        Ok(Self {
            config,
            provider,
            store,
        })
    }

    /// What turns events into rows.
    ///
    /// # Errors
    /// If the sizes of chunks do not fit the model.
    pub(crate) fn indexer(&self) -> anyhow::Result<Indexer> {
        start::indexer(&self.config, self.provider.clone(), self.store.clone())
    }

    /// What finds them.
    pub(crate) fn searcher(&self) -> Searcher {
        Searcher::new(self.provider.clone(), self.store.clone())
    }

    /// Adds the webhook and the search to the HTTP functions, and gives the writer's part, to be run beside them.
    ///
    /// # Errors
    /// If a function's configuration is wrong or the queue cannot be opened.
    pub(crate) fn serve(
        &self,
        home: &Home,
        services: Services,
    ) -> anyhow::Result<(Services, Writer)> {
        let queue = AnyQueue::Sqlite(SqliteQueue::open(
            home.data_dir.join("queue.sqlite"),
            "embedding",
        )?);
        let receiver = webhook_receiver::start::build(
            &home.env,
            Arc::clone(&home.secrets),
            home.state.clone(),
            queue.clone(),
        )?;
        let search = semantic_search::Deps {
            callers: Callers::new(Arc::clone(&home.secrets)),
            searcher: self.searcher(),
        };
        let services = services
            .route(&["webhooks"], &Arc::new(receiver), webhook_receiver::handle)
            .route(&["search"], &Arc::new(search), semantic_search::handle);
        Ok((
            services,
            Writer(embedding_writer::Deps {
                indexer: self.indexer()?,
                queue,
            }),
        ))
    }
}

/// The embedding writer of a local run, which takes its batches from the queue itself.
pub(crate) struct Writer(embedding_writer::Deps);

impl Writer {
    /// Works off the queue for ever; a batch that is underway when this is dropped comes again.
    pub(crate) async fn run(self) {
        loop {
            if let Err(error) = self.batch().await {
                tracing::warn!(%error, "the embedding queue does not answer");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// One batch, if there is one.
    async fn batch(&self) -> Result<(), store::Error> {
        let messages = self
            .0
            .queue
            .receive(store::queue::RECEIVE_MAX, WAIT, VISIBLE_AFTER)
            .await?;
        if messages.is_empty() {
            return Ok(());
        }
        let report =
            embedding_writer::process(&self.0, &messages, Deadline::within(VISIBLE_AFTER)).await;
        for message in messages
            .iter()
            .filter(|message| !report.failed.contains(&message.id))
        {
            self.0.queue.delete(&message.receipt).await?;
        }
        if !report.failed.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}
