//! What a provider says about one text.

use insights_core::language::Language;
use insights_core::scale::Score;
use insights_core::signals::Signals;
use insights_core::unscored::Unscored;

/// The sentiment of one text, as a model or a service scored it.
#[derive(Debug, Clone, PartialEq)]
pub struct SentimentScore {
    /// The sentiment from 0 (negative) over 0.5 (neutral) to 1 (positive).
    pub score: Score,
    /// The emotions that were found, strongest first.
    pub emotions: Vec<String>,
    /// The signals that were found; an HTTP service finds none.
    pub signals: Signals,
    /// Why the text has no sentiment of its own and is neutral; `None` for a text that was scored.
    pub unscored: Option<Unscored>,
    /// The language of the text, where it is known; an HTTP service does not say.
    pub language: Option<Language>,
}

impl SentimentScore {
    /// Creates the sentiment of a text that was scored, without signals.
    #[must_use]
    pub const fn new(score: Score, emotions: Vec<String>) -> Self {
        Self {
            score,
            emotions,
            signals: Signals::NONE,
            unscored: None,
            language: None,
        }
    }

    /// Creates the neutral answer for a text that has no sentiment of its own.
    #[must_use]
    pub const fn unscored(reason: Unscored) -> Self {
        Self {
            score: Score::NEUTRAL,
            emotions: Vec::new(),
            signals: Signals::NONE,
            unscored: Some(reason),
            language: None,
        }
    }
}
