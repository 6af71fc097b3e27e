//! Clients of the contact centre as the environment configures them, with credentials from the secret and tokens shared
//! through the state.

use std::sync::Arc;

use crate::stores::FunctionSecrets;
use cxone::CxoneClient;
use cxone::endpoints::{self, Site, System};
use cxone::oauth::{ClientCredentials, TokenSource};
use futures::future::BoxFuture;
use insights_http::CallLimits;
use insights_http::client::IdleConnections;
use insights_http::secret::{Freshness, SecretFn, SecretSource, SecretSourceError};
use secrecy::{ExposeSecret, SecretString};
use store::state::State;

use crate::token_cache::StateTokens;
use runtime::config::Env;

/// A client for one system. `CXONE_BASE_URL` says where, `CXONE_TOKEN_URL` and `CXONE_SCOPES` replace the contract's.
///
/// # Errors
/// If a URL is missing or wrong, or TLS cannot be set up.
pub fn client(
    env: &Env,
    system: System,
    secrets: &Arc<FunctionSecrets>,
    state: &State,
    idle: IdleConnections,
) -> anyhow::Result<CxoneClient> {
    let base = env.required_url("CXONE_BASE_URL")?;
    let mut site = Site::new(endpoints::CXONE_API, system, base.as_str())?;
    if let Some(url) = env.url("CXONE_TOKEN_URL")? {
        site = site.with_token_url(url.as_str())?;
    }
    if let Some(scopes) = env.text("CXONE_SCOPES") {
        site = site.with_scopes(scopes);
    }
    let http = insights_http::client::build_client(idle)?;
    let limits = CallLimits::default();
    let tokens = StateTokens::new(state.clone(), Arc::clone(secrets));
    let tokens = TokenSource::new(http.clone(), site.clone(), credentials(secrets), limits)
        .with_shared(Arc::new(tokens));
    Ok(CxoneClient::new(http, site, Arc::new(tokens), limits))
}

/// The client id and secret, read anew when they were refused.
#[must_use]
pub fn credentials(secrets: &Arc<FunctionSecrets>) -> Arc<dyn SecretSource<ClientCredentials>> {
    let secrets = Arc::clone(secrets);
    Arc::new(SecretFn(move |read| {
        let secrets = Arc::clone(&secrets);
        Box::pin(async move {
            let client_id = value(&secrets, "client_id", read)
                .await?
                .expose_secret()
                .to_owned();
            let client_secret = value(&secrets, "client_secret", Freshness::Cached).await?;
            Ok(ClientCredentials {
                client_id,
                client_secret,
            })
        }) as BoxFuture<'static, _>
    }))
}

/// One key of the secret, read anew when it was refused.
#[must_use]
pub fn secret_key(
    secrets: &Arc<FunctionSecrets>,
    name: &'static str,
) -> Arc<dyn SecretSource<SecretString>> {
    let secrets = Arc::clone(secrets);
    Arc::new(SecretFn(move |read| {
        let secrets = Arc::clone(&secrets);
        Box::pin(async move { value(&secrets, name, read).await }) as BoxFuture<'static, _>
    }))
}

async fn value(
    secrets: &FunctionSecrets,
    name: &'static str,
    read: Freshness,
) -> Result<SecretString, SecretSourceError> {
    let found = match read {
        Freshness::Cached => secrets.get().await,
        Freshness::Bypass => secrets.refresh_after_auth_failure().await,
    };
    let found = found.map_err(|error| Arc::new(error) as SecretSourceError)?;
    found.get(name).cloned().ok_or_else(|| {
        Arc::new(std::io::Error::other(format!(
            "the secret has no value for '{name}'"
        ))) as SecretSourceError
    })
}
