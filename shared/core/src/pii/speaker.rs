//! Speakers of a conversation, and the labels that name them in a text.

use std::ops::Range;

/// Who says a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SpeakerRole {
    /// Somebody of the contact center, or a bot of it.
    Agent,
    /// The customer of the contact center.
    Customer,
    /// Nobody knows who: the turn may ask and answer.
    #[default]
    Unknown,
}

impl SpeakerRole {
    /// Returns the role that a label such as `Agent` or `customer` names.
    #[must_use]
    pub fn from_label(label: &str) -> Self {
        const AGENTS: [&str; 9] = [
            "agent",
            "rep",
            "representative",
            "advisor",
            "adviser",
            "operator",
            "bot",
            "assistant",
            "system",
        ];
        const CUSTOMERS: [&str; 10] = [
            "customer", "caller", "client", "user", "member", "visitor", "guest", "consumer",
            "end_user", "enduser",
        ];
        let label = label.trim();
        let is_one_of = |names: &[&str]| names.iter().any(|name| label.eq_ignore_ascii_case(name));
        if is_one_of(&AGENTS) {
            Self::Agent
        } else if is_one_of(&CUSTOMERS) {
            Self::Customer
        } else {
            Self::Unknown
        }
    }
}

/// Cuts a text at labels of speakers such as `Agent:`, and returns who says each part.
pub(super) fn split_at_labels(text: &str, role: SpeakerRole) -> Vec<(SpeakerRole, Range<usize>)> {
    let mut parts = Vec::new();
    let (mut from, mut speaker) = (0, role);
    for (at, _) in text.match_indices(':') {
        let start = text[..at]
            .rfind(|letter: char| !letter.is_alphabetic() && letter != '_')
            .map_or(0, |place| {
                place + text[place..].chars().next().map_or(1, char::len_utf8)
            });
        let named = SpeakerRole::from_label(&text[start..at]);
        let is_apart = text[at + 1..].starts_with(char::is_whitespace);
        if named == SpeakerRole::Unknown || start < from || !is_apart {
            continue;
        }
        if from < start {
            parts.push((speaker, from..start));
        }
        (from, speaker) = (at + 1, named);
    }
    if from < text.len() || parts.is_empty() {
        parts.push((speaker, from..text.len()));
    }
    parts
}
