//! What the function works with.

use backends::{Backends, secret_key};
use embedding::indexer::Indexer;
use embedding::provider::EmbeddingProvider;
use embedding::setup::{build_indexer, build_provider};
use store::queue::AnyQueue;

use crate::config::Config;

/// What the embedding writer works with; built once at start.
#[derive(Debug)]
pub struct Deps {
    /// The steps from an event to stored vectors.
    pub indexer: Indexer,
    /// The queue that the messages come from, for its dead letters.
    pub queue: AnyQueue,
}

impl Deps {
    /// Builds the dependencies: loads the model, connects to the database, and makes its table where there is none.
    ///
    /// # Errors
    /// If the name of a store is missing, the model does not load, the database does not answer, or its table holds vectors of
    /// another length than the model's.
    pub async fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        let queue = backends.queue_with_dead_letters(&config.queue, &config.dead_letter_url)?;
        let database = backends.secrets(&config.database.id)?;
        let settings = &config.embedding;
        let key = secret_key(&backends.secrets(&config.providers.id)?, "openai_api_key");
        let provider = build_provider(settings, key, backends.connections()).await?;
        let model = provider.model().clone();
        let vectors = backends
            .vectors(&database, model, settings.connections)
            .await?;
        let indexer = build_indexer(settings, provider, vectors)?;
        Ok(Self { indexer, queue })
    }
}
