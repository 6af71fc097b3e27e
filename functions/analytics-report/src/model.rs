//! The local model as the report uses it.

use std::sync::Arc;

use futures::future::BoxFuture;

/// A function that scores the customer's lines of a conversation with the local model, each 0 to 1 with 0.5 neutral.
pub type ModelScorer =
    Arc<dyn Fn(Vec<String>) -> BoxFuture<'static, anyhow::Result<Vec<f64>>> + Send + Sync>;
