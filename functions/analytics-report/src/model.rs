//! The local model as the report uses it.

use std::sync::Arc;

use futures::future::BoxFuture;
use insights_core::signals::Signals;

/// What the local model says of one line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineScore {
    /// The score, 0 to 1 with 0.5 neutral; `None` for a line without words or in a language that the model does not read.
    pub score: Option<f64>,
    /// The signals of the line.
    pub signals: Signals,
}

/// A function that scores the customer's lines of a conversation with the local model, one result a line.
pub type ModelScorer =
    Arc<dyn Fn(Vec<String>) -> BoxFuture<'static, anyhow::Result<Vec<LineScore>>> + Send + Sync>;
