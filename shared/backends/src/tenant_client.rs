//! Clients of a NICE CXone tenant, with an access key from the secret and tokens shared through the state store.

use std::sync::Arc;
use std::time::Duration;

use cxone::endpoints::{ClientAuthentication, Grant};
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
use crate::shared_turns::StateTurns;
use crate::tenant_settings::{DigitalHost, TenantGrant, TenantSettings};
use crate::token_cache::StateTokens;

/// Who shares the requests that the settings allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantShare {
    /// The watch over open digital contacts, whose shards are counted.
    Chats,
    /// The poller, whose shards are counted.
    LiveScores,
    /// The boards of supervisors, of which any number of processes runs.
    Board,
    /// Reports, of which several may be written at once, and the commands of an operator.
    Reports,
    /// The one feeder of embeddings.
    Embeddings,
}

impl TenantShare {
    /// Returns how many tenths of the requests a second are of this share: to Interaction Analytics, the contact API and the digital
    /// part. Live traffic has the larger part, and what can wait the rest.
    fn tenths(self) -> [u32; 3] {
        match self {
            Self::Chats => [0, 1, 4],
            Self::LiveScores => [0, 1, 2],
            Self::Board => [0, 0, 1],
            Self::Reports => [5, 4, 1],
            Self::Embeddings => [5, 4, 2],
        }
    }

    /// Returns the name under which processes of unknown number share their turns; `None` where the number is known.
    fn shared_name(self) -> Option<&'static str> {
        match self {
            Self::Board => Some("board"),
            Self::Reports => Some("reports"),
            Self::Chats | Self::LiveScores | Self::Embeddings => None,
        }
    }
}

/// Returns a client of the tenant for one share of the requests, which `processes` processes have together.
///
/// # Errors
/// If a URL is not allowed, or TLS cannot be set up.
pub(crate) fn connect(
    settings: &CxoneSettings,
    share: TenantShare,
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
    let paces = shared_paces(&settings.tenant, share, processes, |name, interval| {
        StateTurns::new(state.clone(), &options.issuer, name, interval)
    });
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
        notifications_url: tenant.notifications_url.clone(),
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

/// Returns the paces of one process of a share, of which so many run at the same time, as far as that is known. All shares together
/// stay within the settings.
#[must_use]
pub fn tenant_paces(settings: &TenantSettings, share: TenantShare, processes: u32) -> HostPaces {
    paces_of(settings, share, |_, rate, tenths| {
        RateLimiter::with_interval(interval_of(rate, tenths, processes), 1)
    })
}

/// Returns the paces as [`tenant_paces`] does, which take turns with other processes where their number is not known.
fn shared_paces(
    settings: &TenantSettings,
    share: TenantShare,
    processes: u32,
    turns: impl Fn(&str, Duration) -> StateTurns,
) -> HostPaces {
    let Some(name) = share.shared_name() else {
        return tenant_paces(settings, share, processes);
    };
    paces_of(settings, share, |host, rate, tenths| {
        let interval = interval_of(rate, tenths, 1);
        let turns = Arc::new(turns(&format!("{name}#{host}"), interval));
        RateLimiter::with_interval(interval, 1).with_shared_turns(turns)
    })
}

/// Returns the pace of each part of a tenant, of its name, the requests a second that the settings allow, and the tenths of them that the
/// share has.
fn paces_of(
    settings: &TenantSettings,
    share: TenantShare,
    pace: impl Fn(&str, u32, u32) -> RateLimiter,
) -> HostPaces {
    let [analytics, contacts, digital] = share.tenths();
    HostPaces {
        analytics: Arc::new(pace("analytics", settings.analytics_rate, analytics)),
        contacts: Arc::new(pace("contacts", settings.contacts_rate, contacts)),
        digital: Arc::new(pace("digital", settings.digital_rate, digital)),
    }
}

/// Returns the time between two requests to the digital part by one process of a share, of which so many run at the same time.
#[must_use]
pub fn digital_request_interval(
    settings: &TenantSettings,
    share: TenantShare,
    processes: u32,
) -> Duration {
    let [_, _, digital] = share.tenths();
    interval_of(settings.digital_rate, digital, processes)
}

/// Returns the time between two requests. Who has no share of a part does not call it; the least of shares stands for none.
fn interval_of(rate: u32, tenths: u32, processes: u32) -> Duration {
    let per_second = f64::from(rate) * f64::from(tenths.max(1)) / 10.0;
    Duration::from_secs_f64(f64::from(processes.max(1)) / per_second)
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
    use insights_http::Deadline;
    use runtime::config::Env;

    use super::*;

    const SHARES: [TenantShare; 5] = [
        TenantShare::Chats,
        TenantShare::LiveScores,
        TenantShare::Board,
        TenantShare::Reports,
        TenantShare::Embeddings,
    ];

    #[test]
    fn all_functions_together_stay_within_the_limits() {
        for host in 0..3 {
            let all: u32 = SHARES.iter().map(|share| share.tenths()[host]).sum();
            assert_eq!(all, 10, "host {host}");
        }
    }

    /// The requests that a pace lets through in ten minutes.
    async fn requests_in_ten_minutes(pace: &RateLimiter) -> u32 {
        let deadline = Deadline::within(Duration::from_secs(600));
        let mut requests = 0;
        while pace.acquire(deadline).await.is_ok() {
            requests += 1;
        }
        requests
    }

    #[tokio::test(start_paused = true)]
    async fn low_rates_and_many_processes_go_beyond_no_limit() {
        for (rate, processes) in [("10", 1), ("10", 8), ("1", 1), ("1", 8), ("33", 3)] {
            let env = Env::from_pairs([("CXONE_DIGITAL_REQUESTS_PER_SECOND", rate)]);
            let settings = TenantSettings::from_env(&env).unwrap();
            let (mut requests, mut all_processes) = (0, 0);
            for share in SHARES {
                // Processes of an unknown number take turns, and count as one here.
                let processes = share.shared_name().map_or(processes, |_| 1);
                let pace = tenant_paces(&settings, share, processes).digital;
                requests += processes * requests_in_ten_minutes(&pace).await;
                all_processes += processes;
            }
            let allowed = settings.digital_rate * 600;
            // The first request of each process waits for nothing.
            assert!(
                requests <= allowed + all_processes,
                "{requests} requests at {rate} a second by {processes} processes"
            );
            assert!(
                requests + 20 * all_processes >= allowed,
                "{requests} of {allowed}"
            );
        }
    }
}
