//! The event hub: a WebSocket that tells that something happened in a digital contact.
//!
//! What it tells is a hint and nothing more: events are lost while nobody listens, come twice, and name their contact in several
//! ways. Whoever gets a hint reads the contact; after a reconnect every contact is read that is followed.

use std::time::Duration;

use futures::StreamExt;
use http::Method;
use insights_http::exchange::HttpClient;
use insights_http::{Deadline, Error as HttpError};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message as Frame;
use url::Url;

use super::calls::Call;
use super::client::TenantClient;
use super::lists::read_object;
use super::scalars::{Text, lenient};
use super::websocket::{
    ANSWER_TIMEOUT, Socket, TOKEN_MARGIN, WriteFailure, closed, handshake_url, too_late, write_text,
};
use crate::chat::upgrade;
use crate::endpoints::Endpoint;
use crate::error::Error;
use crate::need::Need;

/// How the event hub is named in logs and errors.
const TEMPLATE: &str = "{eventhub}";

/// Time between two heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Number of heartbeats without an answer after which the connection counts as dead.
const MAX_UNANSWERED: u32 = 4;

/// What types of events begin with that say nothing of what was written or of who has a contact.
const NO_NEWS: &[&str] = &[
    "SenderTyping",
    "MessagePreview",
    "MessageSeen",
    "MessageDelivery",
    "MessageNote",
    "Availability",
];

/// Why a connection to the event hub ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HubEnd {
    /// The server or the network closed the connection.
    #[error("the event hub closed the connection")]
    Closed,
    /// Nothing came from the server for too long.
    #[error("the event hub did not answer heartbeats")]
    HalfOpen,
    /// The server was connected to too often.
    #[error("the event hub was connected to too often")]
    TooManyConnections,
    /// The token of the connection expires, and a new connection needs a new one.
    #[error("the token of the event hub's connection expires")]
    TokenExpires,
}

/// What a frame of the event hub says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum HubFrame {
    Authorized,
    Alive,
    TooManyConnections,
    /// Something happened in a contact.
    Hint(String),
    Other,
}

/// An open connection to the event hub.
pub struct EventHub {
    socket: Socket,
    heartbeat_at: Instant,
    unanswered: u32,
    ends_at: Instant,
}

impl std::fmt::Debug for EventHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventHub").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HubUrl {
    #[serde(default, deserialize_with = "lenient")]
    websocket_url: Text,
}

impl EventHub {
    /// Connects and registers with the current token. `http` comes from [`insights_http::client::build_stream_client`].
    ///
    /// # Errors
    /// What the token, the hosts and the handshake fail with; [`Error::ForeignHost`] if the hub is none of NICE's; an
    /// [`Error::Http`] that is rate limited if the hub was connected to too often.
    pub async fn open(
        http: &HttpClient,
        client: &TenantClient,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let url = hub_url(client, deadline).await?;
        let endpoint = Endpoint::new(url, TEMPLATE, Need::Scope(""));
        let token = client.tokens().token(deadline).await?;
        let opening = upgrade(http, &endpoint, None);
        let socket = deadline
            .bound(opening)
            .await
            .ok_or_else(|| too_late(TEMPLATE))??;
        let left = token.expires_at().duration_since(Timestamp::now());
        let left = Duration::try_from(left).unwrap_or_default();
        let mut hub = Self {
            socket,
            heartbeat_at: Instant::now() + HEARTBEAT,
            unanswered: 0,
            ends_at: Instant::now() + left.saturating_sub(TOKEN_MARGIN),
        };
        let register =
            json!({"action": "register", "payload": {"token": token.secret().expose_secret()}});
        hub.write(register.to_string())
            .await
            .map_err(|_| closed(TEMPLATE))?;
        let until = Instant::now() + ANSWER_TIMEOUT.min(deadline.remaining());
        loop {
            let frame = timeout_at(until, hub.socket.next())
                .await
                .map_err(|_| too_late(TEMPLATE))?;
            match frame {
                Some(Ok(Frame::Text(text))) => match read_frame(&text) {
                    HubFrame::Authorized => return Ok(hub),
                    HubFrame::TooManyConnections => {
                        return Err(HttpError::RateLimited {
                            endpoint: TEMPLATE.to_owned(),
                            retry_after: Some(Duration::from_secs(30)),
                        }
                        .into());
                    }
                    _ => {}
                },
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(closed(TEMPLATE)),
                Some(Ok(_)) => {}
            }
        }
    }

