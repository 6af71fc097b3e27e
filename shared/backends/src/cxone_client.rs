//! Clients of the contact center, with credentials from the secret and tokens shared through the state store.

use std::sync::Arc;

use cxone::CxoneClient;
use cxone::endpoints::{self, Site, System};
use cxone::oauth::{ClientCredentials, TokenSource};
use futures::future::BoxFuture;
use insights_http::CallLimits;
use insights_http::exchange::HttpClient;
use insights_http::secret::{Freshness, SecretFn, SecretSource};
use secrecy::ExposeSecret;
use store::state::State;

use crate::key_source::{FunctionSecrets, read_key};
use crate::settings::CxoneSettings;
use crate::token_cache::StateTokens;

/// Returns a client with the scopes of one system.
///
/// # Errors
/// If a URL is missing or not allowed, or TLS cannot be set up.
pub(crate) fn connect(
    settings: &CxoneSettings,
    system: System,
    secrets: &Arc<FunctionSecrets>,
    state: &State,
    http: &HttpClient,
) -> anyhow::Result<CxoneClient> {
    let base_url = settings.base_url.get()?;
    let mut site = Site::new(endpoints::CXONE_API, system, base_url.as_str())?;
    if let Some(url) = &settings.token_url {
        site = site.with_token_url(url.as_str())?;
    }
    if let Some(scopes) = &settings.scopes {
        site = site.with_scopes(scopes);
    }
    let limits = CallLimits::default();
    let tokens = StateTokens::new(state.clone(), Arc::clone(secrets));
    let tokens = TokenSource::new(http.clone(), site.clone(), credentials(secrets), limits)
        .with_shared(Arc::new(tokens));
    Ok(CxoneClient::new(
        http.clone(),
        site,
        Arc::new(tokens),
        limits,
    ))
}

/// Returns the source of the client id and the client secret; both are read again after the contact center refused them.
#[must_use]
pub fn credentials(secrets: &Arc<FunctionSecrets>) -> Arc<dyn SecretSource<ClientCredentials>> {
    let secrets = Arc::clone(secrets);
    Arc::new(SecretFn(move |read| {
        let secrets = Arc::clone(&secrets);
        Box::pin(async move {
            let client_id = read_key(&secrets, "client_id", read)
                .await?
                .expose_secret()
                .to_owned();
            let client_secret = read_key(&secrets, "client_secret", Freshness::Cached).await?;
            Ok(ClientCredentials {
                client_id,
                client_secret,
                access_key: None,
            })
        }) as BoxFuture<'static, _>
    }))
}
