//! One WebSocket connection to the chat stream.

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use insights_core::chat::frame::{ChatEvent, Malformed};
use insights_core::chat::message::{Identity, Message};
use insights_http::error::SharedCause;
use insights_http::exchange::HttpClient;
use insights_http::{Deadline, Error as HttpError};
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message as Frame};

use super::handshake::upgrade;
use super::keepalive::{Keepalive, KeepaliveAction, StreamTiming};
use super::unacknowledged::UnacknowledgedMessages;
use super::wire;
use crate::client::CxoneClient;
use crate::endpoints::Route;
use crate::error::Error;

/// How long closing a connection waits for the server's closing frame.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// What a connection received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// An event of the stream.
    Event(ChatEvent),
    /// A frame that is not an event, for this reason.
    Malformed(Malformed),
    /// A ping of the server, or its answer to a ping, which shows that the connection is healthy. An answer acknowledges the
    /// messages that were sent before its ping; these are their identities.
    Alive(Vec<Identity>),
}

/// Why a connection ended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectionEnd {
    /// The server closed the connection, with this code (1000 normal, 1008 policy, 4401 token expired, ...), or without one.
    #[error("the server closed the stream (code {0:?})")]
    Closed(Option<u16>),
    /// Nothing came from the server for too long after a ping.
    #[error("the server did not answer a ping in time")]
    HalfOpen,
    /// A write was stuck for too long, because the server does not read.
    #[error("the server does not read what is sent")]
    WriteTimeout,
    /// The connection broke, or the server broke the protocol.
    #[error("the stream broke: {reason}")]
    Broken {
        /// What happened, without the content of a frame.
        reason: &'static str,
        /// The error, unless its text may quote a frame.
        #[source]
        source: Option<SharedCause>,
    },
}

/// An open connection to the chat stream.
pub struct Connection {
    socket: WebSocketStream<reqwest::Upgraded>,
    keepalive: Keepalive,
    write_timeout: Duration,
    token_expires_at: Timestamp,
    unacknowledged: UnacknowledgedMessages,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection(token until {})", self.token_expires_at)
    }
}

