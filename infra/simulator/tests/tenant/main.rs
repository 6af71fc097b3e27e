//! The simulated tenant over HTTP and WebSocket: each endpoint, and each quirk switched on alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap")]

mod acd;
mod analytics;
mod digital;
mod identity;
mod quirks;
mod sockets;
mod support;
