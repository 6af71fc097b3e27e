//! One WebSocket connection to the chat stream.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use insights_core::chat::frame::{ChatEvent, Malformed};
use insights_core::chat::message::{Identity, Message};
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message as Frame};

use super::handshake::upgrade;
use super::keepalive::{Due, Keepalive, Timing};
use super::wire;
use super::written::Written;
use crate::CxoneClient;
use crate::endpoints::Route;
use insights_http::{Deadline, Error};

/// What comes over a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// An event.
    Event(ChatEvent),
    /// A frame that is none, for this reason.
    Malformed(Malformed),
    /// An answer to a ping, or a ping: the other side is there. An answer tells which messages, sent before its ping, have
    /// arrived.
    Alive(Vec<Identity>),
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
    written: Written,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection(token until {})", self.token_expires_at)
    }
}

impl Connection {
    /// Opens the stream of the client's site with a token that is fresh at this moment. `http` is
    /// [`insights_http::client::build_stream_client`]. A 401 invalidates the token, gets a new one and tries once more.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`] with the scope, [`Error::RateLimited`], [`Error::Unavailable`],
    /// [`Error::DeadlineExceeded`], or that of getting a token.
    pub async fn open(
        http: &reqwest::Client,
        client: &CxoneClient,
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
                        written: Written::default(),
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
                    let mark = self.written.mark().to_vec();
                    self.write(Frame::Ping(mark.into())).await?;
                    continue;
                }
            };
            let Ok(frame) = tokio::time::timeout_at(until, self.socket.next()).await else {
                continue;
            };
            self.keepalive.heard();
            match frame {
                Some(Ok(Frame::Pong(mark))) => {
                    return Ok(Incoming::Alive(self.written.answered(&mark)));
                }
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
        self.write(Frame::text(wire::message_frame(message)))
            .await?;
        self.written.wrote(message.identity());
        Ok(())
    }

    /// Lets the next ping go out at once: its answer tells what has arrived.
    pub fn ask(&mut self) {
        self.keepalive.ask(Instant::now());
    }

    /// Closes the connection and waits shortly for the server's goodbye. If it comes, all that was sent has arrived: those
    /// messages that were not known to have.
    pub async fn close(mut self) -> Vec<Identity> {
        let goodbye = async {
            let _ = self.socket.close(None).await;
            while let Some(Ok(frame)) = self.socket.next().await {
                if frame.is_close() {
                    return true;
                }
            }
            false
        };
        match tokio::time::timeout(Duration::from_millis(500), goodbye).await {
            Ok(true) => self.written.all(),
            _ => Vec::new(),
        }
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
        Frame::Ping(_) | Frame::Pong(_) => Some(Incoming::Alive(Vec::new())),
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
