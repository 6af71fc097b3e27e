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
        let secrets = backends.secrets(&config.secret)?;
        let settings = &config.embedding;
        let key = secret_key(&secrets, "openai_api_key");
        let provider = build_provider(settings, key, backends.connections()).await?;
        let model = provider.model().clone();
        let vectors = backends
            .vectors(&secrets, model, settings.connections)
            .await?;
        Ok(Self {
            callers: Callers::new(secrets),
            searcher: Searcher::new(provider, vectors),
        })
    }
}
