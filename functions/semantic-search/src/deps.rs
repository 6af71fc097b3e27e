//! What the function works with.

use backends::caller_keys::Callers;
use backends::{Backends, secret_key};
use embedding::provider::EmbeddingProvider;
use embedding::searcher::Searcher;
use embedding::setup::build_provider;

use crate::config::Config;

/// What the semantic search works with; built once at start.
#[derive(Debug)]
pub struct Deps {
    /// The check of the API key.
    pub callers: Callers,
    /// The search over the stored vectors.
    pub searcher: Searcher,
}

impl Deps {
    /// Builds the dependencies: loads the model and connects to the database.
    ///
    /// # Errors
    /// If the name of the secret is missing, the model does not load, the database does not answer, or its table holds vectors of
    /// another length than the model's.
    pub async fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        let callers = Callers::new(backends.caller_secrets(&config.callers)?);
        let settings = &config.embedding;
        let key = secret_key(&backends.secrets(&config.providers.id)?, "openai_api_key");
        let provider = build_provider(settings, key, backends.connections()).await?;
        let model = provider.model().clone();
        let database = backends.secrets(&config.database.id)?;
        let vectors = backends
            .vectors(&database, model, settings.connections)
            .await?;
        Ok(Self {
            callers,
            searcher: Searcher::new(provider, vectors),
        })
    }
}
