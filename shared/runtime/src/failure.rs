//! The one place where failures meet the outside: an HTTP status and a public code and message, apart from the internal
//! cause, which is logged and never sent.

use std::time::Duration;

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use insights_core::WithCauses;
use serde_json::json;

use crate::http::response::{Response, with_json_text};

/// A failed request as the caller sees it, with its internal cause.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    retryable: bool,
    retry_after: Option<Duration>,
    cause: Option<anyhow::Error>,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retryable: false,
            retry_after: None,
            cause: None,
        }
    }

    /// Builds a 400: what the caller sent is wrong. The message says what, where, and what is allowed; it never repeats the text.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Builds a 401 for a caller without the right API key.
    #[must_use]
    pub fn unauthorized() -> Self {
        let message = "send the API key as 'Authorization: Bearer KEY' or 'x-api-key: KEY'";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// Builds a 401 with the reason why a proof other than the API key was refused.
    pub fn invalid_credentials(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// Builds a 403 for a caller whose key is right and may not do this. Nothing is said of other keys.
    #[must_use]
    pub fn missing_scope(scope: &str) -> Self {
        let message = format!("this API key does not have the scope `{scope}`");
        Self::new(StatusCode::FORBIDDEN, "missing_scope", message)
    }

    /// Builds a 403: the request is not allowed, whoever sends it.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// Builds a 404: there is nothing at this path or with this identifier.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// Builds a 405: the path exists, and does not take this method.
    #[must_use]
    pub fn method_not_allowed(allowed: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("allowed here: {allowed}"),
        )
    }

    /// Builds a 409: the request contradicts what is stored, or repeats what was done.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// Builds a 413: the body has more bytes than the limit.
    #[must_use]
    pub fn too_large(limit_bytes: usize) -> Self {
        let message = format!("the body may have at most {limit_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", message)
    }

    /// Builds a 415: the content type is none of the allowed ones.
    #[must_use]
    pub fn unsupported_media_type(allowed: &str) -> Self {
        let message = format!("content-type must be {allowed}");
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        )
    }

    /// Builds a 422: the request is well-formed and cannot be processed, now or later.
    pub fn unprocessable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    /// Builds a 502 that is not retryable: a service behind refuses this function until an operator changes something.
    pub fn provider_refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, code, message)
    }

    /// Builds a 429: too many requests came at once; the caller may try again after the given time.
    #[must_use]
    pub fn too_many_requests(retry_after: Duration) -> Self {
        let mut failure = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "too many requests at once, try again",
        );
        (failure.retryable, failure.retry_after) = (true, Some(retry_after));
        failure
    }

    /// Builds a 502: a service behind answered something that cannot be used; the same call may work later.
    pub fn bad_gateway(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            retryable: true,
            ..Self::new(StatusCode::BAD_GATEWAY, code, message)
        }
    }

    /// Builds a 503: the function cannot answer for now; the same call may work later.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            retryable: true,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
        }
    }

    /// Builds a 503 for an answer that is not ready when the caller gives up.
    #[must_use]
    pub fn deadline_exceeded() -> Self {
        Self::unavailable("deadline_exceeded", "the answer was not ready in time")
    }

    /// Builds a 500: the fault is on our side. The cause is logged, the caller learns nothing of it.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something went wrong on our side",
        )
        .with_cause(cause)
    }

    /// Returns the same failure with its internal cause, for the log.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Returns the same failure with a time after which to try again, sent as `Retry-After` in whole seconds.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Returns the HTTP status of the reply.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the public code, e.g. `invalid_text`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Returns the message that the caller sees.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns whether the caller may send the same again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// Builds the reply `{"error": {"code", "message", "retryable"}}`. Logs the cause of what is our fault or a service's.
    #[must_use]
    pub fn into_response(self) -> Response {
        let (status, code) = (self.status.as_u16(), self.code);
        match &self.cause {
            Some(cause) if self.status.is_server_error() => {
                tracing::error!(status, code, cause = %WithCauses(cause.as_ref()), "the request failed");
            }
            Some(cause) => {
                tracing::info!(status, code, cause = %WithCauses(cause.as_ref()), "the request was refused")
            }
            None => tracing::info!(status, code, "the request was refused"),
        }
        let error =
            json!({ "code": self.code, "message": self.message, "retryable": self.retryable });
        let mut response = with_json_text(self.status, json!({ "error": error }).to_string());
        let headers = response.headers_mut();
        if let Some(after) = self.retry_after {
            let seconds = after.as_millis().div_ceil(1000).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn the_caller_learns_the_code_but_never_the_cause() {
        let cause = anyhow::anyhow!("password is hunter2").context("store is down");
        let response = Failure::unavailable("store_unavailable", "try again")
            .with_cause(cause)
            .into_response();
        assert_eq!(response.status(), 503);
        let expected =
            r#"{"error":{"code":"store_unavailable","message":"try again","retryable":true}}"#;
        assert_eq!(response.body(), expected);
    }

    #[test]
    fn the_whole_chain_of_causes_is_kept_for_the_log() {
        let error = Err::<(), _>(std::io::Error::other("disk"));
        let error = error
            .context("cannot write")
            .context("cannot archive")
            .unwrap_err();
        assert_eq!(
            WithCauses(error.as_ref()).to_string(),
            "cannot archive: cannot write: disk"
        );
    }

    #[test]
    fn a_time_to_wait_is_sent_in_whole_seconds_rounded_up() {
        let response = Failure::too_many_requests(Duration::from_millis(1200)).into_response();
        assert_eq!(response.headers()["retry-after"], "2");
    }
}