    /// Waits for the next hint and returns the number of its contact; sends heartbeats in the meantime.
    ///
    /// # Errors
    /// [`HubEnd`] says why the connection is over.
    pub async fn next_hint(&mut self) -> Result<String, HubEnd> {
        loop {
            let now = Instant::now();
            if now >= self.ends_at {
                return Err(HubEnd::TokenExpires);
            }
            if now >= self.heartbeat_at {
                if self.unanswered >= MAX_UNANSWERED {
                    return Err(HubEnd::HalfOpen);
                }
                // Noted before it is written, because a caller may drop this future while the socket is full.
                self.unanswered += 1;
                self.heartbeat_at = now + HEARTBEAT;
                self.write(r#"{"action":"heartbeat"}"#.to_owned()).await?;
                continue;
            }
            let until = self.heartbeat_at.min(self.ends_at);
            let Ok(frame) = timeout_at(until, self.socket.next()).await else {
                continue;
            };
            match frame {
                Some(Ok(Frame::Text(text))) => {
                    self.unanswered = 0;
                    match read_frame(&text) {
                        HubFrame::Hint(contact) => return Ok(contact),
                        HubFrame::TooManyConnections => return Err(HubEnd::TooManyConnections),
                        HubFrame::Authorized | HubFrame::Alive | HubFrame::Other => {}
                    }
                }
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(HubEnd::Closed),
                Some(Ok(_)) => self.unanswered = 0,
            }
        }
    }

    async fn write(&mut self, text: String) -> Result<(), HubEnd> {
        let written = write_text(&mut self.socket, text).await;
        written.map_err(|failure| match failure {
            WriteFailure::Closed => HubEnd::Closed,
            WriteFailure::TooSlow => HubEnd::HalfOpen,
        })
    }
}

/// Asks the hub to tell of a contact for the next five minutes; doing it again is what prolongs it.
///
/// # Errors
/// As [`TenantClient::write`].
pub async fn follow_contact(
    client: &TenantClient,
    contact_id: &str,
    deadline: Deadline,
) -> Result<(), Error> {
    let body = json!({"relationObjectId": contact_id, "subscriptionType": "contact"});
    client
        .write(
            Call::EventHubSubscriptions,
            Method::POST,
            &[],
            &body,
            deadline,
        )
        .await?;
    Ok(())
}

/// Returns the URL of the hub, as the settings, the tenant or the area name it, with tenant and user.
async fn hub_url(client: &TenantClient, deadline: Deadline) -> Result<Url, Error> {
    let hosts = client.hosts(deadline).await?;
    let named = match &client.options().event_hub_url {
        Some(url) => Some(url.clone()),
        None => match client.read(Call::EventHubUrl, &[], &[], deadline).await {
            Ok(answer) => {
                let named: Result<HubUrl, _> =
                    serde_json::from_value(Value::Object(read_object(&answer)?));
                let named = named.ok().and_then(|named| named.websocket_url.into_text());
                named.and_then(|url| Url::parse(&url).ok())
            }
            Err(error) if error.is_request_refused() => None,
            Err(error) => return Err(error),
        },
    };
    let mut url = named.or_else(|| hosts.event_hub.clone()).ok_or_else(|| {
        Error::invalid(
            "the event hub",
            "its host is not known: set CXONE_EVENT_HUB_URL",
        )
    })?;
    client.allow_list().check(&url, "the tenant")?;
    url = handshake_url(&url, "the event hub")?;
    let claims = client.claims(deadline).await?;
    let tenant = hosts.tenant_id.clone().or(claims.tenant_id);
    {
        let mut query = url.query_pairs_mut();
        for (name, value) in [("tenantId", tenant), ("userId", claims.user_id)] {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
    }
    Ok(url)
}

/// Reads a frame: a bare word, an event, or an event as the text of a JSON string.
fn read_frame(text: &str) -> HubFrame {
    match text.trim().trim_matches('"') {
        "authorized" => return HubFrame::Authorized,
        "pong" => return HubFrame::Alive,
        "RATE_LIMIT_EXCEEDED" => return HubFrame::TooManyConnections,
        _ => {}
    }
    let mut event: Value = insights_core::lenient_json::from_str(text).unwrap_or_default();
    if let Value::String(inner) = &event {
        event = insights_core::lenient_json::from_str(inner).unwrap_or_default();
    }
    let kind = event["eventType"].as_str().unwrap_or_default();
    if NO_NEWS.iter().any(|it| kind.starts_with(it)) {
        return HubFrame::Other;
    }
    let data = &event["data"];
    let named = ["case", "contact", "customerContact"]
        .iter()
        .map(|name| &data[*name]["id"]);
    let of_message = [
        &data["message"]["contactNumber"],
        &data["message"]["caseId"],
    ];
    named
        .chain(of_message)
        .filter_map(|id| serde_json::from_value::<Text>(id.clone()).ok())
        .find_map(Text::into_plain_id)
        .map_or(HubFrame::Other, HubFrame::Hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_and_events_under_every_name_are_read() {
        assert_eq!(read_frame("authorized"), HubFrame::Authorized);
        assert_eq!(read_frame("\"pong\""), HubFrame::Alive);
        assert_eq!(
            read_frame("RATE_LIMIT_EXCEEDED"),
            HubFrame::TooManyConnections
        );
        let hint = HubFrame::Hint("127000000001".to_owned());
        for event in [
            r#"{"eventType": "MessageAddedIntoCase", "data": {"case": {"id": "127000000001"}}}"#,
            r#"{"data": {"contact": {"id": 127000000001}}}"#,
            r#"{"data": {"customerContact": {"id": "127000000001"}}}"#,
            r#"{"data": {"message": {"contactNumber": "127000000001"}}}"#,
            r#""{\"data\": {\"case\": {\"id\": \"127000000001\"}}}""#,
        ] {
            assert_eq!(read_frame(event), hint, "{event}");
        }
        for other in [
            r#"{"eventType": "Availability", "data": {}}"#,
            r#"{"eventType": "SenderTypingStarted", "data": {"case": {"id": "127000000001"}}}"#,
            r#"{"eventType": "MessageSeenChanged", "data": {"case": {"id": "127000000001"}}}"#,
            "7",
            "",
            "{",
            r#"{"data": {"case": {"id": "a/b"}}}"#,
        ] {
            assert_eq!(read_frame(other), HubFrame::Other, "{other}");
        }
    }
}
