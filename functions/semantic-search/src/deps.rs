//! What the function works with.

use backends::caller_keys::Callers;
use backends::{Backends, secret_key};
use embedding::searcher::Searcher;
use embedding::setup::build_provider_and_store;
use insights_core::pii::RedactionPolicy;
use store::vectors::Access;

use crate::config::Config;

/// What the semantic search works with; built once at start.
#[derive(Debug)]
pub struct Deps {
    /// The check of the API key.
    pub callers: Callers,
    /// The search over the stored vectors.
    pub searcher: Searcher,
    /// The policy by which personal data in replies is masked; `None` if it is not masked there.
    pub views: Option<RedactionPolicy>,
}

impl Deps {
    /// Builds the dependencies: loads the model. The database is connected to by the first search, so that the function starts
    /// while the database is away.
    ///
    /// # Errors
    /// If the name of the secret is missing, the model does not load, or its vectors cannot be indexed.
    pub async fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        let callers = Callers::new(backends.caller_secrets(&config.callers)?);
        let settings = &config.embedding;
        let database = backends.secrets(&config.database.id)?;
        let (provider, vectors) = build_provider_and_store(
            settings,
            secret_key(&backends.secrets(&config.providers.id)?, "openai_api_key"),
            backends.connections(),
            |model| backends.vectors(&database, model, settings.connections, Access::ReadOnly),
        )
        .await?;
        Ok(Self {
            callers,
            searcher: Searcher::new(provider, vectors),
            views: settings.redaction.for_views(),
        })
    }
}
