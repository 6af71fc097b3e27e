//! The Lambda runtime: starts a function's process, serves HTTP functions and event functions, and reports failures.

use std::future::Future;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use insights_core::WithCauses;
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::config::Env;
use crate::failure::Failure;
use crate::http::caller_name::CallerName;
use crate::http::event::{EventError, PayloadFormat, ReplyEvent, read_request};
use crate::http::request::{REQUEST_ID, Request, RequestExt};
use crate::http::response::Response;
pub use crate::invocation::Invocation;
use crate::process::ProcessSettings;
use crate::{metrics, telemetry};

/// Time kept back from Lambda's deadline for writing the reply and the metrics.
const REPLY_MARGIN: Duration = Duration::from_millis(100);

/// Time kept back from Lambda's deadline by functions that a caller waits for: the caller's limit is often Lambda's, and its reply is
/// still on its way when Lambda is done.
const HTTP_REPLY_MARGIN: Duration = Duration::from_millis(500);

/// Emulators send small constants instead of a deadline; any value below this one, in milliseconds since the epoch, means that
/// there is no deadline. Real deadlines passed this value in 1973.
const SMALLEST_DEADLINE_MS: u64 = 100_000_000_000;

/// Time limit of an invocation whose runtime sends no deadline: `cargo lambda watch` (1.9) sends the same constant for every
/// invocation. `EMULATED_TIMEOUT_SECONDS`, default 600.
static EMULATED_TIMEOUT: OnceLock<Duration> = OnceLock::new();
const DEFAULT_EMULATED_TIMEOUT: Duration = Duration::from_secs(600);

/// Runs a function's process: starts telemetry and metrics, then awaits `start`, which builds the dependencies and calls
/// [`serve_http`] or [`serve_events`]. Logs a failed start with all its causes and ends the process, as Lambda expects.
pub fn run<F: Future<Output = anyhow::Result<()>>>(
    function: &'static str,
    start: impl FnOnce() -> F,
) -> ExitCode {
    telemetry::init(telemetry::Format::Json);
    telemetry::hide_panic_messages();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let settings = ProcessSettings::from_env(&Env::process());
    let result = settings.map_err(anyhow::Error::from).and_then(|settings| {
        metrics::init(&settings.stack, function);
        EMULATED_TIMEOUT.get_or_init(|| settings.emulated_timeout);
        runtime?.block_on(Box::pin(start()))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(
                function,
                cause = %WithCauses(error.as_ref()),
                "the function stopped"
            );
            ExitCode::FAILURE
        }
    }
}

/// Serves events of API Gateway and of function URLs with `handle` until Lambda ends the process.
///
/// # Errors
/// If the Lambda runtime API fails.
pub async fn serve_http<D, H>(deps: D, handle: H) -> anyhow::Result<()>
where
    H: AsyncFn(&D, Request) -> Result<Response, Failure>,
{
    let (deps, handle) = (&deps, &handle);
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let invocation = invocation_span(&event.context);
        answer_event(deps, handle, event).instrument(invocation)
    });
    // Boxed: its type is nested so deep that the compiler gives up on a caller that holds it.
    Box::pin(lambda_runtime::run(service))
        .await
        .map_err(|error| anyhow::anyhow!(error))
}

/// Answers the HTTP request of an event.
async fn answer_event<D, H>(
    deps: &D,
    handle: &H,
    event: LambdaEvent<Value>,
) -> Result<ReplyEvent, Diagnostic>
where
    H: AsyncFn(&D, Request) -> Result<Response, Failure>,
{
    let format = PayloadFormat::of(&event.payload);
    let deadline = deadline(&event.context, HTTP_REPLY_MARGIN);
    let response = match read_request(event.payload, deadline) {
        Ok(request) => answer(request, |request| Box::pin(handle(deps, request))).await,
        Err(error @ EventError::InvalidBody(_)) => {
            Failure::invalid("invalid_body", error.to_string())
                .with_cause(error)
                .into_response()
        }
        Err(error) => {
            tracing::error!(cause = %WithCauses(&error), "the event is no HTTP request");
            return Err(diagnostic("NotHttp", WithCauses(&error).to_string()));
        }
    };
    metrics::flush();
    Ok(format.reply(response))
}

