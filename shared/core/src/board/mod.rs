//! The supervisor board: what it knows of each live conversation, and what supervisors say about alerts.
//!
//! - [`row`]: the [`BoardRow`] of a conversation, which the poller and the chat session write, so that whoever shows many
//!   conversations reads one small item for each.
//! - [`last_line`]: the customer's newest words, redacted and cut, for the row.
//! - [`mark`]: an [`AlertMark`] says that an alert was acknowledged, snoozed or wrong, by whom, and why. Marks are stored as
//!   JSON whose names do not change; a replay of rules reads those that say "wrong".
//! - [`unknown_rules`]: the rules of a chat that cannot be answered.
//! - [`mod@standing`]: how severe a conversation is now, and whether its alert waits for somebody.
//!
//! The numbers of the board are those of [`crate::live`]: the same windows, averages, trends and shares.

pub mod chat_row;
pub mod last_line;
pub mod mark;
pub mod row;
pub mod standing;
pub mod unknown_rules;

pub use chat_row::ChatUpdate;
pub use last_line::LastLine;
pub use mark::{AlertMark, AlertMarks, AlertReference, InvalidMark, MarkKind};
pub use row::{BoardRow, ConversationKind, RowAlert, RowReading};
pub use standing::{AlertHandling, Severity, Standing, standing, word_of_score};
pub use unknown_rules::UnknownRules;
