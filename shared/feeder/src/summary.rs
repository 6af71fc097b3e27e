//! What came of a run.

use serde::Serialize;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The number of conversations that the list named, each time it named one.
    pub listed: usize,
    /// The number of rows that name no conversation.
    pub unusable: usize,
    /// The number of conversations that were new or had changed.
    pub changed: usize,
    /// The number of conversations that were delivered.
    pub delivered: usize,
    /// The number of conversations whose removal was delivered.
    pub removed: usize,
    /// The number of conversations that have no text.
    pub without_text: usize,
    /// The number of conversations that wait for their text, or for another try.
    pub waiting: usize,
    /// Whether the list was read to its end.
    pub is_complete: bool,
    /// Why the contact center did not answer for the time being, where that ended the run; the log has it for the deployed feeder.
    #[serde(skip)]
    pub interruption: Option<String>,
    /// Whether another run was at work, so that this one did nothing.
    pub is_busy: bool,
}
