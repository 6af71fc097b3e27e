//! Escalation: finds what in a message a supervisor must see, the most severe first.
//!
//! - A *trigger* is a word or a phrase of [`EscalationPhrases`], matched on whole words; a trailing `*` matches any ending
//!   (`lawyer*`). Each phrase belongs to one [`Severity`].
//! - [`EscalationDetector::find`] returns the most severe trigger of a text. A trigger that the customer denies ("not a
//!   complaint", "nothing urgent") does not count; the module `denial` says when that is so.
//! - [`RaisedSeverities`] remembers per conversation which severities were raised, so that each is raised once.
//!
//! ```
//! use insights_core::chat::escalation::{EscalationDetector, RaisedSeverities, Severity};
//!
//! let detector = EscalationDetector::default();
//! let trigger = detector.find("My lawyer will hear about this complaint");
//! assert_eq!(trigger.as_ref().map(|trigger| trigger.severity), Some(Severity::Legal));
//! assert_eq!(detector.find("this is not a complaint"), None);
//!
//! let mut raised = RaisedSeverities::default();
//! assert!(raised.raise(trigger.clone()).is_some());
//! assert!(raised.raise(trigger).is_none(), "each severity is raised once");
//! ```

mod denial;
mod detector;
mod phrases;
mod raised;
mod severity;

pub use detector::{EscalationDetector, EscalationTrigger};
pub use phrases::{EscalationPhrases, InvalidPhrases};
pub use raised::RaisedSeverities;
pub use severity::Severity;

#[cfg(test)]
mod tests;
