//! What the sockets of a tenant have in common: how they are named, written to, and found broken.

use std::sync::Arc;
use std::time::Duration;

use futures::SinkExt;
use insights_http::{AttemptFailure, Error as HttpError};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use url::Url;

use crate::error::Error;

/// Longest time that the server may take to accept a connection, and that a write may take.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long before the end of its token a connection ends, so that the next one has a token of its own.
pub(super) const TOKEN_MARGIN: Duration = Duration::from_secs(50);

/// A socket over the product's HTTP client.
pub(super) type Socket = WebSocketStream<reqwest::Upgraded>;

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteFailure {
    /// The connection is closed.
    Closed,
    /// The server takes nothing.
    TooSlow,
}

/// Writes a text to a socket.
pub(super) async fn write_text(socket: &mut Socket, text: String) -> Result<(), WriteFailure> {
    match timeout(ANSWER_TIMEOUT, socket.send(Frame::text(text))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(WriteFailure::Closed),
        Err(_) => Err(WriteFailure::TooSlow),
    }
}

/// Returns the URL of the handshake of a socket, which is an HTTP request.
pub(super) fn handshake_url(url: &Url, what: &'static str) -> Result<Url, Error> {
    let scheme = match url.scheme() {
        "wss" | "https" => "https",
        _ => "http",
    };
    Url::parse(&url.as_str().replacen(url.scheme(), scheme, 1))
        .map_err(|_| Error::invalid(what, "its URL cannot be used"))
}

/// Returns the error of a server that did not answer in time.
pub(super) fn too_late(template: &str) -> Error {
    HttpError::DeadlineExceeded {
        endpoint: template.to_owned(),
    }
    .into()
}

/// Returns the error of a connection that the server or the network closed.
pub(super) fn closed(template: &str) -> Error {
    let cause = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    HttpError::Unavailable {
        endpoint: template.to_owned(),
        failure: AttemptFailure::Connection(Arc::new(cause)),
    }
    .into()
}
