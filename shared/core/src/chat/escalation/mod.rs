//! Escalation: finds what in a message a supervisor must see, the most severe first.
//!
//! - A *trigger* is a rule of the file `rules.toml`, written in the language of [`crate::phrases`], or a word or phrase of
//!   [`EscalationPhrases`] that a team configures. Each belongs to one [`Severity`].
//! - [`EscalationDetector::find`] returns the most severe trigger of a text. What the customer denies ("not a complaint",
//!   "nothing urgent"), what only sounds alike ("legal name", "task manager") and praise ("answered immediately") does not
//!   count; what is a question or a reproach ("why is this not a complaint already") does. The rules say so themselves.
//! - A needless escalation costs a supervisor a glance, a missed one costs a customer: an unclear case counts.
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

mod built_in;
mod detector;
mod phrases;
mod raised;
mod severity;

pub use detector::{EscalationDetector, EscalationSource, EscalationTrigger};
pub use phrases::{EscalationPhrases, InvalidPhrases};
pub use raised::RaisedSeverities;
pub use severity::Severity;

#[cfg(test)]
mod tests;
