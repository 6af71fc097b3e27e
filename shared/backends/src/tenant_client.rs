//! Clients of a NICE CXone tenant, with an access key from the secret and tokens shared through the state store.

use std::sync::Arc;

use cxone::endpoints::{ClientAuthentication, Grant, System};
use cxone::oauth::{AccessKey, ClientCredentials, TokenSource};
use cxone::tenant::{DigitalBase, HostPaces, TenantClient, TenantOptions};
use futures::future::BoxFuture;
use insights_http::CallLimits;
use insights_http::exchange::HttpClient;
use insights_http::rate_limit::RateLimiter;
use insights_http::retry::RetryPolicy;
use insights_http::secret::{Freshness, SecretFn, SecretSource};
use secrecy::ExposeSecret;
use store::state::State;

use crate::key_source::{FunctionSecrets, read_key};
use crate::settings::CxoneSettings;
use crate::tenant_settings::{DigitalHost, TenantGrant, TenantSettings};
use crate::token_cache::StateTokens;

/// Returns a client of the tenant for one system, of which `processes` run at the same time.
///
/// # Errors
/// If a URL is not allowed, or TLS cannot be set up.
pub(crate) fn connect(
    settings: &CxoneSettings,
    system: System,
    processes: u32,
    secrets: &Arc<FunctionSecrets>,
    state: &State,
    http: &HttpClient,
    token_http: HttpClient,
) -> anyhow::Result<TenantClient> {
    let options = options(settings)?;
    let site = TenantClient::token_site(&options)?;
    let limits = call_limits();
    let credentials = credentials(secrets, options.grant);
    let tokens = StateTokens::new(state.clone(), Arc::clone(secrets));
    let tokens = TokenSource::new(token_http, site.clone(), credentials, limits)
        .with_shared(Arc::new(tokens));
    let paces = paces(&settings.tenant, system, processes);
    Ok(TenantClient::new(
        http.clone(),
        options,
        site,
        Arc::new(tokens),
        paces,
        limits,
    ))
}

/// Returns what the settings say about the tenant.
fn options(settings: &CxoneSettings) -> anyhow::Result<TenantOptions> {
    let tenant = &settings.tenant;
    let grant = match tenant.grant {
        TenantGrant::Password if tenant.sends_client_in_form => {
            Grant::Password(ClientAuthentication::Post)
        }
        TenantGrant::Password => Grant::Password(ClientAuthentication::Basic),
        TenantGrant::AccessKey => Grant::AccessKey,
    };
    let digital = match tenant.digital.clone().unwrap_or_default() {
        DigitalHost::Auto => DigitalBase::Auto,
        DigitalHost::Api => DigitalBase::Api,
        DigitalHost::Url(url) => DigitalBase::Url(url),
    };
    Ok(TenantOptions {
        token_url: settings.token_url.clone(),
        tenant_id: tenant.tenant_id.clone(),
        api_url: settings.base_url.get().ok().cloned(),
        digital,
        event_hub_url: tenant.event_hub_url.clone(),
        contact_api_version: tenant.contact_api_version,
        trusted_domains: tenant.trusted_domains.clone().unwrap_or_default(),
        ..TenantOptions::new(tenant.issuer()?, grant)
    })
}

/// Returns the limits of the calls to a tenant, whose `Retry-After` is often too short.
pub(crate) fn call_limits() -> CallLimits {
    let limits = CallLimits::default();
    CallLimits {
        retry: RetryPolicy {
            lengthens_asked_waits: true,
            max_attempts: 5,
            ..limits.retry
        },
        ..limits
    }
}

/// Returns the paces of one process. All functions together stay within the settings: live traffic has the larger part, and what
/// can wait the rest.
fn paces(settings: &TenantSettings, system: System, processes: u32) -> HostPaces {
    let pace =
        |rate: u32, tenths: u32| Arc::new(RateLimiter::new(part_of(rate, tenths, processes), 1));
    let [analytics, contacts, digital] = tenths(system);
    HostPaces {
        analytics: pace(settings.analytics_rate, analytics),
        contacts: pace(settings.contacts_rate, contacts),
        digital: pace(settings.digital_rate, digital),
    }
}

/// Returns how many requests a second to the digital part one process of a system may make, of which so many run at the same time.
#[must_use]
pub fn digital_requests_per_second(
    settings: &TenantSettings,
    system: System,
    processes: u32,
) -> u32 {
    let [_, _, digital] = tenths(system);
    part_of(settings.digital_rate, digital, processes)
}

fn part_of(rate: u32, tenths: u32, processes: u32) -> u32 {
    (rate * tenths / 10 / processes.max(1)).max(1)
}

/// Returns how many tenths of the requests a second a system may make: to Interaction Analytics, the contact API and the digital
/// part.
fn tenths(system: System) -> [u32; 3] {
    match system {
        System::Chat => [0, 1, 4],
        System::RealTime => [0, 1, 2],
        System::Analytics | System::Embeddings => [5, 4, 2],
        System::DataAction => [0, 0, 0],
    }
}

/// Returns the source of what a token is asked for with; all of it is read again after the contact center refused it.
fn credentials(
    secrets: &Arc<FunctionSecrets>,
    grant: Grant,
) -> Arc<dyn SecretSource<ClientCredentials>> {
    let secrets = Arc::clone(secrets);
    Arc::new(SecretFn(move |read| {
        let secrets = Arc::clone(&secrets);
        Box::pin(async move {
            let id = read_key(&secrets, "access_key_id", read).await?;
            let access_key = AccessKey {
                id: id.expose_secret().to_owned(),
                secret: read_key(&secrets, "access_key_secret", Freshness::Cached).await?,
            };
            if grant == Grant::AccessKey {
                return Ok(ClientCredentials::of_access_key(access_key));
            }
            let client_id = read_key(&secrets, "client_id", Freshness::Cached).await?;
            Ok(ClientCredentials {
                client_id: client_id.expose_secret().to_owned(),
                client_secret: read_key(&secrets, "client_secret", Freshness::Cached).await?,
                access_key: Some(access_key),
            })
        }) as BoxFuture<'static, _>
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_functions_together_stay_within_the_limits() {
        let systems = [
            System::Chat,
            System::RealTime,
            System::Analytics,
            System::Embeddings,
            System::DataAction,
        ];
        for host in 0..3 {
            let all: u32 = systems.iter().map(|system| tenths(*system)[host]).sum();
            assert_eq!(all, 10, "host {host}");
        }
    }
}
