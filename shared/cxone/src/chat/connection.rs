//! One WebSocket connection to the chat stream.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use http::StatusCode;
use http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use insights_core::chat::envelope::{Event, FRAME_LIMIT, Malformed};
use insights_core::chat::message::Message;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message as Frame};

use super::keepalive::{Due, Keepalive, Timing};
use super::wire;
use crate::client::missing_scope;
use crate::endpoints::{Endpoint, Route};
use crate::http::body;
use crate::oauth::AccessToken;
use crate::retry::parse_retry_after;
use crate::{Client, Deadline, Error, Failure};

/// A frame up to this size is skipped as malformed; a larger one ends the connection, as it would fill memory.
const LARGEST_FRAME: usize = 8 * FRAME_LIMIT;
/// What may wait to be written: more than that means that the server reads nothing.
const WRITE_BUFFER: usize = 1 << 20;
/// How much of a refusal is read.
const REFUSAL: usize = 16 << 10;

/// What comes over a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// An event.
    Event(Event),
    /// A frame that is none, for this reason.
    Malformed(Malformed),
    /// An answer to a ping, or a ping: the other side is there.
    Alive,
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// The server closed it, with this code (1000 normal, 1008 policy, 4401 token expired, ...), or without one.
    #[error("the server closed the stream (code {0:?})")]
    Closed(Option<u16>),
    /// Nothing came for too long after a ping.
    #[error("the stream fell silent")]
    HalfOpen,
    /// A write was stuck for too long: the server does not read.
    #[error("the server does not read")]
    Stuck,
    /// It broke, or broke the protocol.
    #[error("the stream broke: {0}")]
    Broken(String),
}

/// An open connection to the stream.
pub struct Connection {
    socket: WebSocketStream<reqwest::Upgraded>,
    keepalive: Keepalive,
    patience: Duration,
    token_expires_at: Timestamp,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection(token until {})", self.token_expires_at)
    }
}

impl Connection {
    /// Opens the stream of the client's site with a token that is fresh at this moment. `http` is
    /// [`crate::http::stream_client`]. A 401 invalidates the token, gets a new one and tries once more.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`] with the scope, [`Error::RateLimited`], [`Error::Unavailable`],
    /// [`Error::DeadlineExceeded`], or that of getting a token.
    pub async fn open(
        http: &reqwest::Client,
        client: &Client,
        timing: Timing,
    ) -> Result<Self, Error> {
        let deadline = Deadline::within(timing.patience);
        let endpoint = client.site().endpoint(Route::ChatStream, &[])?;
        let mut token = client.tokens().token(deadline).await?;
        let mut refused = false;
        loop {
            let late = || Error::DeadlineExceeded {
                endpoint: endpoint.template().to_owned(),
            };
            match deadline
                .bound(upgrade(http, &endpoint, &token))
                .await
                .ok_or_else(late)?
            {
                Ok(socket) => {
                    let keepalive = Keepalive::new(timing, Instant::now());
                    let token_expires_at = token.expires_at();
                    return Ok(Self {
                        socket,
                        keepalive,
                        patience: timing.patience,
                        token_expires_at,
                    });
                }
                Err(Error::Unauthorized { .. }) if !refused => {
                    refused = true;
                    client.tokens().invalidate(&token).await;
                    token = client.tokens().token(deadline).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// When the token of this connection expires: the server may end it then.
    #[must_use]
    pub const fn token_expires_at(&self) -> Timestamp {
        self.token_expires_at
    }

    /// What comes next; pings are sent and answered meanwhile. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`End`]: the connection is over.
    pub async fn next(&mut self) -> Result<Incoming, End> {
        loop {
            let until = match self.keepalive.due(Instant::now()) {
                Due::Nothing(until) => until,
                Due::GiveUp => return Err(End::HalfOpen),
                Due::Ping => {
                    // Noted before it is written: a caller may drop this future while the socket is full.
                    self.keepalive.pinged(Instant::now());
                    self.write(Frame::Ping(Vec::new().into())).await?;
                    continue;
                }
            };
            let Ok(frame) = tokio::time::timeout_at(until, self.socket.next()).await else {
                continue;
            };
            self.keepalive.heard();
            match frame {
                Some(Ok(frame)) => {
                    if let Some(incoming) = read(frame)? {
                        return Ok(incoming);
                    }
                }
                Some(Err(error)) => return Err(broken(&error)),
                None => return Err(End::Closed(None)),
            }
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`End`]: the connection is over, and whether the message went out is unknown.
    pub async fn send(&mut self, message: &Message) -> Result<(), End> {
        self.write(Frame::text(wire::message_frame(message))).await
    }

    /// Closes the connection and waits shortly for the server's goodbye.
    pub async fn close(mut self) {
        let goodbye = async {
            let _ = self.socket.close(None).await;
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        let _ = tokio::time::timeout(Duration::from_millis(500), goodbye).await;
    }

    async fn write(&mut self, frame: Frame) -> Result<(), End> {
        match tokio::time::timeout(self.patience, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(End::Stuck),
        }
    }
}

/// What a frame says to the caller, if anything.
fn read(frame: Frame) -> Result<Option<Incoming>, End> {
    Ok(match frame {
        Frame::Text(text) => Some(match wire::parse(text.as_str()) {
            Ok(event) => Incoming::Event(event),
            Err(reason) => Incoming::Malformed(reason),
        }),
        Frame::Binary(_) => Some(Incoming::Malformed(Malformed::NotText)),
        Frame::Ping(_) | Frame::Pong(_) => Some(Incoming::Alive),
        Frame::Close(goodbye) => {
            return Err(End::Closed(
                goodbye.map(|CloseFrame { code, .. }| code.into()),
            ));
        }
        Frame::Frame(_) => None,
    })
}

fn broken(error: &tungstenite::Error) -> End {
    use tungstenite::Error as E;
    match error {
        E::ConnectionClosed | E::AlreadyClosed => End::Closed(None),
        // The others' words may quote a frame.
        E::Io(error) => End::Broken(error.kind().to_string()),
        E::Protocol(error) => End::Broken(error.to_string()),
        E::Capacity(_) => End::Broken("a frame too large".to_owned()),
        E::Utf8(_) => End::Broken("a text frame that is not UTF-8".to_owned()),
        _ => End::Broken("protocol".to_owned()),
    }
}

/// The handshake, over the one HTTP client, so that TLS and proxies are as for every other call.
async fn upgrade(
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
        .map_err(|error| unavailable(Failure::Connection(std::sync::Arc::new(error))))?;
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
        .map_err(|error| unavailable(Failure::Connection(std::sync::Arc::new(error))))?;
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
            let body = body(response, REFUSAL).await.unwrap_or_default();
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
            failure: Failure::Status(status),
        },
        status => Error::Rejected {
            endpoint: name,
            status,
        },
    }
}
