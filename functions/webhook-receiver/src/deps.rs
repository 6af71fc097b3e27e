//! What the function works with.

use backends::Backends;
use backends::caller_keys::Callers;
use store::queue::AnyQueue;
use store::state::State;

use crate::config::Config;

/// What the webhook receiver works with; built once at start.
#[derive(Debug)]
pub struct Deps {
    /// The configuration of the function.
    pub config: Config,
    /// The check of API keys and signatures.
    pub callers: Callers,
    /// The state store, which remembers deliveries.
    pub state: State,
    /// The queue that takes the events.
    pub queue: AnyQueue,
}

impl Deps {
    /// Builds the dependencies of the function. Nothing is sent yet.
    ///
    /// # Errors
    /// If the name of a store is missing, or a file of a laptop cannot be opened.
    pub fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        Ok(Self {
            callers: Callers::new(backends.caller_secrets(&config.callers)?),
            state: backends.state(&config.state)?,
            queue: backends.queue(&config.queue)?,
            config,
        })
    }
}
