//! What the function works with.

use std::time::Duration;

use backends::{Backends, secret_key};
use embedding::indexer::Indexer;
use embedding::setup::{build_indexer, build_provider_and_store};
use insights_http::Deadline;
use store::queue::AnyQueue;
use store::vectors::Access;

use crate::config::Config;

/// How long the example sentences of the categories may take at start. A provider that is slower or away embeds them with the
/// first batch.
const PROTOTYPES_TIMEOUT: Duration = Duration::from_secs(5);

/// What the embedding writer works with; built once at start.
#[derive(Debug)]
pub struct Deps {
    /// The steps from an event to stored vectors.
    pub indexer: Indexer,
    /// The queue that the messages come from, for its dead letters.
    pub queue: AnyQueue,
}

impl Deps {
    /// Builds the dependencies: loads the model and embeds the example sentences of the intent categories. The database is
    /// connected to by the first batch, so that the function starts while the database is away.
    ///
    /// # Errors
    /// If the name of a store is missing, the model does not load, its vectors cannot be indexed, or an example sentence cannot be
    /// embedded.
    pub async fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        let queue = backends.queue_with_dead_letters(&config.queue, &config.dead_letter_url)?;
        let database = backends.secrets(&config.database.id)?;
        let settings = &config.embedding;
        let (provider, vectors) = build_provider_and_store(
            settings,
            secret_key(&backends.secrets(&config.providers.id)?, "openai_api_key"),
            backends.connections(),
            |model| backends.vectors(&database, model, settings.connections, Access::ReadWrite),
        )
        .await?;
        let indexer = build_indexer(settings, provider, vectors)?;
        indexer
            .prepare_categories(Deadline::within(PROTOTYPES_TIMEOUT))
            .await?;
        Ok(Self { indexer, queue })
    }
}
