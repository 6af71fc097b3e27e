//! Texts that have no sentiment of their own.

use serde::{Deserialize, Serialize};

/// Why a text has no sentiment of its own. Such a text is answered as neutral, raises no alert, and is left out of averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unscored {
    /// Nothing that can be read is left of the text: it is blank, or a mark of a speech recognizer such as `[noise]`.
    NoWords,
    /// The text is in a language that is not read.
    OtherLanguage,
}

impl Unscored {
    /// Returns the name, as JSON uses it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoWords => "no_words",
            Self::OtherLanguage => "other_language",
        }
    }
}
