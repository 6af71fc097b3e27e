//! Learns the hosts of a tenant, and keeps them for a while.

use std::sync::Arc;
use std::time::Duration;

use insights_http::exchange::HttpClient;
use insights_http::{CallLimits, Deadline, Error as HttpError, Transport, WithCauses};
use tokio::time::Instant;

use super::allow_list::AllowList;
use super::claims::Claims;
use super::hosts::{Configuration, TenantHosts, check_tenant};
use super::options::{DigitalBase, TenantOptions};
use crate::endpoints::append_path;
use crate::error::Error;
use crate::oauth::AccessToken;

/// The path of the public discovery below the issuer.
const PATH: &str = "/.well-known/cxone-configuration";

/// How long hosts are used that the discovery named: a tenant moves once in years.
const KEPT_FOR: Duration = Duration::from_secs(3600);

/// How long hosts are used that were guessed or are older, while the discovery is away.
const GUESS_KEPT_FOR: Duration = Duration::from_secs(120);

/// Longest time for one answer of the discovery, tries included. The callers of a Data Action do not come here.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The public discovery of one issuer. No token is ever sent to it.
#[derive(Debug)]
pub(super) struct Discovery {
    options: TenantOptions,
    allow_list: AllowList,
    transport: Transport,
    known: tokio::sync::Mutex<Option<KnownHosts>>,
}

#[derive(Debug, Clone)]
struct KnownHosts {
    hosts: Arc<TenantHosts>,
    until: Instant,
}

impl Discovery {
    /// Builds the discovery of the options' issuer.
    pub(super) fn new(http: HttpClient, options: TenantOptions, limits: CallLimits) -> Self {
        let digital = match &options.digital {
            DigitalBase::Url(url) => Some(url),
            DigitalBase::Auto | DigitalBase::Api => None,
        };
        let configured = [
            options.api_url.as_ref(),
            digital,
            options.event_hub_url.as_ref(),
            options.notifications_url.as_ref(),
        ];
        let configured: Vec<_> = configured.into_iter().flatten().collect();
        Self {
            allow_list: AllowList::new(&options.issuer, &configured, &options.trusted_domains),
            options,
            transport: Transport::new(http, limits),
            known: tokio::sync::Mutex::default(),
        }
    }

    /// Returns the options that the hosts are derived from.
    pub(super) fn options(&self) -> &TenantOptions {
        &self.options
    }

    /// Returns which hosts a token may be sent to.
    pub(super) fn allow_list(&self) -> &AllowList {
        &self.allow_list
    }

    /// Returns the hosts of the token's tenant, which are asked for once however many callers wait.
    ///
    /// # Errors
    /// As [`TenantHosts::derive`], and if the deadline comes first.
    pub(super) async fn hosts(
        &self,
        token: &AccessToken,
        deadline: Deadline,
    ) -> Result<Arc<TenantHosts>, Error> {
        let Some(mut known) = deadline.bound(self.known.lock()).await else {
            let endpoint = PATH.to_owned();
            return Err(HttpError::DeadlineExceeded { endpoint }.into());
        };
        if let Some(known) = known.as_ref().filter(|known| Instant::now() < known.until) {
            return Ok(Arc::clone(&known.hosts));
        }
        let claims = Claims::of(token);
        check_tenant(&self.options, &claims)?;
        let discovered = self.discover(&claims, deadline).await;
        if let Err(error) = &discovered {
            tracing::warn!(
                cause = %WithCauses(error),
                "the discovery named no hosts of the tenant, going on with what is known"
            );
        }
        let has_failed = discovered.is_err();
        let hosts = match (&*known, has_failed) {
            // What the discovery said before is better than a guess.
            (Some(known), true) => Arc::clone(&known.hosts),
            _ => Arc::new(TenantHosts::derive(
                &self.options,
                &self.allow_list,
                &claims,
                discovered,
            )?),
        };
        let kept_for = if has_failed { GUESS_KEPT_FOR } else { KEPT_FOR };
        *known = Some(KnownHosts {
            hosts: Arc::clone(&hosts),
            until: Instant::now() + kept_for,
        });
        Ok(hosts)
    }

    /// Asks the issuer for the hosts of a tenant.
    async fn discover(&self, claims: &Claims, deadline: Deadline) -> Result<Configuration, Error> {
        let mut url = append_path(&self.options.issuer, PATH);
        let tenant_id = self
            .options
            .tenant_id
            .as_ref()
            .or(claims.tenant_id.as_ref());
        if let Some(tenant_id) = tenant_id {
            url.query_pairs_mut().append_pair("tenantId", tenant_id);
        }
        let deadline = deadline.or_within(TIMEOUT);
        let answer = self
            .transport
            .call(PATH, deadline, |http| {
                http.get(url.clone())
                    .header(http::header::ACCEPT, "application/json")
            })
            .await;
        let configuration = answer.and_then(|answer| match answer.status.as_u16() {
            200 => answer.json(),
            status => Err(HttpError::Rejected {
                endpoint: PATH.to_owned(),
                status,
            }),
        });
        configuration.map_err(|source| Error::NoDiscovery {
            endpoint: url.host_str().unwrap_or_default().to_owned() + PATH,
            source,
        })
    }
}
