//! What the function works with.

use std::sync::{Arc, PoisonError, RwLock};

use backends::board::Board;
use backends::interactions::Interactions;
use backends::tenant_settings::Profile;
use backends::{Backends, RuleSource, TenantShare, secret_key};
use cxone::endpoints::System;
use insights_core::live::LiveSettings;
use insights_http::CallLimits;
use insights_http::client::{IdleConnections, build_stream_client};
use insights_http::retry::RetryPolicy;
use runtime::Observer;
use sentiment::{Provider, build_provider};
use store::state::State;

use crate::config::Config;
use crate::contact_times::ContactTimes;
use crate::counted_batch::CountedBatch;
use crate::fan_out::FanOut;
use crate::live_center::{LiveCenter, TenantCalls};
use crate::request_pacer::RequestPacer;
use crate::scorer::SegmentScorer;
use crate::voice_calls::VoiceCalls;

/// Number of attempts of one send. Fewer than open the circuit breaker, so that one call alone does not stop the sends of all.
const SEND_ATTEMPTS: u32 = 2;

/// What the function needs; built once when the process starts.
pub struct Deps {
    /// Configuration of the function.
    pub config: Config,
    /// State store of the calls, leases and notices.
    pub state: State,
    /// How often the open contacts of a tenant are asked for.
    pub contact_times: ContactTimes,
    /// Live calls in the state store.
    pub calls: Interactions<State>,
    /// Rows of the calls on the board of supervisors.
    pub board: Board<State>,
    /// The contact center that the function works with.
    pub center: LiveCenter,
    /// The scorer of the calls' segments.
    pub scorer: SegmentScorer,
    /// Digest of the model that scores; `None` if a service does.
    pub model_digest: Option<String>,
    /// Limits on how fast the contact center is asked.
    pub pacer: RequestPacer,
    /// Starter of further invocations; `None` in a process that follows every shard itself.
    pub fan_out: Option<FanOut>,
    /// Rules of the configured rule file.
    pub rules: RuleSource<State>,
    /// Numbers that decide about live calls, with the rules that hold now.
    live_settings: RwLock<Arc<LiveSettings>>,
    /// Observer of counted batches.
    pub observer: Observer<CountedBatch>,
}

impl Deps {
    /// Builds the dependencies: loads the model, unless the configuration brings a scorer or names an HTTP service.
    ///
    /// Connections are kept on AWS too: one invocation asks about as often as a process that runs on, and a connection that
    /// died while Lambda froze the process costs one retry.
    ///
    /// # Errors
    /// If the name of a store or the contact center's URL is missing, or the model does not load.
    pub async fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        let secrets = backends.secrets(&config.contact_center.id)?;
        let state = backends.state(&config.state)?;
        let backends = backends.clone().with_connections(IdleConnections::Keep);
        let limits = |retry| CallLimits {
            retry,
            ..CallLimits::default()
        };
        let send_policy = RetryPolicy {
            max_attempts: SEND_ATTEMPTS,
            ..RetryPolicy::default()
        };
        let cxone = &config.cxone;
        let center = match cxone.profile {
            Profile::Tutorial => {
                let client = backends.cxone_client(cxone, System::RealTime, &secrets, &state)?;
                LiveCenter::Tutorial {
                    polls: client
                        .clone()
                        .with_limits(limits(RetryPolicy::SINGLE_ATTEMPT)),
                    sends: client.with_limits(limits(send_policy)),
                }
            }
            Profile::Cxone => {
                let shards = config.shards.count;
                let client = backends.tenant_client(
                    cxone,
                    TenantShare::LiveScores,
                    shards,
                    &secrets,
                    &state,
                )?;
                let calls = TenantCalls::new(client, config.tenant_writes.clone())?;
                let voice = &config.voice;
                let http = voice
                    .notifications
                    .then(|| backends.http_client(build_stream_client))
                    .transpose()?;
                if http.is_some() {
                    tracing::warn!(
                        "CXONE_VOICE_NOTIFICATIONS is on: live words of calls are experimental, over an interface that NICE has not published"
                    );
                }
                LiveCenter::Tenant(calls.with_voice(http.map(|http| VoiceCalls::new(http, voice))))
            }
        };
        let key = secret_key(&backends.secrets(&config.providers.id)?, "nlp_api_key");
        let provider = build_provider(&config.sentiment, key, IdleConnections::Keep).await?;
        let model_digest = match &provider {
            Provider::Local(model) => Some(model.digest().to_owned()),
            Provider::Http(_) => None,
        };
        let fan_out = match &config.function_name {
            Some(name) if config.shards.count > 1 => {
                let function = FanOut::qualified(name, config.function_alias.as_deref());
                Some(FanOut::new(backends.lambda().await, function))
            }
            _ => None,
        };
        let rules =
            RuleSource::open(&backends, &config.rule_file, &config.objects, state.clone()).await?;
        let live_settings = RwLock::new(Arc::new(LiveSettings {
            rules: rules.current(),
            ..config.rules.clone()
        }));
        Ok(Self {
            board: Board::new(state.clone(), config.shards.count),
            rules,
            live_settings,
            calls: Interactions::new(state.clone(), config.shards.count),
            state,
            contact_times: ContactTimes::default(),
            center,
            model_digest,
            scorer: SegmentScorer::new(provider),
            pacer: RequestPacer::new(&config),
            fan_out,
            observer: Observer::none(),
            config,
        })
    }

    /// Returns the numbers that decide about live calls, with the rules that hold now.
    #[must_use]
    pub fn live_settings(&self) -> Arc<LiveSettings> {
        let settings = self.live_settings.read();
        Arc::clone(&settings.unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the rule file again if it is time for it.
    pub async fn refresh_rules(&self) {
        self.rules.refresh().await;
        let rules = self.rules.current();
        if rules != self.live_settings().rules {
            let settings = LiveSettings {
                rules,
                ..self.config.rules.clone()
            };
            let mut current = self
                .live_settings
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            *current = Arc::new(settings);
        }
    }

    /// Tells an observer of each batch that is scored and stored.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer<CountedBatch>) -> Self {
        self.observer = observer;
        self
    }
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps")
            .field("config", &self.config)
            .field("center", &self.center)
            .finish_non_exhaustive()
    }
}
