//! A transcript: who said what, when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who speaks; system lines are no part of a transcript here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The agent.
    Agent,
    /// The customer.
    Customer,
}

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who says it.
    pub speaker: Speaker,
    /// What is said, as it was written down: case and punctuation carry sentiment.
    pub text: String,
    /// When it begins, if that is known.
    pub at: Option<Timestamp>,
}

/// The lines' texts with a space between, in order; lines of white space alone add nothing.
pub fn join_lines<'a>(lines: impl IntoIterator<Item = &'a Line>) -> String {
    let mut text = String::new();
    for line in lines {
        let said = line.text.trim();
        if said.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(said);
    }
    text
}
