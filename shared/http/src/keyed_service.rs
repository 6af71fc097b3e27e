//! JSON services that are called with a bearer key, such as a sentiment service or an embeddings API.

use std::sync::Arc;

use http::StatusCode;
use http::header::AUTHORIZATION;
use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use crate::answer::Answer;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exchange::HttpClient;
use crate::secret::{Freshness, SecretSource, bearer_header, read_secret};
use crate::transport::{CallLimits, Transport};

/// A client of one endpoint that takes JSON with a bearer key. Clones share the connections and the circuit breaker.
///
/// # Examples
/// ```no_run
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use insights_http::client::{IdleConnections, build_client};
/// use insights_http::keyed_service::KeyedService;
/// use insights_http::secret::FixedSecret;
/// use insights_http::url::parse_url;
/// use insights_http::{Deadline, Error, CallLimits};
/// use secrecy::SecretString;
///
/// # async fn example() -> Result<(), Error> {
/// let service = KeyedService::new(
///     build_client(IdleConnections::default())?,
///     parse_url("the URL of the translator", "https://translate.example.com/v1/text")?,
///     "the key of the translator",
///     Arc::new(FixedSecret(SecretString::from("secret"))),
///     CallLimits::default(),
/// );
/// let body = serde_json::json!({ "text": "good morning" });
/// let answer = service.post(&body, Deadline::within(Duration::from_secs(5))).await?;
/// let translated: String = answer.json()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KeyedService {
    url: Url,
    key_name: &'static str,
    key: Arc<dyn SecretSource<SecretString>>,
    transport: Transport,
}

impl std::fmt::Debug for KeyedService {
    /// Shows the URL, never the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyedService({})", self.url)
    }
}

impl KeyedService {
    /// Creates a client that posts to `url` with the key from `key`, which errors call `key_name`.
    #[must_use]
    pub fn new(
        http: impl Into<HttpClient>,
        url: Url,
        key_name: &'static str,
        key: Arc<dyn SecretSource<SecretString>>,
        limits: CallLimits,
    ) -> Self {
        Self {
            url,
            key_name,
            key,
            transport: Transport::new(http, limits),
        }
    }

    /// Returns the URL that is called.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Posts a body as JSON and returns the answer, whose status is a success (2xx).
    ///
    /// A key that was refused (401) is read again once, past every cache, in case it was rotated.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] for 401 and 403, [`Error::NotFound`] for 404, [`Error::Rejected`] for any other status
    /// that no retry would change, and [`Error`] as its other variants say.
    pub async fn post(&self, body: &impl Serialize, deadline: Deadline) -> Result<Answer, Error> {
        let answer = self
            .post_with_key(body, Freshness::Cached, deadline)
            .await?;
        let answer = match answer.status {
            StatusCode::UNAUTHORIZED => {
                self.post_with_key(body, Freshness::Bypass, deadline)
                    .await?
            }
            _ => answer,
        };
        let endpoint = answer.endpoint.clone();
        match answer.status.as_u16() {
            200..=299 => Ok(answer),
            401 | 403 => Err(Error::Unauthorized { endpoint }),
            404 => Err(Error::NotFound { endpoint }),
            status => Err(Error::Rejected { endpoint, status }),
        }
    }

    async fn post_with_key(
        &self,
        body: &impl Serialize,
        freshness: Freshness,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        let endpoint = self.url.path();
        let reading = read_secret(&*self.key, self.key_name, freshness);
        let deadline_exceeded = || Error::DeadlineExceeded {
            endpoint: endpoint.to_owned(),
        };
        let key = deadline
            .bound(reading)
            .await
            .ok_or_else(deadline_exceeded)??;
        let header = bearer_header(&key)
            .ok_or_else(|| Error::invalid(self.key_name, "a header cannot carry it"))?;
        self.transport
            .call(endpoint, deadline, |http| {
                http.post(self.url.clone())
                    .header(AUTHORIZATION, header.clone())
                    .json(body)
            })
            .await
    }
}
