//! The HTTP API of a deployment, as a caller with a key sees it.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use insights_core::backoff::BackoffPolicy;
use insights_http::breaker::BreakerConfig;
use insights_http::exchange::HttpClient;
use insights_http::retry::RetryPolicy;
use insights_http::url::parse_url;
use insights_http::{Answer, CallLimits, Deadline, Error, Transport};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use crate::outcome::{NotOk, one_line};

/// The name of the URL in errors.
const API_URL: &str = "the URL of the API";
/// Largest size of an answer in bytes; a search answers with at most 32 KB.
const MAX_ANSWER_BYTES: usize = 256 << 10;
/// Largest number of characters of an answer's code or version that is shown.
const MAX_SHOWN_CHARS: usize = 64;
/// Longest time of one attempt: the slowest route answers within 12 s.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// Number of attempts of a request, so that a single failure of the network is no failure of the deployment.
const MAX_ATTEMPTS: u32 = 3;

/// Parses the URL of an API, which may have a path.
///
/// # Errors
/// [`Error::Invalid`] unless it is an `https` URL without user, query and fragment; `http` is taken for this machine alone.
pub fn parse_api_url(text: &str) -> Result<Url, Error> {
    let url = parse_url(API_URL, text)?;
    let is_this_machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || is_this_machine {
        Ok(url)
    } else {
        let reason = "it must be https, since a key is sent, unless the host is this machine";
        Err(Error::invalid(API_URL, reason))
    }
}

/// A client of the HTTP API of a deployment, with the key of a caller.
#[derive(Clone)]
pub struct Api {
    base: Url,
    key: HeaderValue,
    transport: Transport,
}

impl std::fmt::Debug for Api {
    /// Shows the URL, never the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Api({})", self.base)
    }
}

/// A request to the API: its path below the URL of the API, and what it carries.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// The endpoint as results name it: the method and the template of the path.
    pub(crate) endpoint: &'static str,
    pub(crate) method: Method,
    pub(crate) path: Vec<&'a str>,
    pub(crate) query: Vec<(&'a str, &'a str)>,
    pub(crate) body: Option<Value>,
}

impl Api {
    /// Builds a client of the API at an URL of [`parse_api_url`].
    ///
    /// # Errors
    /// [`Error::Invalid`] if no header can carry the key.
    pub fn new(http: impl Into<HttpClient>, base: Url, key: &SecretString) -> Result<Self, Error> {
        let limits = CallLimits {
            retry: RetryPolicy {
                rate_limited: BackoffPolicy::RATE_LIMITED_CALL,
                failed: BackoffPolicy::FAILED_CALL,
                max_attempts: MAX_ATTEMPTS,
                waits_out_breaker: false,
                lengthens_asked_waits: false,
            },
            // A check asks the server itself, however often it has failed.
            breaker: BreakerConfig {
                failures: u32::MAX,
                ..BreakerConfig::default()
            },
            attempt_timeout: ATTEMPT_TIMEOUT,
            max_answer_bytes: MAX_ANSWER_BYTES,
        };
        Ok(Self {
            base,
            key: key_header(key)?,
            transport: Transport::new(http, limits),
        })
    }

    /// Sends a request with the key.
    pub(crate) async fn send(
        &self,
        request: &Request<'_>,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        self.send_with(&self.key, request, deadline).await
    }

    /// Sends a request with a key that nobody has.
    pub(crate) async fn send_with_wrong_key(
        &self,
        request: &Request<'_>,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        let wrong = format!("{:032x}", rand::random::<u128>());
        let wrong = key_header(&SecretString::from(wrong))?;
        self.send_with(&wrong, request, deadline).await
    }

    async fn send_with(
        &self,
        key: &HeaderValue,
        request: &Request<'_>,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        let url = self.url(&request.path);
        self.transport
            .call(request.endpoint, deadline, |http| {
                let builder = http
                    .request(request.method.clone(), url.clone())
                    .header("x-api-key", key.clone())
                    .query(&request.query);
                match &request.body {
                    Some(body) => builder.json(body),
                    None => builder,
                }
            })
            .await
    }

    /// Returns the URL of a path below the URL of the API.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // An http URL always has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

/// Builds the header of a key, marked as sensitive so that it is not printed.
fn key_header(key: &SecretString) -> Result<HeaderValue, Error> {
    let key = key.expose_secret().trim();
    let header = HeaderValue::from_str(key)
        .ok()
        .filter(|_| !key.is_empty() && key.is_ascii());
    let mut header =
        header.ok_or_else(|| Error::invalid("the API key", "a header cannot carry it"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Checks the status of an answer. The result names a wrong status with the code of the answer's error, and without its message.
///
/// # Errors
/// That the check has failed.
pub(crate) fn require_status(answer: &Answer, expected: StatusCode) -> Result<(), NotOk> {
    if answer.status == expected {
        return Ok(());
    }
    #[derive(Deserialize)]
    struct ErrorReply {
        error: ErrorFields,
    }
    #[derive(Deserialize)]
    struct ErrorFields {
        code: String,
    }
    let code = answer.json::<ErrorReply>().ok();
    let code = code.map(|reply| format!(" ({})", one_line(&reply.error.code, MAX_SHOWN_CHARS)));
    Err(NotOk::Failed(format!(
        "{} answered {}{} and not {}",
        answer.endpoint,
        answer.status.as_u16(),
        code.unwrap_or_default(),
        expected.as_u16()
    )))
}

/// Returns a value of an answer as far as it is shown.
pub(crate) fn shown(value: &str) -> String {
    one_line(value, MAX_SHOWN_CHARS)
}
