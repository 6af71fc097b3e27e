//! The answer of the Data Action.

use serde::Serialize;

/// The answer of a Data Action: exactly these four fields.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// 0 negative to 1 positive, 4 decimals.
    pub sentiment_score: f64,
    /// The emotions found, strongest first.
    pub emotion_tags: Vec<String>,
    /// Whether the score is below the threshold.
    pub alert_triggered: bool,
    /// From the request's arrival to its answer, in milliseconds, 2 decimals.
    pub processing_latency_ms: f64,
}
