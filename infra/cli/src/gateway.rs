//! A local stand-in for API Gateway: passes HTTP requests to the functions and returns their replies.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use runtime::{Failure, Invocation, Request, lambda};
use tokio::net::TcpListener;

use crate::services::Services;

/// Largest request body that API Gateway accepts, in bytes.
const MAX_BODY_BYTES: usize = 10 << 20;

/// Longest time that API Gateway waits for a function.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(29);

/// Binds the listening socket.
///
/// # Errors
/// If the address is in use, or does not belong to this machine.
pub(crate) async fn bind(addr: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr)
        .await
        .with_context(|| format!("cannot listen on {addr}; choose another with --addr"))
}

/// Answers requests until `stop` completes, then waits for the requests that are in flight.
///
/// # Errors
/// If the listener fails.
pub(crate) async fn serve(
    listener: TcpListener,
    services: Services,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let app = axum::Router::new().fallback(answer).with_state(services);
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await
        .context("the server failed")
}

async fn answer(
    State(services): State<Services>,
    request: axum::extract::Request,
) -> axum::http::Response<Body> {
    let invocation = Invocation {
        request_id: String::new(),
        deadline: Instant::now() + FUNCTION_TIMEOUT,
    };
    let (mut parts, body) = request.into_parts();
    let response = match to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => {
            parts.extensions.insert(invocation);
            let request = Request::from_parts(parts, body);
            lambda::answer(request, |request| services.handle(request)).await
        }
        Err(_) => Failure::too_large(MAX_BODY_BYTES).into_response(),
    };
    response.map(Body::from)
}
