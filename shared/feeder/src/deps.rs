//! What the feeder works with.

use std::sync::Arc;

use backends::Backends;
use backends::conversation_source::SharedSource;
use cxone::endpoints::System;
use insights_http::client::IdleConnections;
use insights_http::rate_limit::RateLimiter;
use jiff::Timestamp;
use store::state::State;

use crate::config::Config;
use crate::sink::{QueueSink, SharedSink};

/// Returns the wall-clock time, which tests replace.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the embedding feeder works with; built once at start.
pub struct Deps {
    /// The contact center as the source of conversations.
    pub source: SharedSource,
    /// The state store of checkpoints and known conversations.
    pub state: State,
    /// Where conversations are put.
    pub sink: SharedSink,
    /// The pace at which conversations are put there.
    pub pace: RateLimiter,
    /// The clock of the feeder.
    pub clock: Clock,
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps")
            .field("source", &self.source)
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}

impl Deps {
    /// Builds the dependencies of a feeder that puts conversations into the embedding queue. Nothing is sent yet.
    ///
    /// # Errors
    /// If the name of a store is missing, or a URL of the contact center is missing or not allowed.
    pub fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        let queue = backends.queue(&config.delivery.queue)?;
        Self::with_sink(backends, config, Arc::new(QueueSink::new(queue)))
    }

    /// Builds the dependencies of a feeder that puts conversations somewhere else.
    ///
    /// # Errors
    /// As [`Deps::new`], without the queue.
    pub fn with_sink(
        backends: &Backends,
        config: Config,
        sink: SharedSink,
    ) -> anyhow::Result<Self> {
        let secrets = backends.secrets(&config.contact_center.id)?;
        let state = backends.state(&config.state)?;
        // One run makes hundreds of calls in a row.
        let source = backends
            .clone()
            .with_connections(IdleConnections::Keep)
            .conversation_source(
                &config.cxone,
                System::Embeddings,
                &secrets,
                &state,
                |limits| limits,
            )?;
        let rate = config.delivery.conversations_per_second;
        Ok(Self {
            source,
            state,
            sink,
            pace: RateLimiter::new(rate, rate),
            clock: Arc::new(Timestamp::now),
        })
    }
}
