//! Chat sessions: what a session decides, apart from sockets, stores and clocks.
//!
//! A frame of the stream becomes an [`envelope::Event`]; a message is known by its [`message::Identity`]; the
//! [`pace::Pacer`] lets each conversation through at its own rate and keeps its order; [`sla`] measures how long messages
//! took; [`escalation`] finds what a supervisor must see; [`merge`] makes the archive of what came by stream and by REST;
//! [`replay`] gives the archive its pauses back. Monotonic moments are [`std::time::Instant`]s passed in, wall-clock
//! times are milliseconds since the epoch, as on the wire.

pub mod archive;
pub mod availability;
pub mod bucket;
pub mod envelope;
pub mod escalation;
pub mod histogram;
pub mod known;
pub mod merge;
pub mod message;
pub mod pace;
pub mod replay;
pub mod sla;
