//! What the function works with.

use std::sync::Arc;

use anyhow::Context;
use backends::{Backends, FunctionSecrets};
use insights_http::client::build_client;
use secrecy::{ExposeSecret, SecretString};
use smoke::{Api, Check, TimeLimits, parse_api_url};
use url::Url;

use crate::config::Config;

/// The values of the callers' secret that hold the key, the one before the other.
const KEY_NAMES: [&str; 2] = ["heartbeat_key", "api_key"];

/// What the heartbeat works with; built once at start.
#[derive(Debug)]
pub struct Deps {
    /// The checks that are made.
    pub checks: Vec<Check>,
    /// How long the checks may take.
    pub limits: TimeLimits,
    api_url: Url,
    http: reqwest::Client,
    secrets: Arc<FunctionSecrets>,
}

impl Deps {
    /// Builds the dependencies without reading the key, which is read at each invocation.
    ///
    /// # Errors
    /// If the name of the secret is missing, or a key may not be sent to the URL.
    pub fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        Ok(Self {
            checks: config.checks,
            limits: TimeLimits::default(),
            api_url: parse_api_url(config.api_url.get()?.as_str()).context("HEARTBEAT_API_URL")?,
            http: build_client(backends.connections())?,
            secrets: backends.secrets(&config.callers.id)?,
        })
    }

    /// Returns a client of the API with the key as it is now, so that a changed key makes no check fail.
    ///
    /// # Errors
    /// If the secret cannot be read or has no key.
    pub(crate) async fn open_api(&self) -> anyhow::Result<Api> {
        let secrets = self.secrets.refresh_after_auth_failure().await;
        let secrets = secrets.context("the callers' secret was not read")?;
        let has_value = |key: &&SecretString| !key.expose_secret().trim().is_empty();
        let key = KEY_NAMES
            .iter()
            .find_map(|name| secrets.get(name).filter(has_value));
        let key = key.context("the callers' secret has neither heartbeat_key nor api_key")?;
        Ok(Api::new(self.http.clone(), self.api_url.clone(), key)?)
    }
}
