//! Live calls: which segments are new, what the window says, when the agent is told, and what must still be sent.
//!
//! [`step()`] is the whole of it: a state, an event and the time in, the next state and the effects out. The state is one
//! item in the state store. Whoever drives it writes the state before any effect that follows [`Effect::Save`], so a
//! crash at any point leaves either the old state, and the segments are fetched again, or the new one, and what was
//! to be sent is sent from it.

pub mod alert;
mod batch;
pub mod evaluate;
pub mod event;
pub mod interaction;
pub mod recent;
pub mod rules;
pub mod segment;
pub mod step;
pub mod suggestion;
pub mod view;
pub mod window;

#[cfg(test)]
mod model_tests;

pub use event::{Batch, Effect, Event, Left, Scored};
pub use interaction::{Interaction, Suggestion, SuggestionStatus};
pub use rules::{AlertRules, Listener, Rules};
pub use segment::{Direction, Segment, SegmentId};
pub use step::step;
pub use suggestion::Templates;
pub use window::{Reading, Readings, Trend};
