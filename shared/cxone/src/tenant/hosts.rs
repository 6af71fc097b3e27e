//! The hosts of a tenant: what the discovery answers, what the settings name, and what follows from both.

use insights_http::Error as HttpError;
use serde::Deserialize;
use url::Url;

use super::allow_list::{AllowList, is_on_this_machine};
use super::claims::Claims;
use super::options::{DigitalBase, TenantOptions};
use super::scalars::{Text, lenient};
use crate::cloud::{Cloud, FEDRAMP_AREA, FEDRAMP_DOMAIN};
use crate::error::Error;

/// A part of the contact center with a base URL and a pace of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Host {
    /// The host of Interaction Analytics.
    Analytics,
    /// The host of the contact API.
    Contacts,
    /// The host of the digital part.
    Digital,
}

/// The hosts of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantHosts {
    /// The id of the tenant, where it is known.
    pub tenant_id: Option<String>,
    /// The area of the tenant, such as `na1`, where it is known.
    pub area: Option<String>,
    /// The host of Interaction Analytics and of the contact API.
    pub api: Url,
    /// The base URL of the digital part, below which `/dfo/3.0` lies.
    pub digital: Url,
    /// The usual event hub of the tenant's area, or the configured one.
    pub event_hub: Option<Url>,
    /// The usual host of live transcripts in the tenant's area, or the configured one.
    pub notifications: Option<Url>,
    /// Whether the hosts follow from the claims of the token alone, because the discovery was away.
    pub is_guess: bool,
}

/// What the public discovery answers about a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Configuration {
    #[serde(default, deserialize_with = "lenient")]
    area: Text,
    #[serde(default, deserialize_with = "lenient")]
    domain: Text,
    #[serde(default, deserialize_with = "lenient")]
    api_endpoint: Text,
}

impl TenantHosts {
    /// Derives the hosts from the settings, the claims of the token, and the answer of the discovery.
    ///
    /// # Errors
    /// [`Error::WrongTenant`] if they contradict each other, [`Error::ForeignHost`] if one of them is not allowed, and the error
    /// of the discovery if nothing names the API.
    pub(super) fn derive(
        options: &TenantOptions,
        allow_list: &AllowList,
        claims: &Claims,
        discovered: Result<Configuration, Error>,
    ) -> Result<Self, Error> {
        let (configuration, failure) = match discovered {
            Ok(configuration) => (configuration, None),
            Err(error) => (Configuration::default(), Some(error)),
        };
        let area = configuration.area.into_plain_id().filter(|it| is_area(it));
        let area = area.map(|area| area.to_ascii_lowercase());
        let area = area.or_else(|| claims.area.clone().filter(|it| is_area(it)));
        let cloud = Cloud::of_issuer(&options.issuer);
        // The FedRAMP cloud has one area, so that its issuer tells the area of a tenant too.
        let area =
            area.or_else(|| (cloud == Some(Cloud::FedRamp)).then(|| FEDRAMP_AREA.to_owned()));
        let named = configuration.api_endpoint.into_text();
        let named = named.map(|url| parse_host(&url)).transpose()?;
        check_cloud(cloud, Cloud::of_tenant(area.as_deref(), named.as_ref()))?;
        let is_guess = options.api_url.is_none() && named.is_none();
        let api = match options.api_url.clone().or(named) {
            Some(url) => url,
            None => match guess_api(area.as_deref(), claims.cluster.as_deref()) {
                Some(url) => url,
                None => return Err(failure.unwrap_or_else(|| nothing_named(options))),
            },
        };
        match (allow_list.check(&api, "the discovery"), failure) {
            (Ok(()), _) => {}
            // The host was not named but guessed, and the guess does not fit the issuer.
            (Err(_), Some(failure)) if is_guess => return Err(failure),
            (Err(foreign), _) => return Err(foreign),
        }
        let domain = configuration.domain.into_plain_id();
        let domain = domain.unwrap_or_else(|| "niceincontact.com".to_owned());
        let domain = match area.as_deref() {
            Some(FEDRAMP_AREA) => FEDRAMP_DOMAIN.to_owned(),
            _ => domain,
        };
        let in_area = |scheme: &str, name: &str| {
            let area = area.as_deref().filter(|_| !is_on_this_machine(&api))?;
            Url::parse(&format!("{scheme}://{name}-{area}.{domain}")).ok()
        };
        let digital = match &options.digital {
            DigitalBase::Url(url) => url.clone(),
            DigitalBase::Api => api.clone(),
            DigitalBase::Auto => in_area("https", "api-de").unwrap_or_else(|| api.clone()),
        };
        allow_list.check(&digital, "the discovery")?;
        let event_hub = options.event_hub_url.clone();
        let event_hub = event_hub.or_else(|| in_area("wss", "eventhub-de"));
        let notifications = options.notifications_url.clone();
        // What the host is called in the FedRAMP cloud is not known.
        let usual = area.as_deref() != Some(FEDRAMP_AREA);
        let notifications = notifications.or_else(|| usual.then(|| in_area("wss", "websocket"))?);
        for url in [&event_hub, &notifications].into_iter().flatten() {
            allow_list.check(url, "the discovery")?;
        }
        Ok(Self {
            tenant_id: options.tenant_id.clone().or(claims.tenant_id.clone()),
            area,
            api,
            digital,
            event_hub,
            notifications,
            is_guess,
        })
    }

