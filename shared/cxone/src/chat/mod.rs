//! Chat: the stream of messages, an agent's presence and availability, and the transcripts of conversations.
//!
//! A [`Connection`] is one WebSocket to the stream. It is opened with a fresh token, kept alive by pings, and given up when
//! the server falls silent. When to connect again is the caller's decision ([`insights_core::backoff`]).

mod agent;
mod connection;
mod handshake;
mod keepalive;
mod transcript;
mod unacknowledged;
pub mod wire;

pub use agent::{Skill, set_availability, set_presence};
pub use connection::{Connection, ConnectionEnd, Incoming};
pub(crate) use handshake::upgrade;
pub use keepalive::StreamTiming;
pub use transcript::{ChatTranscript, read_transcript};
