//! One call made of as many attempts as it takes: circuit breaker, retry and deadline around the HTTP client.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use insights_core::WithCauses;
use tracing::debug;

use crate::answer::Answer;
use crate::breaker::{BreakerConfig, SharedBreaker, Verdict};
use crate::client::{BodyError, read_body};
use crate::deadline::Deadline;
use crate::error::{AttemptFailure, Error};
use crate::exchange::HttpClient;
use crate::retry::{Decision, RetryClass, RetryPolicy, is_transient, parse_retry_after};

/// What bounds a call beside its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// When a failed attempt is made again.
    pub retry: RetryPolicy,
    /// When the server is not called any more for a while.
    pub breaker: BreakerConfig,
    /// Longest time that one attempt may take; what is left of the deadline if that is less.
    pub attempt_timeout: Duration,
    /// Largest size of an answer in bytes.
    pub max_answer_bytes: usize,
}

impl Default for CallLimits {
    /// The default retries and breaker, 10 s an attempt, and answers of at most 16 MiB (a long transcript has under one).
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            breaker: BreakerConfig::default(),
            attempt_timeout: Duration::from_secs(10),
            max_answer_bytes: 16 << 20,
        }
    }
}

/// An HTTP client for one server, with the limits of its calls and the server's circuit breaker.
///
/// Clones share the connections and the breaker.
#[derive(Debug, Clone)]
pub struct Transport {
    http: HttpClient,
    limits: CallLimits,
    breaker: SharedBreaker,
}

/// How one attempt failed: what that means for the next one and for the breaker, and the error if it was the last.
struct FailedAttempt {
    class: RetryClass,
    verdict: Verdict,
    error: Error,
}

impl Transport {
    /// Builds a transport with a circuit breaker of its own.
    #[must_use]
    pub fn new(http: impl Into<HttpClient>, limits: CallLimits) -> Self {
        Self {
            http: http.into(),
            limits,
            breaker: SharedBreaker::new(limits.breaker),
        }
    }

    /// Returns a transport over the same HTTP client with other limits and a circuit breaker of its own.
    #[must_use]
    pub fn with_limits(self, limits: CallLimits) -> Self {
        Self::new(self.http, limits)
    }

    /// Makes the call that `build` describes until it is answered, refused, or out of time.
    ///
    /// `endpoint` names the call in logs and errors. Statuses other than 429, 500, 502, 503 and 504 come back as an
    /// [`Answer`].
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
            let guard = self
                .breaker
                .admit()
                .map_err(|retry_after| Error::CircuitOpen {
                    endpoint: endpoint.to_owned(),
                    retry_after,
                })?;
            tries += 1;
            let failed = match self
                .attempt(endpoint, deadline, build(self.http.requests()))
                .await
            {
                Ok(answer) => {
                    let is_broken = answer.status.is_server_error();
                    guard.finish(if is_broken {
                        Verdict::Failed
                    } else {
                        Verdict::Alive
                    });
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            guard.finish(failed.verdict);
            let remaining = deadline.remaining();
            match self
                .limits
                .retry
                .decide(tries, failed.class, remaining, rand::random())
            {
                Decision::Stop => return Err(failed.error),
                Decision::Wait(wait) => {
                    debug!(
                        endpoint,
                        attempt = tries,
                        wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                        cause = %WithCauses(&failed.error),
                        "the call failed and is tried again"
                    );
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
    ) -> Result<Answer, FailedAttempt> {
        let until = deadline.or_within(self.limits.attempt_timeout);
        let exchange = async {
            let response = self
                .http
                .send(request.timeout(self.limits.attempt_timeout))
                .await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = read_body(response, self.limits.max_answer_bytes).await?;
            Ok((status, headers, body))
        };
        let (status, headers, body) = match until.bound(exchange).await {
            Some(Ok(parts)) => parts,
            Some(Err(error)) => return Err(failed_exchange(endpoint, deadline, error)),
            None => return Err(timed_out(endpoint, deadline)),
        };
        match status.as_u16() {
            429 => {
                let value = headers
                    .get(RETRY_AFTER)
                    .and_then(|value| value.to_str().ok());
                let retry_after =
                    value.and_then(|value| parse_retry_after(value, SystemTime::now()));
                Err(FailedAttempt {
                    class: RetryClass::RateLimited(retry_after),
                    verdict: Verdict::Alive,
                    error: Error::RateLimited {
                        endpoint: endpoint.to_owned(),
                        retry_after,
                    },
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

fn failed_exchange(endpoint: &str, deadline: Deadline, error: BodyError) -> FailedAttempt {
    match error {
        BodyError::TooLarge(limit) => FailedAttempt {
            class: RetryClass::Final,
            verdict: Verdict::Alive,
            error: Error::invalid_response(endpoint, format!("it is longer than {limit} bytes")),
        },
        BodyError::NoAnswer(cause) => unavailable(endpoint, AttemptFailure::Connection(cause)),
        BodyError::Broken(error) if error.is_builder() => FailedAttempt {
            class: RetryClass::Final,
            verdict: Verdict::Unknown,
            error: Error::invalid_with_cause(
                format!("the request to {endpoint}"),
                "it cannot be built",
                error.without_url(),
            ),
        },
        BodyError::Broken(error) if error.is_timeout() && !error.is_connect() => {
            timed_out(endpoint, deadline)
        }
        BodyError::Broken(error) => unavailable(
            endpoint,
            AttemptFailure::Connection(Arc::new(error.without_url())),
        ),
    }
}

fn unavailable(endpoint: &str, failure: AttemptFailure) -> FailedAttempt {
    FailedAttempt {
        class: RetryClass::Failed,
        verdict: Verdict::Failed,
        error: Error::Unavailable {
            endpoint: endpoint.to_owned(),
            failure,
        },
    }
}

/// An attempt that was cut by the caller's deadline shows nothing about the server; one that had its full time does.
fn timed_out(endpoint: &str, deadline: Deadline) -> FailedAttempt {
    if !deadline.has_passed() {
        return unavailable(endpoint, AttemptFailure::Timeout);
    }
    FailedAttempt {
        class: RetryClass::Final,
        verdict: Verdict::Unknown,
        error: Error::DeadlineExceeded {
            endpoint: endpoint.to_owned(),
        },
    }
}