/// Answers one request with `handle`. A failure becomes its reply, and a request that is not answered by its deadline gets a
/// 503 before the caller gives up. Every log line of the request names the request and, once it is known, the caller; the reply
/// names the request in `x-request-id`.
pub async fn answer<F>(mut request: Request, handle: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Result<Response, Failure>>,
{
    let started = Instant::now();
    let deadline = request.deadline();
    let caller = CallerName::default();
    request.extensions_mut().insert(caller.clone());
    let (span, request_id) = (request_span(&request), request.request_id().to_owned());
    let answered = async move {
        let answered = tokio::time::timeout_at(deadline.into(), Box::pin(handle(request))).await;
        let mut response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => failure.into_response(),
            Err(_elapsed) => Failure::deadline_exceeded().into_response(),
        };
        if let Ok(id) = HeaderValue::from_str(&request_id)
            && !id.is_empty()
        {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if let Some(caller) = caller.get() {
            metrics::set_caller(caller);
        }
        let duration_ms = started.elapsed().as_secs_f64() * 1e3;
        let status = response.status().as_u16();
        tracing::info!(status, duration_ms, "the request was answered");
        response
    };
    answered.instrument(span).await
}

/// Returns the span of an invocation, which names it in every log line. It has the highest level, since a span below the
/// level of the log is not there.
fn invocation_span(context: &Context) -> Span {
    tracing::error_span!("invocation", request_id = context.request_id)
}

/// Returns the span of a request: API Gateway's identifier, which the access log has too, the caller's own, and the name of the
/// caller once it is known.
fn request_span(request: &Request) -> Span {
    let span = tracing::error_span!(
        "request",
        api_request_id = Empty,
        client_request_id = Empty,
        caller = Empty
    );
    if !request.request_id().is_empty() {
        span.record("api_request_id", request.request_id());
    }
    if let Some(id) = request.client_request_id() {
        span.record("client_request_id", id);
    }
    span
}

/// Serves events of one type (a schedule, a queue's batch) with `handle` until Lambda ends the process. An error becomes a
/// Lambda diagnostic with the whole chain of causes, so that the event is retried as its source is configured to.
///
/// # Errors
/// If the Lambda runtime API fails.
pub async fn serve_events<D, E, R, H>(deps: D, handle: H) -> anyhow::Result<()>
where
    E: DeserializeOwned,
    R: Serialize,
    H: AsyncFn(&D, E, Invocation) -> anyhow::Result<R>,
{
    let (deps, handle) = (&deps, &handle);
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let span = invocation_span(&event.context);
        handle_event(deps, handle, event).instrument(span)
    });
    // Boxed: its type is nested so deep that the compiler gives up on a caller that holds it.
    Box::pin(lambda_runtime::run(service))
        .await
        .map_err(|error| anyhow::anyhow!(error))
}

/// Serves events of one type as [`serve_events`] does, and HTTP requests as [`serve_http`] does, for a function with both.
///
/// # Errors
/// If the Lambda runtime API fails.
pub async fn serve_events_and_http<D, E, R, H, A>(
    deps: D,
    handle: H,
    handle_request: A,
) -> anyhow::Result<()>
where
    E: DeserializeOwned,
    R: Serialize,
    H: AsyncFn(&D, E, Invocation) -> anyhow::Result<R>,
    A: AsyncFn(&D, Request) -> Result<Response, Failure>,
{
    let (deps, handle, handle_request) = (&deps, &handle, &handle_request);
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let span = invocation_span(&event.context);
        let handled = async move {
            let encoded = if is_http_request(&event.payload) {
                serde_json::to_value(answer_event(deps, handle_request, event).await?)
            } else {
                serde_json::to_value(handle_event(deps, handle, event).await?)
            };
            encoded.map_err(|error| diagnostic("Failed", WithCauses(&error).to_string()))
        };
        handled.instrument(span)
    });
    // Boxed: its type is nested so deep that the compiler gives up on a caller that holds it.
    Box::pin(lambda_runtime::run(service))
        .await
        .map_err(|error| anyhow::anyhow!(error))
}