impl Connection {
    /// Opens the stream of the client's site with a token that is fresh at this moment. `http` comes from
    /// [`insights_http::client::build_stream_client`]. A 401 invalidates the token; the stream is tried once more with a new one.
    ///
    /// # Errors
    /// [`Error::MissingScope`]; an [`Error::Http`] that is unauthorized, rate limited, unavailable or past the deadline; or the
    /// error of getting a token.
    pub async fn open(
        http: &HttpClient,
        client: &CxoneClient,
        timing: StreamTiming,
    ) -> Result<Self, Error> {
        let deadline = Deadline::within(timing.io_timeout);
        let endpoint = client.site().endpoint(Route::ChatStream, &[])?;
        let mut token = client.tokens().token(deadline).await?;
        let mut refused = false;
        loop {
            let too_late = || HttpError::DeadlineExceeded {
                endpoint: endpoint.template().to_owned(),
            };
            match deadline
                .bound(upgrade(http, &endpoint, Some(&token)))
                .await
                .ok_or_else(too_late)?
            {
                Ok(socket) => {
                    let keepalive = Keepalive::new(timing, Instant::now());
                    let token_expires_at = token.expires_at();
                    return Ok(Self {
                        socket,
                        keepalive,
                        write_timeout: timing.io_timeout,
                        token_expires_at,
                        unacknowledged: UnacknowledgedMessages::default(),
                    });
                }
                Err(error) if error.is_unauthorized() && !refused => {
                    refused = true;
                    client.tokens().invalidate(&token, deadline).await;
                    token = client.tokens().token(deadline).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns when the token of this connection expires, after which the server may end the connection.
    #[must_use]
    pub const fn token_expires_at(&self) -> Timestamp {
        self.token_expires_at
    }

    /// Waits for what the connection receives next; sends and answers pings in the meantime. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`ConnectionEnd`] says why the connection is over.
    pub async fn next(&mut self) -> Result<Incoming, ConnectionEnd> {
        loop {
            let until = match self.keepalive.next_action(Instant::now()) {
                KeepaliveAction::Wait(until) => until,
                // Whoever reads this connection may have been held up, and the answer may lie in the socket since.
                KeepaliveAction::GiveUp => match self.socket.next().now_or_never() {
                    Some(frame) => match self.take_frame(frame)? {
                        Some(incoming) => return Ok(incoming),
                        None => continue,
                    },
                    None => return Err(ConnectionEnd::HalfOpen),
                },
                KeepaliveAction::Ping => {
                    // Noted before the ping is written, because a caller may drop this future while the socket is full.
                    self.keepalive.note_ping(Instant::now());
                    let payload = self.unacknowledged.ping_payload().to_vec();
                    self.write(Frame::Ping(payload.into())).await?;
                    continue;
                }
            };
            let Ok(frame) = tokio::time::timeout_at(until, self.socket.next()).await else {
                continue;
            };
            if let Some(incoming) = self.take_frame(frame)? {
                return Ok(incoming);
            }
        }
    }

    /// Sends a message to the conversation it belongs to.
    ///
    /// # Errors
    /// [`ConnectionEnd`]: the connection is over, and whether the message was delivered is unknown.
    pub async fn send(&mut self, message: &Message) -> Result<(), ConnectionEnd> {
        self.write(Frame::text(wire::encode_message(message)))
            .await?;
        self.unacknowledged.push(message.identity());
        Ok(())
    }

    /// Lets the next ping go out at once, because its answer acknowledges what was sent before.
    pub fn ping_now(&mut self) {
        self.keepalive.ping_now(Instant::now());
    }

    /// Closes the connection and waits up to 500 ms for the server's closing frame.
    ///
    /// A closing frame acknowledges everything that was sent: returns the identities of the messages that were not
    /// acknowledged before, or none if no closing frame came.
    pub async fn close(mut self) -> Vec<Identity> {
        let closing = async {
            let _ = self.socket.close(None).await;
            while let Some(Ok(frame)) = self.socket.next().await {
                if frame.is_close() {
                    return true;
                }
            }
            false
        };
        match tokio::time::timeout(CLOSE_TIMEOUT, closing).await {
            Ok(true) => self.unacknowledged.into_all(),
            _ => Vec::new(),
        }
    }

    /// Takes what the socket brought, and returns what that says to the caller, if anything.
    fn take_frame(
        &mut self,
        frame: Option<Result<Frame, tungstenite::Error>>,
    ) -> Result<Option<Incoming>, ConnectionEnd> {
        self.keepalive.note_received();
        match frame {
            Some(Ok(Frame::Pong(payload))) => Ok(Some(Incoming::Alive(
                self.unacknowledged.acknowledge(&payload),
            ))),
            Some(Ok(frame)) => parse_frame(frame),
            Some(Err(error)) => Err(connection_end(error)),
            None => Err(ConnectionEnd::Closed(None)),
        }
    }

    async fn write(&mut self, frame: Frame) -> Result<(), ConnectionEnd> {
        match tokio::time::timeout(self.write_timeout, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(connection_end(error)),
            Err(_) => Err(ConnectionEnd::WriteTimeout),
        }
    }
}

/// Returns what a frame says to the caller, if anything.
fn parse_frame(frame: Frame) -> Result<Option<Incoming>, ConnectionEnd> {
    Ok(match frame {
        Frame::Text(text) => Some(match wire::parse_frame(text.as_str()) {
            Ok(event) => Incoming::Event(event),
            Err(reason) => Incoming::Malformed(reason),
        }),
        Frame::Binary(_) => Some(Incoming::Malformed(Malformed::NotText)),
        Frame::Ping(_) | Frame::Pong(_) => Some(Incoming::Alive(Vec::new())),
        Frame::Close(goodbye) => {
            return Err(ConnectionEnd::Closed(
                goodbye.map(|CloseFrame { code, .. }| code.into()),
            ));
        }
        Frame::Frame(_) => None,
    })
}

/// Returns the end that an error of the socket stands for.
fn connection_end(error: tungstenite::Error) -> ConnectionEnd {
    use tungstenite::Error as SocketError;
    let (reason, source): (_, Option<SharedCause>) = match error {
        SocketError::ConnectionClosed | SocketError::AlreadyClosed => {
            return ConnectionEnd::Closed(None);
        }
        SocketError::Io(error) => ("the connection failed", Some(Arc::new(error))),
        SocketError::Protocol(error) => ("the protocol was violated", Some(Arc::new(error))),
        SocketError::Capacity(_) => ("a frame was too large", None),
        SocketError::Utf8(_) => ("a text frame was not UTF-8", None),
        // The text of any other error may quote a frame.
        _ => ("the protocol was violated", None),
    };
    ConnectionEnd::Broken { reason, source }
}
