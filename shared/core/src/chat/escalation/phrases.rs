//! The words and phrases that escalate a conversation, by severity; a team may configure its own.

use serde::{Deserialize, Serialize};

use super::severity::Severity;

/// Largest number of phrases in the list of one severity.
const MAX_PHRASES: usize = 1000;
/// Largest length of a phrase in bytes.
const MAX_PHRASE_BYTES: usize = 200;

/// The words and phrases of each severity.
///
/// The JSON form is `{"legal": [..], "complaint": [..], "urgent": [..]}`. A list that is left out keeps its default; an
/// empty list switches its severity off.
///
/// ```
/// use insights_core::chat::escalation::{EscalationDetector, EscalationPhrases};
///
/// let phrases = EscalationPhrases::from_json(r#"{"urgent": ["bleeding heart", "down*"]}"#).unwrap();
/// let detector = EscalationDetector::new(&phrases);
/// assert!(detector.find("our shop is downtime").is_some());
/// assert!(detector.find("this is urgent").is_none(), "the default list is replaced");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EscalationPhrases {
    legal: Vec<String>,
    complaint: Vec<String>,
    urgent: Vec<String>,
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

impl Default for EscalationPhrases {
    fn default() -> Self {
        let owned = |list: &[&str]| list.iter().map(|&phrase| phrase.to_owned()).collect();
        Self {
            legal: owned(&[
                "lawyer*",
                "attorney*",
                "solicitor*",
                "legal",
                "legally",
                "regulatory",
                "regulator*",
                "complaint filed",
                "lawsuit*",
                "sue",
                "suing",
                "ombudsman",
                "small claims",
                "take you to court",
                "see you in court",
                "trading standards",
                "consumer protection",
            ]),
            complaint: owned(&[
                "complaint*",
                "complain",
                "complaining",
                "supervisor*",
                "manager*",
                "not satisfied",
                "not happy with",
                "unacceptable",
                "dissatisfied",
                "unsatisfied",
                "escalate this",
                "someone higher up",
            ]),
            urgent: owned(&[
                "urgent",
                "urgently",
                "emergency",
                "emergencies",
                "asap",
                "immediately",
                "right away",
                "as soon as possible",
            ]),
        }
    }
}

impl EscalationPhrases {
    /// Reads phrases from their JSON form and checks them.
    ///
    /// # Errors
    /// [`InvalidPhrases`], naming the list and the phrase that is wrong.
    pub fn from_json(json: &str) -> Result<Self, InvalidPhrases> {
        let lists: Self = serde_json::from_str(json)?;
        for severity in Severity::ALL {
            let phrases = lists.of(severity);
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

    /// Returns the phrases of a severity in their configured order.
    #[must_use]
    pub fn of(&self, severity: Severity) -> &[String] {
        match severity {
            Severity::Legal => &self.legal,
            Severity::Complaint => &self.complaint,
            Severity::Urgent => &self.urgent,
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
