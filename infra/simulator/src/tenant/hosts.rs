//! The addresses of a simulated tenant's hosts, each on a port of its own.

use std::net::SocketAddr;

use serde::Serialize;

/// The addresses of a tenant's hosts, as base URLs without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hosts {
    /// Issuer of tokens: discovery and the token endpoint of registered applications.
    pub issuer: String,
    /// Regional host of users: tokens for an access key.
    pub auth: String,
    /// Contact lists and analytics; unless switched off, the digital API too.
    pub api: String,
    /// Digital contacts and their messages.
    pub digital: String,
    /// WebSocket of digital events.
    pub event_hub: String,
    /// WebSocket of live transcripts.
    pub notify: String,
}

impl Hosts {
    /// Returns the URLs of listeners in this order: issuer, auth, api, digital, event hub, notify.
    pub(super) fn of(addresses: [SocketAddr; 6]) -> Self {
        let [issuer, auth, api, digital, event_hub, notify] = addresses;
        let http = |addr: SocketAddr| format!("http://{addr}");
        Self {
            issuer: http(issuer),
            auth: http(auth),
            api: http(api),
            digital: http(digital),
            event_hub: format!("ws://{event_hub}"),
            notify: format!("ws://{notify}"),
        }
    }
}
