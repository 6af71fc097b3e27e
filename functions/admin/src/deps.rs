//! What the function works with.

use backends::caller_keys::Callers;
use backends::erasure::Eraser;
use backends::{Backends, secret_key};
use embedding::indexer::Indexer;
use embedding::setup::{build_indexer, build_provider_and_store};
use store::objects::Objects;
use store::queue::SqsDeadLetters;
use store::vectors::Access;

use crate::config::Config;

/// What the tasks work with; built once at start.
#[derive(Debug)]
pub struct Deps {
    /// The steps from an event to stored vectors, and the store of the vectors.
    pub indexer: Indexer,
    /// The bucket that conversations are read from.
    pub objects: Objects,
    /// The erasure over all stores.
    pub eraser: Eraser,
    /// The check of the API key.
    pub callers: Callers,
    /// The dead letters of the embedding queue; `None` on a laptop, where the command `dlq` reads them from a file.
    pub dead_letters: Option<SqsDeadLetters>,
    /// Days after its end that a conversation stays searchable; 0 keeps it for ever.
    pub retention_days: u32,
}

impl Deps {
    /// Builds the dependencies: loads the model. The database is connected to by the first task.
    ///
    /// # Errors
    /// If the name of a store is missing, the model does not load, or its vectors cannot be indexed.
    pub async fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        let objects = backends.objects(&config.objects)?;
        let dead_letters = backends.dead_letters(&config.queue, &config.dead_letter_url)?;
        let database = backends.secrets(&config.database.id)?;
        let settings = &config.embedding;
        let (provider, vectors) = build_provider_and_store(
            settings,
            secret_key(&backends.secrets(&config.providers.id)?, "openai_api_key"),
            backends.connections(),
            |model| backends.vectors(&database, model, settings.connections, Access::ReadWrite),
        )
        .await?;
        let eraser = Eraser {
            state: backends.state(&config.state)?,
            objects: objects.clone(),
            vectors: vectors.clone(),
            queued: backends.queued_messages(&config.queue, &config.dead_letter_url)?,
            agents: config.chat_agents,
        };
        Ok(Self {
            indexer: build_indexer(settings, provider, vectors)?,
            objects,
            eraser,
            callers: Callers::new(backends.caller_secrets(&config.callers)?),
            dead_letters,
            retention_days: config.retention_days,
        })
    }
}
