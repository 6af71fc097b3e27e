//! One call made of as many attempts as it takes: circuit breaker, retry and deadline around the HTTP client.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use insights_core::WithCauses;
use tracing::debug;

use crate::answer::Answer;
use crate::breaker::{BreakerConfig, CallGuard, EndpointBreakers, Verdict};
use crate::client::{BodyError, read_body};
use crate::deadline::Deadline;
use crate::error::{AttemptFailure, Error};
use crate::exchange::HttpClient;
use crate::rate_limit::RateLimiter;
use crate::retry::{Decision, RetryClass, RetryPolicy, is_transient, parse_retry_after};

/// What bounds a call beside its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// When a failed attempt is made again.
    pub retry: RetryPolicy,
    /// When an endpoint is not called any more for a while.
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

/// An HTTP client for one server, with the limits of its calls and a circuit breaker for each of its endpoints.
///
/// Clones share the connections, the breakers and the pace.
#[derive(Debug, Clone)]
pub struct Transport {
    http: HttpClient,
    limits: CallLimits,
    breakers: EndpointBreakers,
    pace: Option<Arc<RateLimiter>>,
}

/// How one attempt failed: what that means for the next one and for the breaker, and the error if it was the last.
struct FailedAttempt {
    class: RetryClass,
    verdict: Verdict,
    error: Error,
}

impl Transport {
    /// Builds a transport with circuit breakers of its own, and without a pace.
    #[must_use]
    pub fn new(http: impl Into<HttpClient>, limits: CallLimits) -> Self {
        Self {
            http: http.into(),
            limits,
            breakers: EndpointBreakers::new(limits.breaker),
            pace: None,
        }
    }

    /// Returns a transport over the same HTTP client with other limits and circuit breakers of its own.
    #[must_use]
    pub fn with_limits(self, limits: CallLimits) -> Self {
        Self {
            limits,
            breakers: EndpointBreakers::new(limits.breaker),
            ..self
        }
    }

    /// Returns the same transport with a pace: every attempt takes a turn of it, retries too, and the first 429 of any call
    /// pauses all of them.
    #[must_use]
    pub fn with_pace(self, pace: Arc<RateLimiter>) -> Self {
        Self {
            pace: Some(pace),
            ..self
        }
    }

    /// Makes the call that `build` describes until it is answered, refused, or out of time.
    ///
    /// `endpoint` names the call in logs and errors. With the method it also says which circuit breaker the call has, so it
    /// must be a template and never hold an identifier. Statuses other than 429, 500, 502, 503 and 504 come back as an
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
            let request = build(self.http.requests())
                .timeout(self.limits.attempt_timeout)
                .build()
                .map_err(|error| unbuildable(endpoint, error))?;
            let guard = self.admit(endpoint, request.method(), deadline).await?;
            self.wait_for_turn(endpoint, deadline).await?;
            tries += 1;
            let failed = match self.attempt(endpoint, deadline, request).await {
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
            let random = rand::random();
            if let (RetryClass::RateLimited(asked), Some(pace)) = (failed.class, &self.pace) {
                let policy = &self.limits.retry;
                let wait = match asked {
                    Some(asked) => policy.asked_wait(asked, tries, random),
                    None => policy.rate_limited.delay(tries, random),
                };
                pace.pause_until(tokio::time::Instant::now() + wait);
            }
            match self
                .limits
                .retry
                .decide(tries, failed.class, remaining, random)
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

    /// Asks the breaker of the endpoint for the permit to make one attempt, and waits for it if the policy says so.
    async fn admit(
        &self,
        endpoint: &str,
        method: &http::Method,
        deadline: Deadline,
    ) -> Result<CallGuard, Error> {
        let breaker = self.breakers.breaker(method, endpoint);
        loop {
            if deadline.has_passed() {
                return Err(deadline_exceeded(endpoint));
            }
            let retry_after = match breaker.admit() {
                Ok(guard) => return Ok(guard),
                Err(retry_after) => retry_after,
            };
            let remaining = deadline.remaining();
            match self
                .limits
                .retry
                .decide_on_open_breaker(retry_after, remaining, rand::random())
            {
                Decision::Wait(wait) => tokio::time::sleep(wait).await,
                Decision::Stop => {
                    return Err(Error::CircuitOpen {
                        endpoint: endpoint.to_owned(),
                        retry_after,
                    });
                }
            }
        }
    }

    async fn wait_for_turn(&self, endpoint: &str, deadline: Deadline) -> Result<(), Error> {
        match &self.pace {
            Some(pace) => pace
                .acquire(deadline)
                .await
                .map_err(|_| deadline_exceeded(endpoint)),
            None => Ok(()),
        }
    }

    async fn attempt(
        &self,
        endpoint: &str,
        deadline: Deadline,
        request: reqwest::Request,
    ) -> Result<Answer, FailedAttempt> {
        let until = deadline.or_within(self.limits.attempt_timeout);
        let exchange = async {
            let response = self.http.send(request).await?;
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
                headers,
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
            error: unbuildable(endpoint, error),
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

fn unbuildable(endpoint: &str, error: reqwest::Error) -> Error {
    Error::invalid_with_cause(
        format!("the request to {endpoint}"),
        "it cannot be built",
        error.without_url(),
    )
}

fn deadline_exceeded(endpoint: &str) -> Error {
    Error::DeadlineExceeded {
        endpoint: endpoint.to_owned(),
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
        error: deadline_exceeded(endpoint),
    }
}
