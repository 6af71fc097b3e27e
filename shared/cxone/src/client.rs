//! Typed calls to the contact centre, with a token, made again where that makes sense.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::endpoints::{Endpoint, Site};
use crate::oauth::TokenSource;
use insights_http::{Answer, CallLimits, Transport};
use insights_http::{Deadline, Error};

/// The header that lets the server recognise a call it has already carried out.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// One call: what to do where, with which body.
#[derive(Clone)]
pub struct Request {
    method: Method,
    endpoint: Endpoint,
    body: Option<Vec<u8>>,
    idempotency_key: Option<String>,
}

impl std::fmt::Debug for Request {
    /// Without the body: it may hold a customer's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} {})", self.method, self.endpoint.template)
    }
}

impl Request {
    /// A call without a body.
    ///
    /// POST and PATCH get a random idempotency key, the same for each try of this request; whoever must send the same
    /// thing again after a crash sets its own with [`Request::idempotency_key`].
    #[must_use]
    pub fn new(method: Method, endpoint: Endpoint) -> Self {
        let drawn = matches!(method, Method::POST | Method::PATCH);
        let idempotency_key = drawn.then(|| uuid::Uuid::new_v4().to_string());
        Self {
            method,
            endpoint,
            body: None,
            idempotency_key,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(endpoint: Endpoint) -> Self {
        Self::new(Method::GET, endpoint)
    }

    /// A call with a JSON body.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the body cannot be written as JSON.
    pub fn json(method: Method, endpoint: Endpoint, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(body).map_err(|_| {
            Error::invalid(
                format!("the body for {}", endpoint.template),
                "it is no JSON",
            )
        })?;
        Ok(Self {
            body: Some(body),
            ..Self::new(method, endpoint)
        })
    }

    /// The same call with this idempotency key.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }
}

/// A client of one contact centre, for one system's scopes. Clones share the tokens, the connections and the breaker.
#[derive(Debug, Clone)]
pub struct CxoneClient {
    site: Site,
    tokens: Arc<TokenSource>,
    transport: Transport,
}

impl CxoneClient {
    /// A client at `site` with tokens from `tokens`.
    #[must_use]
    pub fn new(
        http: reqwest::Client,
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

    /// The same client with other limits, and with a breaker of its own.
    #[must_use]
    pub fn with_limits(self, limits: CallLimits) -> Self {
        Self {
            transport: self.transport.with_limits(limits),
            ..self
        }
    }

    /// Where this client's endpoints are.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Where its tokens come from.
    #[must_use]
    pub fn tokens(&self) -> &TokenSource {
        &self.tokens
    }

    /// Makes a call and reads its JSON answer.
    ///
    /// # Errors
    /// As [`CxoneClient::answer`], and [`Error::InvalidResponse`] if the body is not a `T`.
    pub async fn send<T: DeserializeOwned>(
        &self,
        request: Request,
        deadline: Deadline,
    ) -> Result<T, Error> {
        self.answer(request, deadline).await?.json()
    }

    /// Makes a call whose answer has no body worth reading (204).
    ///
    /// # Errors
    /// As [`CxoneClient::answer`].
    pub async fn send_unit(&self, request: Request, deadline: Deadline) -> Result<(), Error> {
        self.answer(request, deadline).await.map(drop)
    }

    /// Makes a call and returns its successful answer.
    ///
    /// A 401 invalidates the token, gets a new one and tries once more.
    ///
    /// # Errors
    /// [`Error`], as its variants say; any status but 2xx is an error.
    pub async fn answer(&self, request: Request, deadline: Deadline) -> Result<Answer, Error> {
        let span = tracing::debug_span!("cxone", method = %request.method, endpoint = request.endpoint.template);
        self.authorised(&request, deadline).instrument(span).await
    }

    async fn authorised(&self, request: &Request, deadline: Deadline) -> Result<Answer, Error> {
        let token = self.tokens.token(deadline).await?;
        let answer = self.call(request, &token, deadline).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return success(answer, request.endpoint.scope);
        }
        tracing::debug!("token refused, getting a new one");
        self.tokens.invalidate(&token).await;
        let token = self.tokens.token(deadline).await?;
        let answer = self.call(request, &token, deadline).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.tokens.invalidate(&token).await;
        }
        success(answer, request.endpoint.scope)
    }

    async fn call(
        &self,
        request: &Request,
        token: &crate::oauth::AccessToken,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        self.transport
            .call(request.endpoint.template, deadline, |http| {
                let mut builder = http
                    .request(request.method.clone(), request.endpoint.url.clone())
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
            })
            .await
    }
}

/// Turns a final status into the caller's decision.
fn success(answer: Answer, needed: &'static str) -> Result<Answer, Error> {
    let endpoint = answer.endpoint.clone();
    match answer.status.as_u16() {
        200..=299 => Ok(answer),
        401 => Err(Error::Unauthorized { endpoint }),
        403 => Err(Error::Forbidden {
            endpoint,
            scope: missing_scope(&answer.body, needed),
        }),
        404 => Err(Error::NotFound { endpoint }),
        status => Err(Error::Rejected { endpoint, status }),
    }
}

/// The scope that a 403 names, if it names one that looks like a scope; else the one that the route needs.
pub(crate) fn missing_scope(body: &[u8], needed: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Refusal {
        #[serde(
            alias = "missing_scope",
            alias = "requiredScope",
            alias = "required_scope"
        )]
        scope: Option<String>,
    }
    let named = serde_json::from_slice::<Refusal>(body)
        .ok()
        .and_then(|refusal| refusal.scope);
    let plausible = |scope: &String| {
        (1..=200).contains(&scope.len())
            && scope
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b":-_. ".contains(&byte))
    };
    named.filter(plausible).unwrap_or_else(|| needed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::missing_scope;

    #[test]
    fn a_refusal_names_the_scope_of_its_body_or_of_the_route() {
        let cases: [(&[u8], &str); 6] = [
            (br#"{"scope": "chat:write"}"#, "chat:write"),
            (br#"{"error": "x", "requiredScope": "a:b c:d"}"#, "a:b c:d"),
            (br#"{"scope": "<script>"}"#, "needed:one"),
            (br#"{"scope": ""}"#, "needed:one"),
            (br#"{"scope": 7}"#, "needed:one"),
            (b"<html>", "needed:one"),
        ];
        for (body, scope) in cases {
            assert_eq!(missing_scope(body, "needed:one"), scope);
        }
    }
}
