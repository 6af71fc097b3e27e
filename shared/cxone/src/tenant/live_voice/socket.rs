//! One connection to the notification socket.

use std::time::Duration;

use futures::StreamExt;
use insights_http::exchange::HttpClient;
use insights_http::{Deadline, Error as HttpError};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message as Frame;
use url::Url;

use super::frames::{self, ServerFrame, read_frame};
use crate::chat::upgrade;
use crate::endpoints::{Endpoint, append_path};
use crate::error::Error;
use crate::need::Need;
use crate::oauth::AccessToken;
use crate::tenant::client::TenantClient;
use crate::tenant::websocket::{
    ANSWER_TIMEOUT, Socket, TOKEN_MARGIN, WriteFailure, closed, handshake_url, too_late, write_text,
};

/// How the socket is named in logs and errors.
const TEMPLATE: &str = "{notify}";

/// The path of the socket below its host.
const PATH: &str = "/agent-assist-notifications/notifications/ws";

/// Number of heartbeats without an acknowledgment after which the connection counts as dead.
const MAX_UNACKNOWLEDGED: u32 = 3;

/// Why a connection to the notification socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SocketEnd {
    /// The server or the network closed the connection.
    #[error("the notification socket was closed")]
    Closed,
    /// Three heartbeats in a row were not acknowledged, or the server takes nothing.
    #[error("the notification socket did not acknowledge heartbeats")]
    HalfOpen,
    /// The token of the connection expires, and a new connection needs a new one.
    #[error("the token of the notification socket's connection expires")]
    TokenExpires,
    /// The server no longer accepts the token.
    #[error("the notification socket refused the token")]
    TokenRefused,
}

impl From<WriteFailure> for SocketEnd {
    fn from(failure: WriteFailure) -> Self {
        match failure {
            WriteFailure::Closed => Self::Closed,
            WriteFailure::TooSlow => Self::HalfOpen,
        }
    }
}

/// An open connection to the notification socket. `Debug` leaves the token out.
pub struct NotificationSocket {
    socket: Socket,
    token: AccessToken,
    heartbeat: Duration,
    heartbeat_at: Instant,
    unacknowledged: u32,
    ends_at: Instant,
}

impl std::fmt::Debug for NotificationSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotificationSocket")
            .field("unacknowledged", &self.unacknowledged)
            .finish_non_exhaustive()
    }
}

impl NotificationSocket {
    /// Connects in the name of the token's user, and shows the token. `http` comes from
    /// [`insights_http::client::build_stream_client`]; a heartbeat is sent after each time of `heartbeat`.
    ///
    /// # Errors
    /// What the token, the hosts and the handshake fail with; [`Error::ForeignHost`] if the host is none of NICE's; an
    /// [`Error::Http`] if the token is refused.
    pub async fn open(
        http: &HttpClient,
        client: &TenantClient,
        heartbeat: Duration,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let endpoint = Endpoint::new(
            socket_url(client, deadline).await?,
            TEMPLATE,
            Need::Scope(""),
        );
        let token = client.tokens().token(deadline).await?;
        let opening = upgrade(http, &endpoint, None);
        let socket = deadline
            .bound(opening)
            .await
            .ok_or_else(|| too_late(TEMPLATE))??;
        let left = token.expires_at().duration_since(Timestamp::now());
        let left = Duration::try_from(left).unwrap_or_default();
        let mut opened = Self {
            socket,
            token,
            heartbeat,
            heartbeat_at: Instant::now() + heartbeat,
            unacknowledged: 0,
            ends_at: Instant::now() + left.saturating_sub(TOKEN_MARGIN),
        };
        let connect = frames::connect(opened.token.secret());
        let written = write_text(&mut opened.socket, connect).await;
        written.map_err(|_| closed(TEMPLATE))?;
        opened.wait_until_connected(deadline).await?;
        Ok(opened)
    }