    /// Returns the URL below which the older calls of the digital part lie.
    pub(super) fn digital_root(&self) -> Url {
        let mut root = self.digital.clone();
        let path = root.path().trim_end_matches('/');
        let path = path.strip_suffix("/dfo/3.0").unwrap_or(path).to_owned();
        root.set_path(&path);
        root
    }

    /// Returns the URL of a path on a host. `{N}` is the version of the contact API.
    pub(super) fn base(&self, host: Host, contact_api_version: u32) -> (Url, String) {
        match host {
            Host::Analytics => (
                self.api.clone(),
                "/interaction-analytics-gateway/v2".to_owned(),
            ),
            Host::Contacts => (
                self.api.clone(),
                format!("/incontactapi/services/v{contact_api_version}.0"),
            ),
            Host::Digital => {
                let is_complete = self
                    .digital
                    .path()
                    .trim_end_matches('/')
                    .ends_with("/dfo/3.0");
                let below = if is_complete { "" } else { "/dfo/3.0" };
                (self.digital.clone(), below.to_owned())
            }
        }
    }
}

/// Checks that the token's tenant is the one of the settings.
///
/// # Errors
/// [`Error::WrongTenant`] if both are known and differ.
pub(super) fn check_tenant(options: &TenantOptions, claims: &Claims) -> Result<(), Error> {
    match (&options.tenant_id, &claims.tenant_id) {
        (Some(set), Some(claimed)) if !set.eq_ignore_ascii_case(claimed) => {
            Err(Error::WrongTenant(
                "the access key belongs to another tenant than CXONE_TENANT_ID names: correct the setting, leave it out, or store an access key of that tenant",
            ))
        }
        _ => Ok(()),
    }
}

/// Checks that the issuer is the one of the tenant's cloud, as far as both are known.
fn check_cloud(issuer: Option<Cloud>, tenant: Option<Cloud>) -> Result<(), Error> {
    match (issuer, tenant) {
        (Some(Cloud::Commercial), Some(Cloud::FedRamp)) => Err(Error::WrongTenant(
            "the tenant is in the FedRAMP cloud and CXONE_ISSUER is the commercial one: set CXONE_ISSUER to https://cxone-gov.niceincontact.com",
        )),
        (Some(Cloud::FedRamp), Some(Cloud::Commercial)) => Err(Error::WrongTenant(
            "the tenant is in the commercial cloud and CXONE_ISSUER is the FedRAMP one: set CXONE_ISSUER to https://cxone.niceincontact.com",
        )),
        _ => Ok(()),
    }
}

/// Parses the URL of a host that the discovery named.
fn parse_host(text: &str) -> Result<Url, Error> {
    insights_http::url::parse_url("the API's host", text).map_err(Error::from)
}

/// Returns the usual host of the API in an area or a cluster.
fn guess_api(area: Option<&str>, cluster: Option<&str>) -> Option<Url> {
    let host = match (area, cluster.filter(|cluster| is_area(cluster))) {
        (Some(area), _) => format!("api-{area}.niceincontact.com"),
        (None, Some(cluster)) => {
            format!("api-{}.nice-incontact.com", cluster.to_ascii_lowercase())
        }
        (None, None) => return None,
    };
    Url::parse(&format!("https://{host}")).ok()
}

/// Returns whether a text can be an area or a cluster, so that it may become part of a host's name.
fn is_area(text: &str) -> bool {
    (2..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn nothing_named(options: &TenantOptions) -> Error {
    let endpoint = options.issuer.host_str().unwrap_or_default().to_owned();
    Error::NoDiscovery {
        source: HttpError::invalid_response(&endpoint, "it names no host of the API"),
        endpoint,
    }
}

#[cfg(test)]
mod tests;
