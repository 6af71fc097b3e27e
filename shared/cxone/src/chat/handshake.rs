//! The handshake of a WebSocket connection.

use http::StatusCode;
use http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use insights_core::chat::frame::FRAME_LIMIT;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::client::missing_scope;
use crate::endpoints::Endpoint;
use crate::oauth::AccessToken;
use insights_http::client::read_body;
use insights_http::retry::parse_retry_after;
use insights_http::{AttemptFailure, Error};

/// A frame up to this size is skipped as malformed; a larger one ends the connection, as it would fill memory.
const LARGEST_FRAME: usize = 8 * FRAME_LIMIT;
/// What may wait to be written: more than that means that the server reads nothing.
const WRITE_BUFFER: usize = 1 << 20;
/// How much of a refusal is read.
const REFUSAL: usize = 16 << 10;

/// The handshake, over the one HTTP client, so that TLS and proxies are as for every other call.
pub(super) async fn upgrade(
    http: &reqwest::Client,
    endpoint: &Endpoint,
    token: &AccessToken,
) -> Result<WebSocketStream<reqwest::Upgraded>, Error> {
    let unavailable = |failure| Error::Unavailable {
        endpoint: endpoint.template().to_owned(),
        failure,
    };
    let key = generate_key();
    let response = http
        .get(endpoint.url().clone())
        .header(AUTHORIZATION, token.bearer())
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .send()
        .await
        .map_err(|error| unavailable(AttemptFailure::Connection(std::sync::Arc::new(error))))?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal(endpoint, response).await);
    }
    let accepted = response
        .headers()
        .get(SEC_WEBSOCKET_ACCEPT)
        .map(http::HeaderValue::as_bytes);
    if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(Error::response(
            endpoint.template(),
            "the handshake's key is wrong",
        ));
    }
    let socket = response
        .upgrade()
        .await
        .map_err(|error| unavailable(AttemptFailure::Connection(std::sync::Arc::new(error))))?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(LARGEST_FRAME))
        .max_frame_size(Some(LARGEST_FRAME))
        .max_write_buffer_size(WRITE_BUFFER);
    Ok(WebSocketStream::from_raw_socket(socket, Role::Client, Some(config)).await)
}

/// What a handshake's refusal means.
async fn refusal(endpoint: &Endpoint, response: reqwest::Response) -> Error {
    let name = endpoint.template().to_owned();
    match response.status().as_u16() {
        401 => Error::Unauthorized { endpoint: name },
        403 => {
            let body = read_body(response, REFUSAL).await.unwrap_or_default();
            Error::Forbidden {
                endpoint: name,
                scope: missing_scope(&body, endpoint.scope),
            }
        }
        404 => Error::NotFound { endpoint: name },
        429 => {
            let header = response.headers().get(http::header::RETRY_AFTER);
            let header = header.and_then(|value| value.to_str().ok());
            let retry_after =
                header.and_then(|value| parse_retry_after(value, std::time::SystemTime::now()));
            Error::RateLimited {
                endpoint: name,
                retry_after,
            }
        }
        status @ 500..=599 => Error::Unavailable {
            endpoint: name,
            failure: AttemptFailure::Status(status),
        },
        status => Error::Rejected {
            endpoint: name,
            status,
        },
    }
}
