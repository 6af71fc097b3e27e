//! What a provider says about one text.

use insights_core::scale::Score;

/// The sentiment of one text, as a model or a service scored it.
#[derive(Debug, Clone, PartialEq)]
pub struct SentimentScore {
    /// The sentiment from 0 (negative) over 0.5 (neutral) to 1 (positive).
    pub score: Score,
    /// The emotions that were found, strongest first.
    pub emotions: Vec<String>,
}
