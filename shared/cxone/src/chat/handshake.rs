//! The opening handshake of a WebSocket (RFC 6455, 4).

use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;
use http::header::{
    AUTHORIZATION, CONNECTION, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use insights_core::chat::frame::FRAME_LIMIT;
use insights_http::client::{BodyError, read_body};
use insights_http::error::SharedCause;
use insights_http::exchange::HttpClient;
use insights_http::retry::parse_retry_after;
use insights_http::{AttemptFailure, Error as HttpError};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::endpoints::Endpoint;
use crate::error::Error;
use crate::oauth::AccessToken;
use crate::status;

/// Largest frame in bytes that does not end the connection. A frame over the limit of an event is skipped as malformed, but
/// one beyond this would fill memory.
const MAX_FRAME_BYTES: usize = 8 * FRAME_LIMIT;

/// Most bytes that may wait to be written: more of them mean that the server reads nothing.
const MAX_WRITE_BUFFER_BYTES: usize = 1 << 20;

/// Most bytes that are read of the body of a refusal.
const MAX_REFUSAL_BYTES: usize = 16 << 10;

/// Opens a WebSocket over the product's HTTP client, so that TLS and proxies are as for every other call; with a token where the
/// handshake needs one.
pub(crate) async fn upgrade(
    http: &HttpClient,
    endpoint: &Endpoint,
    token: Option<&AccessToken>,
) -> Result<WebSocketStream<reqwest::Upgraded>, Error> {
    let broken = |error: reqwest::Error| {
        let cause: SharedCause = Arc::new(error.without_url());
        unavailable(endpoint, AttemptFailure::Connection(cause))
    };
    let key = generate_key();
    let mut request = http.requests().get(endpoint.url().clone());
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, token.bearer());
    }
    let request = request
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .build()
        .map_err(broken)?;
    let response = http.send(request).await.map_err(|error| match error {
        BodyError::Broken(error) => broken(error),
        other => unavailable(endpoint, AttemptFailure::Connection(Arc::new(other))),
    })?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal(endpoint, response).await);
    }
    let accepted = response
        .headers()
        .get(SEC_WEBSOCKET_ACCEPT)
        .map(http::HeaderValue::as_bytes);
    if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(Error::invalid_response(
            endpoint.template(),
            "the key of the handshake is wrong",
        ));
    }
    let socket = response.upgrade().await.map_err(broken)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES))
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES);
    Ok(WebSocketStream::from_raw_socket(socket, Role::Client, Some(config)).await)
}

/// Returns the error that the refusal of a handshake stands for.
async fn refusal(endpoint: &Endpoint, response: reqwest::Response) -> Error {
    match response.status().as_u16() {
        429 => {
            let header = response.headers().get(RETRY_AFTER);
            let header = header.and_then(|value| value.to_str().ok());
            HttpError::RateLimited {
                endpoint: endpoint.template().to_owned(),
                retry_after: header.and_then(|value| parse_retry_after(value, SystemTime::now())),
            }
            .into()
        }
        status @ 500..=599 => unavailable(endpoint, AttemptFailure::Status(status)),
        status => {
            // The body only helps to name the missing scope; a body that cannot be read hides no failure.
            let body = read_body(response, MAX_REFUSAL_BYTES)
                .await
                .unwrap_or_default();
            let template = endpoint.template().to_owned();
            status::refusal(template, status, &body, endpoint.need().scope())
        }
    }
}

fn unavailable(endpoint: &Endpoint, failure: AttemptFailure) -> Error {
    HttpError::Unavailable {
        endpoint: endpoint.template().to_owned(),
        failure,
    }
    .into()
}
