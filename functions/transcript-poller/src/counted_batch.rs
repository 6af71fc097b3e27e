//! What observers of the poller receive of a batch.

use insights_core::live::BatchReport;

/// One batch of segments that is in the stored state of its call, for observers.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedBatch {
    /// Identifier of the interaction.
    pub interaction_id: String,
    /// Segments and sentiment of the batch.
    pub report: BatchReport,
}
