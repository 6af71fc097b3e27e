//! The words and phrases that a team configures in place of the built-in rules of a severity.

use serde::Deserialize;

use super::severity::Severity;

/// Largest number of phrases in the list of one severity.
const MAX_PHRASES: usize = 1000;
/// Largest length of a phrase in bytes.
const MAX_PHRASE_BYTES: usize = 200;

/// The configured words and phrases of each severity.
///
/// The JSON form is `{"legal": [..], "complaint": [..], "urgent": [..]}`. A severity whose list is left out, or is `null`,
/// keeps its built-in rules; an empty list switches it off. The words of a phrase must stand in a row, each exactly as it
/// is, and a `*` at the end stands for any ending.
///
/// ```
/// use insights_core::chat::escalation::{EscalationDetector, EscalationPhrases};
///
/// let phrases = EscalationPhrases::from_json(r#"{"urgent": ["bleeding heart", "down*"]}"#).unwrap();
/// let detector = EscalationDetector::new(&phrases);
/// assert!(detector.find("our shop is downtime").is_some());
/// assert!(detector.find("this is urgent").is_none(), "the built-in rules are replaced");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EscalationPhrases {
    legal: Option<Vec<String>>,
    complaint: Option<Vec<String>>,
    urgent: Option<Vec<String>>,
}

/// The reason why configured phrases were refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPhrases {
    /// The text is not JSON of the expected form.
    #[error(
        "escalation phrases must be a JSON object with the lists `legal`, `complaint` and `urgent` of phrases: {0}"
    )]
    Json(#[from] serde_json::Error),
    /// A phrase could match nothing, or everything.
    #[error(
        "{severity} phrase {number}: {reason}; a phrase has at least one word, at most 200 bytes, and `*` only at the end of a word"
    )]
    Phrase {
        /// The severity whose list has the phrase.
        severity: Severity,
        /// The position of the phrase in the list, from 1.
        number: usize,
        /// What is wrong with the phrase.
        reason: &'static str,
    },
    /// A list has too many phrases.
    #[error("the {severity} list has {count} phrases, at most 1000 are allowed")]
    TooMany {
        /// The severity of the list.
        severity: Severity,
        /// The number of phrases in the list.
        count: usize,
    },
}

impl EscalationPhrases {
    /// Reads phrases from their JSON form and checks them.
    ///
    /// # Errors
    /// [`InvalidPhrases`], naming the list and the phrase that is wrong.
    pub fn from_json(json: &str) -> Result<Self, InvalidPhrases> {
        let lists: Self = serde_json::from_str(json)?;
        for severity in Severity::ALL {
            let phrases = lists.of(severity).unwrap_or_default();
            if phrases.len() > MAX_PHRASES {
                return Err(InvalidPhrases::TooMany {
                    severity,
                    count: phrases.len(),
                });
            }
            for (index, phrase) in phrases.iter().enumerate() {
                if let Some(reason) = find_fault(phrase) {
                    return Err(InvalidPhrases::Phrase {
                        severity,
                        number: index + 1,
                        reason,
                    });
                }
            }
        }
        Ok(lists)
    }

    /// Returns the phrases of a severity in their configured order; `None` if the built-in rules hold.
    #[must_use]
    pub fn of(&self, severity: Severity) -> Option<&[String]> {
        match severity {
            Severity::Legal => self.legal.as_deref(),
            Severity::Complaint => self.complaint.as_deref(),
            Severity::Urgent => self.urgent.as_deref(),
        }
    }
}

/// Returns what is wrong with a phrase, or nothing.
fn find_fault(phrase: &str) -> Option<&'static str> {
    if phrase.len() > MAX_PHRASE_BYTES {
        return Some("it is too long");
    }
    if !phrase.chars().any(char::is_alphanumeric) {
        return Some("it has no word");
    }
    let misplaced = |word: &str| match word.find('*') {
        Some(at) => at + 1 != word.len() || !word[..at].ends_with(char::is_alphanumeric),
        None => false,
    };
    phrase
        .split_whitespace()
        .any(misplaced)
        .then_some("its `*` is misplaced")
}
