//! What the function works with.

use std::sync::Arc;

use backends::tenant_settings::Profile;
use backends::{Backends, RuleSource, TenantShare, secret_key};
use cxone::endpoints::System;
use insights_core::chat::escalation::EscalationDetector;
use insights_http::client::{IdleConnections, build_client, build_stream_client};
use sentiment::build_provider;
use store::objects::Objects;
use store::state::State;

use crate::chat_center::ChatCenter;
use crate::config::Config;
use crate::gauges::SessionGauges;
use crate::notify::Notifier;
use crate::scoring::Scorer;
use crate::tenant_chats::{LIST_INTERVAL, TenantChats};

/// What a chat session works with; built once at start.
#[derive(Debug)]
pub struct Deps {
    /// The configuration of the function.
    pub config: Config,
    /// The contact center that the function works with.
    pub center: ChatCenter,
    /// The state store of leases, messages and marks.
    pub state: State,
    /// The object store of the archives.
    pub objects: Objects,
    /// The notifier of escalations.
    pub notifier: Notifier,
    /// The model beside the lexicon.
    pub scorer: Scorer,
    /// The escalation lists, compiled.
    pub escalation: EscalationDetector,
    /// The rules of the configured rule file.
    pub rules: RuleSource<State>,
    /// The gauges of all sessions of this process.
    pub gauges: SessionGauges,
}

impl Deps {
    /// Builds the dependencies: loads the model, unless the configuration brings a scorer, names an HTTP service or is content
    /// with the lexicon.
    ///
    /// # Errors
    /// If the name of a store or the contact center's URL is missing, or the model does not load.
    pub async fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        let secrets = backends.secrets(&config.contact_center.id)?;
        let state = backends.state(&config.state)?;
        let center = match config.cxone.profile {
            Profile::Tutorial => ChatCenter::Tutorial {
                client: backends.cxone_client(&config.cxone, System::Chat, &secrets, &state)?,
                stream: backends.http_client(build_stream_client)?,
            },
            Profile::Cxone => {
                let (cxone, shards) = (&config.cxone, config.shards);
                let client =
                    backends.tenant_client(cxone, TenantShare::Chats, shards, &secrets, &state)?;
                let hub = cxone
                    .tenant
                    .event_hub
                    .then(|| backends.http_client(build_stream_client))
                    .transpose()?;
                let chats = TenantChats::with_list_interval(client, hub, LIST_INTERVAL);
                ChatCenter::Tenant(Arc::new(chats.with_ended_contacts(state.clone())))
            }
        };
        let scorer = match config.sentiment.clone() {
            None => Scorer::default(),
            Some(mut sentiment) => {
                // One thread: the other one belongs to the messages.
                sentiment.scoring.models.threads = 1;
                let key = secret_key(&backends.secrets(&config.providers.id)?, "nlp_api_key");
                Scorer::new(build_provider(&sentiment, key, IdleConnections::Keep).await?)
            }
        };
        let webhook = config.webhook.clone().map(|url| {
            let http = backends.http_client(|| build_client(IdleConnections::Close))?;
            anyhow::Ok((http, url))
        });
        let notifier = Notifier::new(webhook.transpose()?);
        #[cfg(feature = "sns")]
        let notifier = match config.topic.clone() {
            Some(arn) => notifier.with_topic(backends.sns().await, arn),
            None => notifier,
        };
        let rules =
            RuleSource::open(backends, &config.rule_file, &config.objects, state.clone()).await?;
        Ok(Self {
            rules,
            center,
            state,
            objects: backends.objects(&config.objects)?,
            notifier,
            scorer,
            escalation: EscalationDetector::new(&config.lists),
            gauges: SessionGauges::default(),
            config,
        })
    }
}
