//! The words and phrases that escalate, by severity; a team sets its own.

use serde::{Deserialize, Serialize};

use super::Severity;

/// Most phrases a list may have.
const PHRASES: usize = 1000;
/// Longest phrase in bytes.
const PHRASE_LIMIT: usize = 200;

/// Words and phrases by severity; as JSON `{"legal": [..], "complaint": [..], "urgent": [..]}`, where a list that is left out
/// is the default one and an empty list switches its severity off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lists {
    legal: Vec<String>,
    complaint: Vec<String>,
    urgent: Vec<String>,
}

/// Why lists were refused.
#[derive(Debug, thiserror::Error)]
pub enum ListsError {
    /// Not the JSON that lists are.
    #[error(
        "escalation lists are an object of lists `legal`, `complaint`, `urgent` of phrases: {0}"
    )]
    Json(#[from] serde_json::Error),
    /// A phrase that can match nothing, or everything.
    #[error(
        "{severity} phrase {number}: {reason}; a phrase has words, of at most 200 bytes, a `*` only behind letters"
    )]
    Phrase {
        /// In which list.
        severity: Severity,
        /// Which phrase of it, from 1.
        number: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Too many phrases.
    #[error("the {severity} list has {count} phrases, at most 1000 are allowed")]
    TooMany {
        /// In which list.
        severity: Severity,
        /// How many there are.
        count: usize,
    },
}

impl Default for Lists {
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

impl Lists {
    /// Lists from JSON.
    ///
    /// # Errors
    /// [`ListsError`] names the list and the phrase.
    pub fn from_json(json: &str) -> Result<Self, ListsError> {
        let lists: Self = serde_json::from_str(json)?;
        for severity in Severity::ALL {
            let phrases = lists.of(severity);
            if phrases.len() > PHRASES {
                return Err(ListsError::TooMany {
                    severity,
                    count: phrases.len(),
                });
            }
            for (index, phrase) in phrases.iter().enumerate() {
                if let Some(reason) = wrong(phrase) {
                    return Err(ListsError::Phrase {
                        severity,
                        number: index + 1,
                        reason,
                    });
                }
            }
        }
        Ok(lists)
    }

    /// The phrases of a severity.
    #[must_use]
    pub fn of(&self, severity: Severity) -> &[String] {
        match severity {
            Severity::Legal => &self.legal,
            Severity::Complaint => &self.complaint,
            Severity::Urgent => &self.urgent,
        }
    }
}

fn wrong(phrase: &str) -> Option<&'static str> {
    if phrase.len() > PHRASE_LIMIT {
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
