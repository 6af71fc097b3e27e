//! What is said in calls that go on: the notification socket from which NICE's own agent application gets its transcripts.
//!
//! NICE has not published this interface and supports it for nobody but that application. It is built from what the application's code
//! shows, was never run against a tenant, and is used only where an operator has switched it on.
//!
//! | Module | What it does |
//! |---|---|
//! | `frames` | Reads and writes the frames of the socket. |
//! | `speakers` | Decides who said something, which the socket does not tell. |
//! | `socket` | One connection: token, subscriptions, heartbeats. |
//! | `live_calls` | The calls that are followed, and what was heard in each. |
//! | `heard_utterances` | What was heard in one call, each utterance once. |
//! | `listening` | Connects, subscribes, connects again. |
//!
//! The socket repeats nothing: what is said while nobody is connected is gone, which is counted and logged.

mod frames;
mod heard_utterances;
mod listening;
mod live_calls;
mod socket;
mod speakers;

pub use self::frames::{ServerFrame, Utterance, read_frame};
pub use self::listening::{ListeningTimes, listen};
pub use self::live_calls::LiveCalls;
pub use self::socket::{NotificationSocket, SocketEnd};
pub use self::speakers::CustomerMarks;
