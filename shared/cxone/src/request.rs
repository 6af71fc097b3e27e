//! One request to the contact center: what to do where, with which body.

use http::Method;
use serde::Serialize;

use crate::endpoints::Endpoint;
use crate::error::Error;

/// The header by which a server recognizes a request that it has already carried out.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A request to an endpoint, without the token.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) endpoint: Endpoint,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) idempotency_key: Option<String>,
}

impl std::fmt::Debug for Request {
    /// Leaves out the body, which may hold a customer's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} {})", self.method, self.endpoint.template())
    }
}

impl Request {
    /// Builds a request without a body.
    ///
    /// A POST or PATCH gets a random idempotency key, the same for each attempt of this request. A caller that has to send the
    /// same thing again after a crash sets its own key with [`Request::idempotency_key`].
    #[must_use]
    pub fn new(method: Method, endpoint: Endpoint) -> Self {
        Self {
            idempotency_key: random_key(&method),
            method,
            endpoint,
            body: None,
        }
    }

    /// Builds a GET request.
    #[must_use]
    pub fn get(endpoint: Endpoint) -> Self {
        Self::new(Method::GET, endpoint)
    }

    /// Builds a request with a JSON body.
    ///
    /// # Errors
    /// [`insights_http::Error::Invalid`] if the body cannot be written as JSON.
    pub fn json(method: Method, endpoint: Endpoint, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(body).map_err(|error| {
            let what = format!("the body for {}", endpoint.template());
            insights_http::Error::invalid_with_cause(what, "it cannot be written as JSON", error)
        })?;
        Ok(Self {
            body: Some(body),
            ..Self::new(method, endpoint)
        })
    }

    /// Returns the same request with this idempotency key.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Returns a new request with the same method and body to another endpoint.
    pub(crate) fn to_endpoint(&self, endpoint: Endpoint) -> Self {
        Self {
            method: self.method.clone(),
            endpoint,
            body: self.body.clone(),
            idempotency_key: random_key(&self.method),
        }
    }
}

fn random_key(method: &Method) -> Option<String> {
    let needs_key = matches!(*method, Method::POST | Method::PATCH);
    needs_key.then(|| uuid::Uuid::new_v4().to_string())
}
