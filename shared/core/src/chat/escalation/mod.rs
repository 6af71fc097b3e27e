//! What in a message a supervisor must see: legal threats, complaints, urgency, the most severe first.
//!
//! A trigger is a word or a phrase, matched on whole words; a trailing `*` matches any ending (`lawyer*`). A trigger that
//! the customer denies ("not a complaint", "nothing urgent") is none; see the module `negation` for when that is so.

mod lists;
mod negation;

pub use lists::{Lists, ListsError};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::lexicon::words::{Piece, pieces};

/// How severe a trigger is; ordered, the last is the most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The customer cannot wait.
    Urgent,
    /// The customer complains, or asks for somebody higher up.
    Complaint,
    /// The customer speaks of lawyers, courts or regulators.
    Legal,
}

impl Severity {
    /// All, the most severe first.
    pub const ALL: [Self; 3] = [Self::Legal, Self::Complaint, Self::Urgent];

    /// The lower-case name, as in lists, metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Complaint => "complaint",
            Self::Legal => "legal",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A trigger that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// How severe it is.
    pub severity: Severity,
    /// The list's word or phrase, not the customer's text: it may be logged.
    pub phrase: String,
}

/// Finds triggers by lists.
#[derive(Debug, Clone)]
pub struct Escalation {
    phrases: Vec<Phrase>,
}

#[derive(Debug, Clone)]
struct Phrase {
    severity: Severity,
    shown: String,
    words: Vec<Word>,
}

#[derive(Debug, Clone)]
enum Word {
    Exact(String),
    Stem(String),
}

impl Word {
    fn matches(&self, piece: &Piece) -> bool {
        match (self, piece.word()) {
            (Self::Exact(exact), Some(word)) => {
                exact == word || word.strip_suffix("'s") == Some(exact)
            }
            (Self::Stem(stem), Some(word)) => word.starts_with(stem.as_str()),
            (_, None) => false,
        }
    }
}

impl Default for Escalation {
    fn default() -> Self {
        Self::new(&Lists::default())
    }
}

impl Escalation {
    /// Triggers of these lists.
    #[must_use]
    pub fn new(lists: &Lists) -> Self {
        let compile = |severity, phrase: &String| Phrase {
            severity,
            shown: phrase.clone(),
            words: phrase.split_whitespace().flat_map(words_of).collect(),
        };
        let phrases = Severity::ALL
            .iter()
            .flat_map(|&severity| {
                lists
                    .of(severity)
                    .iter()
                    .map(move |phrase| compile(severity, phrase))
            })
            .filter(|phrase| !phrase.words.is_empty())
            .collect();
        Self { phrases }
    }

    /// The most severe trigger of a text.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Trigger> {
        let pieces = pieces(text);
        // The phrases stand in the order of severity: the first that is there and not denied is the answer.
        self.phrases
            .iter()
            .find(|phrase| phrase.is_in(&pieces))
            .map(|phrase| Trigger {
                severity: phrase.severity,
                phrase: phrase.shown.clone(),
            })
    }
}

impl Phrase {
    fn is_in(&self, pieces: &[Piece]) -> bool {
        pieces
            .windows(self.words.len())
            .enumerate()
            .any(|(at, window)| {
                self.words
                    .iter()
                    .zip(window)
                    .all(|(word, piece)| word.matches(piece))
                    && !negation::denied(&pieces[..at])
            })
    }
}

/// A word of a phrase as the words the text will have: "sub-par" is two.
fn words_of(word: &str) -> Vec<Word> {
    let stem = word.ends_with('*');
    let mut words: Vec<Word> = pieces(word)
        .iter()
        .filter_map(|piece| piece.word().map(|word| Word::Exact(word.to_owned())))
        .collect();
    if stem && let Some(Word::Exact(last)) = words.pop() {
        words.push(Word::Stem(last));
    }
    words
}

/// Which severities a conversation has escalated with: each is raised once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalated(BTreeSet<Severity>);

impl Escalated {
    /// The trigger, if its severity has not been raised in this conversation; it is raised from now on.
    pub fn raise(&mut self, trigger: Option<Trigger>) -> Option<Trigger> {
        trigger.filter(|trigger| self.0.insert(trigger.severity))
    }

    /// Notes a severity as raised, as after reading what an earlier session did.
    pub fn note(&mut self, severity: Severity) {
        self.0.insert(severity);
    }
}

#[cfg(test)]
mod tests;
