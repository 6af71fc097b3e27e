//! Chat sessions: the decisions of a session, without sockets, stores and clocks.
//!
//! - [`frame`] holds what a frame of the chat stream reports ([`frame::ChatEvent`]) and the limits of its fields.
//! - [`message`] defines a message and its [`message::Identity`]; [`seen`] remembers identities in bounded memory.
//! - [`pacing`] limits the rate at which the messages of a conversation are processed, with a [`token_bucket`] for each.
//! - [`outbox`] decides which messages of the agent are sent, sent again, or known to have arrived.
//! - [`sla`] measures message latency with a [`histogram`]; [`availability`] computes the agent's availability for routing.
//! - [`contact_board`] decides which of many open contacts is read next, where there is no stream.
//! - [`escalation`] finds the words and phrases that a supervisor must know of.
//! - [`stored_message`] is a message as a session stores it; [`merge`] combines stored messages, transcript and previous
//!   archive into the [`archive`]; [`replay`] plans how an archive is shown with its pauses.
//!
//! All functions are pure. Monotonic moments are [`std::time::Instant`]s that the caller passes in; wall-clock times are
//! milliseconds since the epoch, as in the chat API.

pub mod archive;
pub mod archive_dialogue;
pub mod archive_key;
pub mod archive_redaction;
pub mod availability;
pub mod contact_board;
pub mod escalation;
pub mod frame;
pub mod histogram;
pub mod merge;
pub mod message;
pub mod outbox;
pub mod pacing;
pub mod replay;
pub mod seen;
pub mod sla;
pub mod stored_message;
pub mod token_bucket;
