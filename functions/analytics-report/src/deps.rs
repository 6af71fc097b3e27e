//! What the function works with.

use std::sync::Arc;
use std::time::Duration;

use backends::conversation_source::SharedSource;
use backends::tenant_settings::Profile;
use backends::{Backends, RuleSource};
use cxone::endpoints::System;
use insights_core::intent::{IntentCategories, IntentClassifier};
use insights_core::rules::RuleFile;
use insights_http::client::IdleConnections;
use insights_http::rate_limit::RateLimiter;
use runtime::Observer;
use store::objects::Objects;
use store::state::State;
use tokio::sync::OnceCell;

use crate::call_limits::call_limits;
use crate::config::Config;
use crate::model::{ModelScorer, SimilarityModel};
use crate::progress::Progress;

/// How long a lease lasts and how long a run waits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// The duration of the lease: how long a run that died still keeps others from working. The lease is renewed meanwhile.
    pub duration: Duration,
    /// How long a run waits for another one to end.
    pub wait: Duration,
}

impl Default for LeaseTimes {
    /// A minute, and a little more to wait: an invocation that follows one that was killed gets its turn.
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(60),
            wait: Duration::from_secs(70),
        }
    }
}

/// What the analytics report works with; built once at start.
pub struct Deps {
    /// The contact center as the source of conversations.
    pub source: SharedSource,
    /// The store of parts and reports.
    pub objects: Objects,
    /// The state store, which holds the leases of reports.
    pub state: State,
    /// How long a run holds the lease of its report, and how long it waits for another run to end.
    pub lease_times: LeaseTimes,
    /// The configuration of the function.
    pub config: Config,
    /// The local model that scores beside VADER, where one is wanted.
    pub model: Option<ModelScorer>,
    /// The local embedding model, for rules that ask for texts that are like another one.
    pub similarity: Option<SimilarityModel>,
    /// The observer of the run's progress.
    pub progress: Observer<Progress>,
    /// The classifier of the customers' intents, for the cards.
    pub(crate) intents: IntentClassifier,
    /// What feeds embeddings from a tenant; `None` with another API, whose webhooks bring the texts, and without a queue.
    pub feeder: Option<feeder::Deps>,
    /// The stores, from which the rule file is read at the first use.
    backends: Backends,
    rule_source: OnceCell<RuleSource<State>>,
    /// The limit of transcripts that are asked for in a second.
    pub(crate) limiter: RateLimiter,
}

impl Deps {
    /// Builds the dependencies of a run without a model and without an observer. Nothing is sent yet.
    ///
    /// Connections are kept on AWS too: one invocation makes thousands of calls in a row.
    ///
    /// # Errors
    /// If the name of a store or the contact center's URL is missing.
    pub fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        let secrets = backends.secrets(&config.contact_center.id)?;
        let state = backends.state(&config.state)?;
        let source = backends
            .clone()
            .with_connections(IdleConnections::Keep)
            .conversation_source(
                &config.cxone,
                System::Analytics,
                &secrets,
                &state,
                call_limits,
            )?;
        let rate = config.requests_per_second;
        // The callers are limited by the concurrency; a burst beyond one second's requests would break the rate.
        let burst = u32::try_from(config.concurrency)
            .unwrap_or(u32::MAX)
            .min(rate);
        let has_queue = config.feed.queue.url.get().is_ok();
        let feeder = match config.cxone.profile {
            Profile::Cxone if has_queue => Some(feeder::Deps::new(backends, feed_config(&config))?),
            _ => None,
        };
        let intents = IntentClassifier::new(IntentCategories::default(), None)?;
        Ok(Self {
            source,
            feeder,
            intents,
            backends: backends.clone(),
            rule_source: OnceCell::new(),
            objects: backends.objects(&config.objects)?,
            state,
            lease_times: LeaseTimes::default(),
            model: None,
            similarity: None,
            progress: Observer::none(),
            limiter: RateLimiter::new(rate, burst),
            config,
        })
    }

    /// Returns the rules of the configured rule file; `None` without a rule file.
    ///
    /// # Errors
    /// If the setting names an object and the function has no bucket.
    pub(crate) async fn configured_rules(&self) -> anyhow::Result<Option<Arc<RuleFile>>> {
        let open = || {
            let config = &self.config;
            RuleSource::open(
                &self.backends,
                &config.rule_file,
                &config.objects,
                self.state.clone(),
            )
        };
        let source = self.rule_source.get_or_try_init(open).await?;
        source.refresh().await;
        let current = source.current();
        match (&self.similarity, current) {
            (Some(model), Some(file)) if !file.prototypes().is_empty() => {
                Ok(Some(Arc::new(model.prepare(&file).await)))
            }
            (_, current) => Ok(current),
        }
    }

    /// Returns the rules that records are evaluated by: those of the rule file, else the built-in ones.
    ///
    /// # Errors
    /// As [`Deps::configured_rules`].
    pub(crate) async fn rules(&self) -> anyhow::Result<Arc<RuleFile>> {
        let configured = self.configured_rules().await?;
        Ok(configured.unwrap_or_else(|| Arc::new(RuleFile::built_in().clone())))
    }

    /// Lets a local embedding model answer rules that ask for texts that are like another one.
    #[must_use]
    pub fn with_similarity(mut self, model: SimilarityModel) -> Self {
        self.similarity = Some(model);
        self
    }

    /// Lets a model score the customer's lines beside VADER.
    #[must_use]
    pub fn with_scorer(mut self, model: ModelScorer) -> Self {
        self.model = Some(model);
        self
    }

    /// Tells an observer how far the run has come.
    #[must_use]
    pub fn with_progress(mut self, progress: Observer<Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Passes a step of the run on to whoever watches it.
    pub(crate) fn report_progress(&self, progress: Progress) {
        self.progress.notify(|| progress);
    }
}

/// Returns the settings of the feeder, which works on the same contact center and the same state.
fn feed_config(config: &Config) -> feeder::config::Config {
    feeder::config::Config {
        contact_center: config.contact_center.clone(),
        state: config.state.clone(),
        cxone: config.cxone.clone(),
        delivery: config.feed.clone(),
    }
}
