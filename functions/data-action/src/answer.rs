//! The answer of the Data Action.

use insights_core::language::Language;
use insights_core::signals::Signals;
use serde::Serialize;

/// The answer of a Data Action. Its JSON has exactly four fields; signals and language are for other forms of the answer.
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
    /// The signals that the text gives.
    #[serde(skip)]
    pub signals: Signals,
    /// The language of the text, if it is known.
    #[serde(skip)]
    pub language: Option<Language>,
}