/// Returns whether an event is an HTTP request of API Gateway or of a function URL.
fn is_http_request(event: &Value) -> bool {
    event["requestContext"].is_object()
}

/// Handles one event, and logs what came of it.
async fn handle_event<D, E, R, H>(
    deps: &D,
    handle: &H,
    event: LambdaEvent<Value>,
) -> Result<R, Diagnostic>
where
    E: DeserializeOwned,
    H: AsyncFn(&D, E, Invocation) -> anyhow::Result<R>,
{
    let started = Instant::now();
    let invocation = Invocation {
        request_id: event.context.request_id.clone(),
        deadline: deadline(&event.context, REPLY_MARGIN),
    };
    let result = match serde_json::from_value(event.payload) {
        Ok(event) => Box::pin(handle(deps, event, invocation)).await,
        Err(error) => {
            Err(anyhow::Error::new(error).context("the event is not of this function's kind"))
        }
    };
    let duration_ms = started.elapsed().as_secs_f64() * 1e3;
    metrics::flush();
    match result {
        Ok(reply) => {
            tracing::info!(duration_ms, "the event was handled");
            Ok(reply)
        }
        Err(error) => {
            tracing::error!(
                duration_ms,
                cause = %WithCauses(error.as_ref()),
                "the event was not handled"
            );
            Err(diagnostic("Failed", WithCauses(error.as_ref()).to_string()))
        }
    }
}

fn diagnostic(kind: &str, message: String) -> Diagnostic {
    Diagnostic {
        error_type: kind.to_owned(),
        error_message: message,
    }
}

/// Returns Lambda's deadline on this process's monotonic clock, less the margin for the reply.
fn deadline(context: &Context, margin: Duration) -> Instant {
    let left = time_left(context.deadline, SystemTime::now());
    Instant::now() + left.saturating_sub(margin)
}

/// Returns the time until `deadline_ms`, which counts milliseconds since the epoch.
fn time_left(deadline_ms: u64, now: SystemTime) -> Duration {
    if deadline_ms < SMALLEST_DEADLINE_MS {
        return *EMULATED_TIMEOUT.get_or_init(|| DEFAULT_EMULATED_TIMEOUT);
    }
    let at = UNIX_EPOCH + Duration::from_millis(deadline_ms);
    at.duration_since(now).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn an_emulator_without_a_deadline_gives_the_whole_timeout() {
        let now = UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        assert_eq!(time_left(1_795_000_005_000, now), Duration::from_secs(5));
        assert_eq!(time_left(1_794_999_999_000, now), Duration::ZERO);
        assert_eq!(time_left(600_000, now), DEFAULT_EMULATED_TIMEOUT);
    }

    #[test]
    fn a_request_is_told_from_an_event_of_an_operator() {
        let read = |name: &str| -> Value {
            let path = format!("{}/../../events/{name}", env!("CARGO_MANIFEST_DIR"));
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
        };
        assert!(is_http_request(&read("admin-erasure.json")));
        assert!(is_http_request(&read("data-action-rest-api.json")));
        assert!(!is_http_request(&read("admin-forget.json")));
        assert!(!is_http_request(&read("embedding-writer-batch.json")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_named_in_its_reply_and_cut_at_its_deadline() {
        let mut request: Request = http::Request::get("/health").body(Bytes::new()).unwrap();
        request.extensions_mut().insert(Invocation {
            request_id: "api-1".to_owned(),
            deadline: tokio::time::Instant::now().into_std() + Duration::from_secs(2),
        });
        let started = tokio::time::Instant::now();
        let response = answer(request, |_| std::future::pending()).await;
        assert_eq!(started.elapsed(), Duration::from_secs(2));
        assert_eq!(response.headers()[REQUEST_ID], "api-1");
        assert_eq!(response.status(), 503);
        assert!(response.body().contains("deadline_exceeded"));
    }
}
