//! The Lambda runtime: starts a function's process, serves HTTP functions and event functions, and reports failures.

use std::future::Future;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use insights_core::WithCauses;
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::config::Env;
use crate::failure::Failure;
use crate::http::event::{EventError, PayloadFormat, read_request};
use crate::http::request::{Request, RequestExt};
use crate::http::response::Response;
pub use crate::invocation::Invocation;
use crate::process::ProcessSettings;
use crate::{metrics, telemetry};

/// Time kept back from Lambda's deadline for writing the reply and the metrics.
const REPLY_MARGIN: Duration = Duration::from_millis(100);

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
    let service = service_fn(move |event: LambdaEvent<Value>| async move {
        let started = Instant::now();
        let request_id = event.context.request_id.clone();
        let format = PayloadFormat::of(&event.payload);
        let response = match read_request(event.payload, deadline(&event.context)) {
            Ok(request) => answer(request, |request| Box::pin(handle(deps, request))).await,
            Err(error @ EventError::InvalidBody(_)) => {
                Failure::invalid("invalid_body", error.to_string())
                    .with_cause(error)
                    .into_response()
            }
            Err(error) => {
                tracing::error!(request_id, cause = %WithCauses(&error), "the event is no HTTP request");
                return Err(diagnostic("NotHttp", WithCauses(&error).to_string()));
            }
        };
        let duration_ms = started.elapsed().as_secs_f64() * 1e3;
        let status = response.status().as_u16();
        tracing::info!(request_id, status, duration_ms, "the request was answered");
        metrics::flush();
        Ok(format.reply(response))
    });
    // Boxed: its type is nested so deep that the compiler gives up on a caller that holds it.
    Box::pin(lambda_runtime::run(service))
        .await
        .map_err(|error| anyhow::anyhow!(error))
}

/// Answers one request with `handle`. A failure becomes its reply, and a request that is not answered by its deadline gets a
/// 503 before the caller gives up.
pub async fn answer<F>(request: Request, handle: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Result<Response, Failure>>,
{
    let deadline = request.deadline();
    match tokio::time::timeout_at(deadline.into(), handle(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(failure)) => failure.into_response(),
        Err(_elapsed) => {
            Failure::unavailable("deadline_exceeded", "the answer was not ready in time")
                .into_response()
        }
    }
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
    let service = service_fn(move |event: LambdaEvent<Value>| async move {
        let started = Instant::now();
        let request_id = event.context.request_id.clone();
        let invocation = Invocation {
            request_id: request_id.clone(),
            deadline: deadline(&event.context),
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
                tracing::info!(request_id, duration_ms, "the event was handled");
                Ok(reply)
            }
            Err(error) => {
                tracing::error!(
                    request_id,
                    duration_ms,
                    cause = %WithCauses(error.as_ref()),
                    "the event was not handled"
                );
                Err(diagnostic("Failed", WithCauses(error.as_ref()).to_string()))
            }
        }
    });
    // Boxed: its type is nested so deep that the compiler gives up on a caller that holds it.
    Box::pin(lambda_runtime::run(service))
        .await
        .map_err(|error| anyhow::anyhow!(error))
}

fn diagnostic(kind: &str, message: String) -> Diagnostic {
    Diagnostic {
        error_type: kind.to_owned(),
        error_message: message,
    }
}

/// Returns Lambda's deadline on this process's monotonic clock, less the margin for the reply.
fn deadline(context: &Context) -> Instant {
    let left = time_left(context.deadline, SystemTime::now());
    Instant::now() + left.saturating_sub(REPLY_MARGIN)
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
    use super::*;

    #[test]
    fn an_emulator_without_a_deadline_gives_the_whole_timeout() {
        let now = UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        assert_eq!(time_left(1_795_000_005_000, now), Duration::from_secs(5));
        assert_eq!(time_left(1_794_999_999_000, now), Duration::ZERO);
        assert_eq!(time_left(600_000, now), DEFAULT_EMULATED_TIMEOUT);
    }
}
