//! Calls to the contact center with a token, which is renewed where it is refused.

use std::sync::Arc;

use http::StatusCode;
use insights_http::exchange::HttpClient;
use insights_http::rate_limit::RateLimiter;
use insights_http::{Answer, CallLimits, Deadline, Transport};
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::endpoints::Site;
use crate::error::Error;
use crate::oauth::{AccessToken, TokenSource};
use crate::request::{IDEMPOTENCY_KEY, Request};
use crate::status::check_status;

/// A client of the contact center, with the scopes of one [`System`](crate::endpoints::System).
///
/// Clones share the tokens, the connections and the circuit breakers, of which each endpoint has its own.
#[derive(Debug, Clone)]
pub struct CxoneClient {
    site: Site,
    tokens: Arc<TokenSource>,
    transport: Transport,
}

impl CxoneClient {
    /// Builds a client that calls `site` with tokens from `tokens`.
    #[must_use]
    pub fn new(
        http: impl Into<HttpClient>,
        site: Site,
        tokens: Arc<TokenSource>,
        limits: CallLimits,
    ) -> Self {
        Self {
            site,
            tokens,
            transport: Transport::new(http, limits),
        }
    }

    /// Returns the same client with other limits and circuit breakers of its own.
    #[must_use]
    pub fn with_limits(self, limits: CallLimits) -> Self {
        Self {
            transport: self.transport.with_limits(limits),
            ..self
        }
    }

    /// Returns the same client with a pace, of which every attempt takes a turn, retries too; see [`Transport::with_pace`].
    #[must_use]
    pub fn with_pace(self, pace: Arc<RateLimiter>) -> Self {
        Self {
            transport: self.transport.with_pace(pace),
            ..self
        }
    }

    /// Returns the site whose endpoints this client calls.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Returns the source of this client's tokens.
    #[must_use]
    pub fn tokens(&self) -> &TokenSource {
        &self.tokens
    }

    /// Sends a request and parses the JSON of its answer.
    ///
    /// # Errors
    /// As [`CxoneClient::answer`], and [`insights_http::Error::InvalidResponse`] if the body is not a `T`.
    pub async fn send<T: DeserializeOwned>(
        &self,
        request: Request,
        deadline: Deadline,
    ) -> Result<T, Error> {
        Ok(self.answer(request, deadline).await?.json()?)
    }

    /// Sends a request whose answer has no body worth reading (204).
    ///
    /// # Errors
    /// As [`CxoneClient::answer`], and [`insights_http::Error::InvalidResponse`] if there is a body that is no JSON: a page of
    /// a proxy or of a login does not show that the request was carried out.
    pub async fn send_unit(&self, request: Request, deadline: Deadline) -> Result<(), Error> {
        let answer = self.answer(request, deadline).await?;
        if !answer.body.is_empty() {
            answer.json::<serde::de::IgnoredAny>()?;
        }
        Ok(())
    }

    /// Sends a request and returns its successful answer.
    ///
    /// A 401 invalidates the token; the request is sent once more with a new one.
    ///
    /// # Errors
    /// [`Error`], as its variants say; any status but 2xx is an error.
    pub async fn answer(&self, request: Request, deadline: Deadline) -> Result<Answer, Error> {
        let span = tracing::debug_span!(
            "cxone",
            method = %request.method,
            endpoint = request.endpoint.template()
        );
        self.send_authorized(&request, deadline)
            .instrument(span)
            .await
    }

    async fn send_authorized(
        &self,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        let token = self.tokens.token(deadline).await?;
        let answer = self.send_with(request, &token, deadline).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return check_status(answer, request.endpoint.need());
        }
        tracing::debug!("the token was refused and is renewed");
        self.tokens.invalidate(&token, deadline).await;
        let token = self.tokens.token(deadline).await?;
        let answer = self.send_with(request, &token, deadline).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.tokens.invalidate(&token, deadline).await;
        }
        check_status(answer, request.endpoint.need())
    }

    async fn send_with(
        &self,
        request: &Request,
        token: &AccessToken,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        let build = |http: &reqwest::Client| {
            let mut builder = http
                .request(request.method.clone(), request.endpoint.url().clone())
                .header(http::header::ACCEPT, "application/json")
                .header(http::header::AUTHORIZATION, token.bearer());
            if let Some(key) = &request.idempotency_key {
                builder = builder.header(IDEMPOTENCY_KEY, key);
            }
            if let Some(body) = &request.body {
                builder = builder
                    .header(http::header::CONTENT_TYPE, "application/json")
                    .body(body.clone());
            }
            builder
        };
        let endpoint = request.endpoint.template();
        Ok(self.transport.call(endpoint, deadline, build).await?)
    }
}
