//! How a tenant is called: what an operator may set.

use insights_http::rate_limit::RateLimiter;
use std::sync::Arc;
use url::Url;

use crate::endpoints::Grant;

/// Where the digital part of the contact center is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DigitalBase {
    /// The usual host of the tenant's area; on this machine, the API's host.
    #[default]
    Auto,
    /// The host of the tenant's API.
    Api,
    /// This URL, below which `/dfo/3.0` lies.
    Url(Url),
}

/// What an operator says about a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantOptions {
    /// The issuer, which gives tokens and names the hosts of tenants.
    pub issuer: Url,
    /// The URL that gives tokens; `None` for the issuer's own.
    pub token_url: Option<Url>,
    /// How tokens are asked for.
    pub grant: Grant,
    /// The id of the tenant; `None` takes it from the token.
    pub tenant_id: Option<String>,
    /// The host of the API; `None` asks the discovery.
    pub api_url: Option<Url>,
    /// Where the digital part is.
    pub digital: DigitalBase,
    /// The event hub's URL; `None` asks the digital part, or takes the usual host.
    pub event_hub_url: Option<Url>,
    /// The URL of the socket of live transcripts; `None` takes the usual host.
    pub notifications_url: Option<Url>,
    /// The version of the contact API, such as 31.
    pub contact_api_version: u32,
    /// Further domains that a token may be sent to.
    pub trusted_domains: Vec<String>,
}

impl TenantOptions {
    /// Returns the options of a tenant in the commercial cloud that leave everything to discovery.
    #[must_use]
    pub fn new(issuer: Url, grant: Grant) -> Self {
        Self {
            issuer,
            token_url: None,
            grant,
            tenant_id: None,
            api_url: None,
            digital: DigitalBase::Auto,
            event_hub_url: None,
            notifications_url: None,
            contact_api_version: 31,
            trusted_domains: Vec::new(),
        }
    }
}

/// How fast each host of a tenant may be called by this process.
#[derive(Debug, Clone)]
pub struct HostPaces {
    /// The pace of Interaction Analytics.
    pub analytics: Arc<RateLimiter>,
    /// The pace of the contact API.
    pub contacts: Arc<RateLimiter>,
    /// The pace of the digital part.
    pub digital: Arc<RateLimiter>,
}
