//! What the function works with.

use backends::board::Board;
use backends::caller_keys::Callers;
use backends::interactions::Interactions;
use backends::{Backends, secret_key};
use sentiment::{LocalProvider, Provider, build_provider};
use store::state::State;

use crate::cache::SentimentCache;
use crate::config::Config;
use crate::health::{Health, Model};

/// What the Data Action works with; built once at start.
#[derive(Debug)]
pub struct Deps {
    /// The configuration of the function.
    pub config: Config,
    /// The check of the API key.
    pub callers: Callers,
    /// The provider that scores.
    pub provider: Provider,
    /// The answers of recent texts.
    pub cache: SentimentCache,
    /// The answer of `/health`.
    pub health: Health,
    /// The live calls in the state store.
    pub calls: Interactions<State>,
    /// The rows of the live calls on the board of supervisors.
    pub board: Board<State>,
}

impl Deps {
    /// Builds the dependencies: loads the model, unless the configuration brings a scorer or names an HTTP service.
    ///
    /// # Errors
    /// If the name of a store is missing, or the model does not load.
    pub async fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        let callers = Callers::new(backends.caller_secrets(&config.callers)?);
        let state = backends.state(&config.state)?;
        let key = secret_key(&backends.secrets(&config.providers.id)?, "nlp_api_key");
        let provider = build_provider(&config.sentiment, key, backends.connections()).await?;
        let health = match &provider {
            Provider::Local(model) => Health::new("local", vec![describe(model)]),
            Provider::Http(_) => Health::new("http", Vec::new()),
        };
        Ok(Self {
            callers,
            provider,
            cache: SentimentCache::new(config.cache_ttl, config.cache_entries),
            health,
            board: Board::new(state.clone(), config.shards.count),
            calls: Interactions::new(state, config.shards.count),
            config,
        })
    }
}

fn describe(model: &LocalProvider) -> Model {
    Model {
        task: "sentiment",
        source: model.source().to_owned(),
        sha256: model.digest().to_owned(),
    }
}
