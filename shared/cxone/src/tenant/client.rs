//! Calls to the hosts of a tenant, each at its own pace.

use std::sync::Arc;

use http::Method;
use insights_http::exchange::HttpClient;
use insights_http::{Answer, CallLimits, Deadline};
use serde::Serialize;
use url::Url;

use super::allow_list::AllowList;
use super::calls::{Call, CallPath};
use super::claims::Claims;
use super::discovery::Discovery;
use super::hosts::{Host, TenantHosts};
use super::options::{HostPaces, TenantOptions};
use crate::client::CxoneClient;
use crate::endpoints::{
    CXONE_API, Endpoint, Grant, Site, System, append_path, encode_path_segment,
};
use crate::error::Error;
use crate::need::Need;
use crate::oauth::TokenSource;
use crate::request::Request;

/// The path that gives a token for an access key and a client.
const PASSWORD_TOKEN_PATH: &str = "/auth/token";

/// The path that gives a token for an access key alone.
const ACCESS_KEY_TOKEN_PATH: &str = "/authentication/v1/token/access-key";

/// A client of one tenant, in the name of one service user.
///
/// Clones share the tokens, the hosts, the connections, the paces and the circuit breakers.
#[derive(Debug, Clone)]
pub struct TenantClient {
    discovery: Arc<Discovery>,
    tokens: Arc<TokenSource>,
    analytics: CxoneClient,
    contacts: CxoneClient,
    digital: CxoneClient,
}

impl TenantClient {
    /// Builds a client that calls the hosts of a tenant with tokens from `tokens`.
    #[must_use]
    pub fn new(
        http: impl Into<HttpClient>,
        options: TenantOptions,
        site: Site,
        tokens: Arc<TokenSource>,
        paces: HostPaces,
        limits: CallLimits,
    ) -> Self {
        let http = http.into();
        let client = |pace| {
            let tokens = Arc::clone(&tokens);
            CxoneClient::new(http.clone(), site.clone(), tokens, limits).with_pace(pace)
        };
        Self {
            analytics: client(paces.analytics),
            contacts: client(paces.contacts),
            digital: client(paces.digital),
            discovery: Arc::new(Discovery::new(http.clone(), options, limits)),
            tokens,
        }
    }

    /// Returns the site that gives the tokens of a tenant.
    ///
    /// # Errors
    /// [`insights_http::Error::Invalid`] if the issuer or the token URL cannot be used.
    pub fn token_site(options: &TenantOptions) -> Result<Site, Error> {
        let path = match options.grant {
            Grant::AccessKey => ACCESS_KEY_TOKEN_PATH,
            Grant::Password(_) | Grant::ClientCredentials => PASSWORD_TOKEN_PATH,
        };
        let url = match &options.token_url {
            Some(url) => url.clone(),
            None => append_path(&options.issuer, path),
        };
        let site = Site::new(CXONE_API, System::Analytics, options.issuer.as_str())?;
        Ok(site
            .with_token_url(url.as_str())?
            .with_scopes("")
            .with_grant(options.grant))
    }

    /// Returns the same client with other limits and circuit breakers of its own.
    #[must_use]
    pub fn with_limits(self, limits: CallLimits) -> Self {
        Self {
            analytics: self.analytics.with_limits(limits),
            contacts: self.contacts.with_limits(limits),
            digital: self.digital.with_limits(limits),
            ..self
        }
    }

    /// Returns what an operator has set about the tenant.
    #[must_use]
    pub fn options(&self) -> &TenantOptions {
        self.discovery.options()
    }

    /// Returns the source of this client's tokens.
    #[must_use]
    pub fn tokens(&self) -> &TokenSource {
        &self.tokens
    }

    /// Returns which hosts a token may be sent to.
    #[must_use]
    pub fn allow_list(&self) -> &AllowList {
        self.discovery.allow_list()
    }

    /// Returns the hosts of the tenant.
    ///
    /// # Errors
    /// What the token and the discovery fail with.
    pub async fn hosts(&self, deadline: Deadline) -> Result<Arc<TenantHosts>, Error> {
        let token = self.tokens.token(deadline).await?;
        self.discovery.hosts(&token, deadline).await
    }

    /// Returns what the current token says about the tenant and the user.
    ///
    /// # Errors
    /// What the token fails with.
    pub async fn claims(&self, deadline: Deadline) -> Result<Claims, Error> {
        Ok(Claims::of(&self.tokens.token(deadline).await?))
    }

    /// Reads a list or an object; `ids` stand in the path, and each part of the query is a name and a value.
    ///
    /// # Errors
    /// As [`CxoneClient::answer`], and what learning the hosts fails with.
    pub async fn read(
        &self,
        call: Call,
        ids: &[&str],
        query: &[(&str, &str)],
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        let mut endpoint = self.endpoint(call, ids, deadline).await?;
        for (name, value) in query {
            endpoint = endpoint.query(name, value);
        }
        let client = self.client(call.path().host);
        client.answer(Request::get(endpoint), deadline).await
    }

    /// Writes an object; `ids` stand in the path.
    ///
    /// # Errors
    /// As [`TenantClient::read`].
    pub async fn write(
        &self,
        call: Call,
        method: Method,
        ids: &[&str],
        body: &impl Serialize,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        let endpoint = self.endpoint(call, ids, deadline).await?;
        let request = Request::json(method, endpoint, body)?;
        self.client(call.path().host)
            .answer(request, deadline)
            .await
    }

    async fn endpoint(
        &self,
        call: Call,
        ids: &[&str],
        deadline: Deadline,
    ) -> Result<Endpoint, Error> {
        let hosts = self.hosts(deadline).await?;
        build_endpoint(&hosts, self.options().contact_api_version, call, ids)
    }

    fn client(&self, host: Host) -> &CxoneClient {
        match host {
            Host::Analytics => &self.analytics,
            Host::Contacts => &self.contacts,
            Host::Digital => &self.digital,
        }
    }
}

/// Builds the endpoint of a call, with `ids` in the order of the `{id}`s in its path.
fn build_endpoint(
    hosts: &TenantHosts,
    contact_api_version: u32,
    call: Call,
    ids: &[&str],
) -> Result<Endpoint, Error> {
    let CallPath {
        host,
        path,
        template,
        right,
    } = call.path();
    let (base, mut whole): (Url, String) = if path.starts_with("/engager/") {
        (hosts.digital_root(), String::new())
    } else {
        hosts.base(host, contact_api_version)
    };
    let mut pieces = path.split("{id}");
    whole.push_str(pieces.next().unwrap_or_default());
    let mut ids = ids.iter();
    for piece in pieces {
        let id = ids
            .next()
            .ok_or_else(|| Error::invalid(template, "an id is missing"))?;
        whole.push_str(&encode_path_segment(id)?);
        whole.push_str(piece);
    }
    if ids.next().is_some() {
        return Err(Error::invalid(template, "it takes fewer ids"));
    }
    Ok(Endpoint::new(
        append_path(&base, &whole),
        template,
        Need::Right(right),
    ))
}
