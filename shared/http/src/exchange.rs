//! What carries HTTP requests to a server and brings its answers back.
//!
//! That is a connection of [`reqwest`] in the running product. A simulation puts an [`HttpExchange`] in its place, so that
//! the product's own retries, breakers and deadlines run against a server, a network and a clock that follow one seed.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::client::BodyError;
use crate::error::SharedCause;

/// A stand-in for the network: takes one request, and returns the answer or says why no answer came.
pub trait HttpExchange: std::fmt::Debug + Send + Sync + 'static {
    /// Carries out one request.
    ///
    /// # Errors
    /// The reason why there is no answer, as a broken or refused connection would be.
    fn execute(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, SharedCause>>;
}

/// An HTTP client: builds requests, and sends them over the network or to its stand-in. Clones share the connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    requests: reqwest::Client,
    stand_in: Option<Arc<dyn HttpExchange>>,
}

impl HttpClient {
    /// Returns the same client with a stand-in for the network.
    #[must_use]
    pub fn with_exchange(self, exchange: Arc<dyn HttpExchange>) -> Self {
        Self {
            stand_in: Some(exchange),
            ..self
        }
    }

    /// Returns the client with which requests are built.
    #[must_use]
    pub fn requests(&self) -> &reqwest::Client {
        &self.requests
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// [`BodyError::Broken`] from the network, and [`BodyError::NoAnswer`] from its stand-in.
    pub async fn send(&self, request: reqwest::Request) -> Result<reqwest::Response, BodyError> {
        match &self.stand_in {
            None => self
                .requests
                .execute(request)
                .await
                .map_err(BodyError::Broken),
            Some(exchange) => exchange.execute(request).await.map_err(BodyError::NoAnswer),
        }
    }
}

impl From<reqwest::Client> for HttpClient {
    fn from(requests: reqwest::Client) -> Self {
        Self {
            requests,
            stand_in: None,
        }
    }
}
