//! Live calls: which segments are new, how the mood of the call develops, when the agent gets a suggestion, and what must
//! still be delivered to the contact center.
//!
//! # One pure transition
//! [`apply_event`] is the whole algorithm. It takes the [`CallState`] of one call, a [`CallEvent`], the [`LiveSettings`] and
//! the current time, and returns the next state and the [`CallAction`]s that the caller has to carry out, in order. It does
//! no I/O and reads no clock, so tests can try every schedule of crashes, repeated answers and competing processes.
//!
//! # Surviving a crash
//! The state is one item in the state store. The process that carries out the actions writes the state before any action
//! that follows [`CallAction::SaveState`]. A crash at any point therefore leaves one of two situations, and both heal:
//! - the old state is stored: the same segments are fetched and scored again;
//! - the new state is stored: whatever was still to be sent is part of that state and is sent from it.
//!
//! # The path of a segment
//! 1. [`segment`]: a [`Segment`] has no identifier of its own, so its identity is a hash of times, speaker and text.
//! 2. `sweep`: decides from where the next poll reads, so that segments that become visible late are not missed.
//! 3. `selection`: keeps the final segments that were never scored, oldest first, at most one batch.
//! 4. `batch`: counts a scored batch into the state.
//! 5. [`segment_memory`]: remembers the counted segments, so that a repeat is recognized and the window can be averaged;
//!    `set_aside` remembers those that have wrong times or no score.
//! 6. [`window`]: computes the moving averages and their trends.
//! 7. [`alert`]: decides whether the call has become bad enough for a suggestion, and [`suggestion_template`] chooses its text.
//! 8. [`call_rules`]: decides the rules of a configured rule file, and keeps their hits.
//! 9. `delivery`: lists the attributes and suggestions that the contact center has not acknowledged yet.
//! 10. `listening`: tells silence from time in which nobody could listen.
//!
//! For people who look at many calls, the state also has the [`details`] of the call, its [`speech_totals`] and its
//! [`score_history`]. Nothing decides by them.

pub mod action;
pub mod alert;
pub mod alert_replay;
mod batch;
pub mod call_rules;
pub mod call_state;
mod delivery;
pub mod details;
pub mod event;
pub mod lease;
mod listening;
pub mod score_history;
pub mod segment;
pub mod segment_memory;
mod selection;
mod set_aside;
pub mod settings;
pub mod speech_totals;
pub mod suggestion;
pub mod suggestion_template;
mod sweep;
pub mod transition;
pub mod view;
pub mod window;
pub mod write_budget;

#[cfg(test)]
mod model_tests;

pub use action::{BatchReport, CallAction, LeaveReason, ReportedSegment};
pub use call_rules::CallRules;
pub use call_state::{CallEnd, CallState, EndReason};
pub use details::CallDetails;
pub use event::{CallEvent, ScoredBatch, ScoredSegment};
pub use lease::Lease;
pub use score_history::ScoreHistory;
pub use segment::{Segment, SegmentId, Speaker};
pub use settings::{AlertSettings, AlertSubject, LiveSettings};
pub use speech_totals::SpeechTotals;
pub use suggestion::{Suggestion, SuggestionStatus};
pub use suggestion_template::SuggestionTemplates;
pub use transition::apply_event;
pub use view::CallView;
pub use window::{CallSentiment, Trend, WindowSentiment};
