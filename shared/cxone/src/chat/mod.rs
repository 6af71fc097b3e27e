//! Chat: the stream of messages, an agent's presence and routing, and the transcripts of conversations.
//!
//! [`Connection`] is one WebSocket to the stream, opened with a fresh token, kept alive by pings, and given up when the
//! other side falls silent. When to connect again is the caller's decision ([`insights_core::backoff`]).

mod agent;
mod connection;
mod handshake;
mod keepalive;
mod transcript;
pub mod wire;
mod written;

pub use agent::{Skill, set_availability, set_presence};
pub use connection::{Connection, End, Incoming};
pub use keepalive::Timing;
pub use transcript::{Transcript, transcript};
