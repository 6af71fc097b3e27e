//! A local stand-in for API Gateway: passes HTTP requests to the functions and returns their replies.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use futures::StreamExt;
use runtime::http::LiveBody;
use runtime::{Failure, Invocation, Request, lambda};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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

/// Answers requests until `stop` completes, then waits for the requests that are in flight. Replies that would go on end then.
///
/// # Errors
/// If the listener fails.
pub(crate) async fn serve(
    listener: TcpListener,
    services: Services,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let stopped = CancellationToken::new();
    let gateway = Gateway {
        services,
        stopped: stopped.clone(),
    };
    let app = axum::Router::new().fallback(answer).with_state(gateway);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            stop.await;
            stopped.cancel();
        })
        .await
        .context("the server failed")
}

/// What every request is answered with.
#[derive(Clone)]
struct Gateway {
    services: Services,
    /// Ends the replies that go on.
    stopped: CancellationToken,
}

async fn answer(
    State(Gateway { services, stopped }): State<Gateway>,
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
    let rest = response.extensions().get::<LiveBody>();
    match rest.and_then(LiveBody::take) {
        None => response.map(Body::from),
        Some(rest) => response.map(|first| {
            let parts = futures::stream::iter([first]).chain(rest);
            let parts = parts.take_until(stopped.cancelled_owned());
            Body::from_stream(parts.map(Ok::<_, Infallible>))
        }),
    }
}
