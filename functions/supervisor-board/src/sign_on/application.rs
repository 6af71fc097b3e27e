//! The board as an application at a provider, as the settings describe it.

use anyhow::{Context, bail};
use backends::Backends;
use url::Url;

use super::people::AllowedPeople;
use super::provider::{Provider, is_trustworthy};
use crate::config::SignOnSettings;

/// The login at a provider, as it is configured.
#[derive(Debug)]
pub struct SignOn {
    pub(super) client_id: String,
    pub(super) redirect_url: Url,
    pub(super) scopes: String,
    pub(super) people: AllowedPeople,
    pub(super) provider: Provider,
}

impl SignOn {
    /// Builds the login at the provider of the settings; `None` if they name none.
    ///
    /// # Errors
    /// If something is missing, nobody would be allowed or everybody, or a URL has no TLS.
    pub fn open(settings: &SignOnSettings, backends: &Backends) -> anyhow::Result<Option<Self>> {
        let Some(issuer) = settings.issuer.clone() else {
            return Ok(None);
        };
        let client_id = settings.client_id.clone();
        let client_id = client_id.context("BOARD_OIDC_ISSUER needs BOARD_OIDC_CLIENT_ID")?;
        let redirect_url = settings.redirect_url.clone();
        let redirect_url =
            redirect_url.context("BOARD_OIDC_ISSUER needs BOARD_OIDC_REDIRECT_URL")?;
        if !(is_trustworthy(&issuer) && is_trustworthy(&redirect_url)) {
            bail!("BOARD_OIDC_ISSUER and BOARD_OIDC_REDIRECT_URL must be https");
        }
        let people = AllowedPeople {
            name_claim: settings.name_claim.clone(),
            groups_claim: settings.groups_claim.clone(),
            groups: settings.groups.clone().unwrap_or_default(),
            domains: settings.domains.clone().unwrap_or_default(),
        };
        if people.groups.is_empty() && people.domains.is_empty() {
            bail!(
                "BOARD_OIDC_ISSUER needs BOARD_OIDC_GROUPS or BOARD_OIDC_DOMAINS, which say who may log in"
            );
        }
        let http = insights_http::client::build_client(backends.connections())?;
        Ok(Some(Self {
            client_id,
            redirect_url,
            scopes: settings.scopes.clone(),
            people,
            provider: Provider::new(issuer, http),
        }))
    }
}
