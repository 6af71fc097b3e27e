//! One call made of as many tries as it takes: breaker, retry and deadline around the HTTP client.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde::de::DeserializeOwned;
use tracing::debug;

use crate::breaker::{BreakerConfig, SharedBreaker, Verdict};
use crate::client::{BodyError, read_body};
use crate::retry::{Decision, RetryClass, RetryPolicy, is_transient, parse_retry_after};
use crate::{AttemptFailure, Deadline, Error, WithCauses};

/// What bounds a call beside its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// When a try is made again.
    pub retry: RetryPolicy,
    /// When the host is left alone.
    pub breaker: BreakerConfig,
    /// How long one try may take; what is left of the deadline if that is less.
    pub try_timeout: Duration,
    /// The largest answer in bytes.
    pub max_answer: usize,
}

impl Default for CallLimits {
    /// The contract's retry and breaker; 10 s a try; answers of at most 16 MiB (a long transcript has under one).
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            breaker: BreakerConfig::default(),
            try_timeout: Duration::from_secs(10),
            max_answer: 16 << 20,
        }
    }
}

/// An answer with a status that no retry would change.
#[derive(Clone)]
pub struct Answer {
    /// The endpoint that answered, as logs and errors name it.
    pub endpoint: String,
    /// The status.
    pub status: StatusCode,
    /// The body, complete.
    pub body: Bytes,
}

impl std::fmt::Debug for Answer {
    /// Without the body: it may hold a token or a customer's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Answer({}, {}, {} bytes)",
            self.endpoint,
            self.status,
            self.body.len()
        )
    }
}

impl Answer {
    /// The body as a `T`.
    ///
    /// # Errors
    /// [`Error::InvalidResponse`] with the place in the body, not its content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // serde's own words may quote the value; where and what kind is enough to find it.
            let kind = match error.classify() {
                serde_json::error::Category::Data => "the JSON has not the expected shape",
                _ => "it is not JSON",
            };
            let (line, column) = (error.line(), error.column());
            Error::response(
                &self.endpoint,
                format!("{kind} (line {line}, column {column})"),
            )
        })
    }
}

/// The HTTP client with its limits and the host's breaker.
#[derive(Debug, Clone)]
pub struct Transport {
    http: reqwest::Client,
    limits: CallLimits,
    gate: SharedBreaker,
    random: fn() -> f64,
}

/// How one try failed: what it means for the next one, for the breaker, and for the caller if it was the last.
struct Failed {
    trouble: RetryClass,
    verdict: Verdict,
    error: Error,
}

impl Transport {
    /// A transport with a circuit breaker of its own.
    #[must_use]
    pub fn new(http: reqwest::Client, limits: CallLimits) -> Self {
        Self {
            http,
            limits,
            gate: SharedBreaker::new(limits.breaker),
            random: rand::random::<f64>,
        }
    }

    /// The same HTTP client with other limits and a circuit breaker of its own.
    #[must_use]
    pub fn with_limits(self, limits: CallLimits) -> Self {
        Self::new(self.http, limits)
    }

    /// Makes the call that `build` describes until it is answered, refused, or out of time.
    ///
    /// Statuses other than 429, 500, 502, 503 and 504 come back as an [`Answer`].
    ///
    /// # Errors
    /// [`Error`], as its variants say.
    pub async fn call(
        &self,
        endpoint: &str,
        deadline: Deadline,
        build: impl Fn(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> Result<Answer, Error> {
        let mut tries = 0;
        loop {
            if deadline.has_passed() {
                return Err(Error::DeadlineExceeded {
                    endpoint: endpoint.to_owned(),
                });
            }
            let pass = self
                .gate
                .enter()
                .map_err(|retry_after| Error::CircuitOpen {
                    endpoint: endpoint.to_owned(),
                    retry_after,
                })?;
            tries += 1;
            let Failed {
                trouble,
                verdict,
                error,
            } = match self.attempt(endpoint, deadline, build(&self.http)).await {
                Ok(answer) => {
                    let broken = answer.status.is_server_error();
                    pass.end(if broken {
                        Verdict::Failed
                    } else {
                        Verdict::Alive
                    });
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            pass.end(verdict);
            match self
                .limits
                .retry
                .decide(tries, trouble, deadline.remaining(), (self.random)())
            {
                Decision::Stop => return Err(error),
                Decision::Wait(wait) => {
                    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                    debug!(endpoint, tries, wait_ms, reason = %WithCauses(&error), "call failed, trying again");
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    async fn attempt(
        &self,
        endpoint: &str,
        deadline: Deadline,
        request: reqwest::RequestBuilder,
    ) -> Result<Answer, Failed> {
        let until = deadline.or_within(self.limits.try_timeout);
        let exchange = async {
            let response = request
                .timeout(self.limits.try_timeout)
                .send()
                .await
                .map_err(BodyError::Broken)?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok((
                status,
                headers,
                read_body(response, self.limits.max_answer).await?,
            ))
        };
        let (status, headers, body) = match until.bound(exchange).await {
            Some(Ok(parts)) => parts,
            Some(Err(BodyError::TooLarge(limit))) => {
                let error = Error::response(endpoint, format!("it is longer than {limit} bytes"));
                return Err(Failed {
                    trouble: RetryClass::Final,
                    verdict: Verdict::Alive,
                    error,
                });
            }
            Some(Err(BodyError::Broken(error))) if error.is_builder() => {
                let error =
                    Error::invalid(format!("the request to {endpoint}"), "it cannot be built");
                return Err(Failed {
                    trouble: RetryClass::Final,
                    verdict: Verdict::Unknown,
                    error,
                });
            }
            Some(Err(BodyError::Broken(error))) if error.is_timeout() && !error.is_connect() => {
                return Err(timed_out(endpoint, deadline));
            }
            Some(Err(BodyError::Broken(error))) => {
                let failure = AttemptFailure::Connection(Arc::new(error.without_url()));
                return Err(unavailable(endpoint, failure));
            }
            None => return Err(timed_out(endpoint, deadline)),
        };
        match status.as_u16() {
            429 => {
                let value = headers
                    .get(RETRY_AFTER)
                    .and_then(|value| value.to_str().ok());
                let retry_after =
                    value.and_then(|value| parse_retry_after(value, SystemTime::now()));
                let error = Error::RateLimited {
                    endpoint: endpoint.to_owned(),
                    retry_after,
                };
                Err(Failed {
                    trouble: RetryClass::RateLimited(retry_after),
                    verdict: Verdict::Alive,
                    error,
                })
            }
            code if is_transient(code) => Err(unavailable(endpoint, AttemptFailure::Status(code))),
            _ => Ok(Answer {
                endpoint: endpoint.to_owned(),
                status,
                body,
            }),
        }
    }
}

fn unavailable(endpoint: &str, failure: AttemptFailure) -> Failed {
    let error = Error::Unavailable {
        endpoint: endpoint.to_owned(),
        failure,
    };
    Failed {
        trouble: RetryClass::Failed,
        verdict: Verdict::Failed,
        error,
    }
}

/// A try that was cut by the caller's deadline says nothing about the server; one that had its full time does.
fn timed_out(endpoint: &str, deadline: Deadline) -> Failed {
    if deadline.has_passed() {
        let error = Error::DeadlineExceeded {
            endpoint: endpoint.to_owned(),
        };
        return Failed {
            trouble: RetryClass::Final,
            verdict: Verdict::Unknown,
            error,
        };
    }
    unavailable(endpoint, AttemptFailure::Timeout)
}