    async fn wait_until_connected(&mut self, deadline: Deadline) -> Result<(), Error> {
        let until = Instant::now() + ANSWER_TIMEOUT.min(deadline.remaining());
        loop {
            let frame = timeout_at(until, self.socket.next()).await;
            match frame.map_err(|_| too_late(TEMPLATE))? {
                Some(Ok(Frame::Text(text))) => match read_frame(&text) {
                    ServerFrame::Connected => return Ok(()),
                    ServerFrame::Refused(code) => return Err(refusal(code)),
                    _ => {}
                },
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(closed(TEMPLATE)),
                Some(Ok(_)) => {}
            }
        }
    }

    /// Asks for the transcript of a contact. The answer is one of the next frames.
    ///
    /// # Errors
    /// [`SocketEnd`] says why the connection is over.
    pub async fn subscribe(&mut self, contact_id: &str) -> Result<(), SocketEnd> {
        let frame = frames::subscribe(self.token.secret(), contact_id);
        Ok(write_text(&mut self.socket, frame).await?)
    }

    /// Asks for no more of a contact.
    ///
    /// # Errors
    /// [`SocketEnd`] says why the connection is over.
    pub async fn unsubscribe(&mut self, contact_id: &str) -> Result<(), SocketEnd> {
        let frame = frames::unsubscribe(self.token.secret(), contact_id);
        Ok(write_text(&mut self.socket, frame).await?)
    }

    /// Waits for the next frame; sends heartbeats in the meantime. May be canceled at any time.
    ///
    /// # Errors
    /// [`SocketEnd`] says why the connection is over.
    pub async fn next_frame(&mut self) -> Result<ServerFrame, SocketEnd> {
        loop {
            let now = Instant::now();
            if now >= self.ends_at {
                return Err(SocketEnd::TokenExpires);
            }
            if now >= self.heartbeat_at {
                if self.unacknowledged >= MAX_UNACKNOWLEDGED {
                    return Err(SocketEnd::HalfOpen);
                }
                // Noted before it is written, because a caller may drop this future while the socket is full.
                self.unacknowledged += 1;
                self.heartbeat_at = now + self.heartbeat;
                write_text(&mut self.socket, frames::heartbeat()).await?;
                continue;
            }
            let until = self.heartbeat_at.min(self.ends_at);
            let Ok(frame) = timeout_at(until, self.socket.next()).await else {
                continue;
            };
            match frame {
                Some(Ok(Frame::Text(text))) => match read_frame(&text) {
                    ServerFrame::HeartbeatAcknowledged => {
                        self.unacknowledged = 0;
                        return Ok(ServerFrame::HeartbeatAcknowledged);
                    }
                    frame => return Ok(frame),
                },
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(SocketEnd::Closed),
                Some(Ok(_)) => {}
            }
        }
    }
}

/// Returns the error that a refused connection stands for.
fn refusal(code: Option<u16>) -> Error {
    let endpoint = TEMPLATE.to_owned();
    let error = match code {
        Some(401) => HttpError::Unauthorized { endpoint },
        Some(429) => HttpError::RateLimited {
            endpoint,
            retry_after: None,
        },
        Some(status) => HttpError::Rejected { endpoint, status },
        None => return Error::invalid_response(TEMPLATE, "it refused the token without a code"),
    };
    error.into()
}

/// Returns the URL of the socket, as the settings or the area name it, with the user and the business unit.
async fn socket_url(client: &TenantClient, deadline: Deadline) -> Result<Url, Error> {
    let hosts = client.hosts(deadline).await?;
    let named = hosts.notifications.clone().ok_or_else(|| {
        Error::invalid(
            "the notification socket",
            "its host is not known: set CXONE_VOICE_NOTIFICATIONS_URL",
        )
    })?;
    client.allow_list().check(&named, "the tenant")?;
    let url = handshake_url(&named, "the notification socket")?;
    let mut url = match url.path() {
        "" | "/" => append_path(&url, PATH),
        _ => url,
    };
    let claims = client.claims(deadline).await?;
    let (Some(agent), Some(unit)) = (claims.agent_id.or(claims.user_id), claims.business_unit)
    else {
        return Err(Error::invalid(
            "the notification socket",
            "the token does not name the user and the business unit: no live words of calls without them",
        ));
    };
    url.query_pairs_mut()
        .append_pair("agentId", &agent)
        .append_pair("BUid", &unit);
    Ok(url)
}
