//! Personal data in conversations: finds it, says of which kind it is, and replaces it by masks.
//!
//! - A number that is given in pieces passes every check of a single text. [`ConversationRedactor`] therefore reads turn after
//!   turn: a question of the agent or an announcement of the customer opens a window for the kinds that are expected, in which
//!   digits, spoken digits and spellings are masked whatever their check digit, until an answer is complete or three turns
//!   of the customer and 30 seconds have passed. What was masked is masked again when somebody reads it back. Where
//!   a security code or a PIN is expected, everything is masked that may be one.
//! - Numbers that can be checked are checked: the Luhn digit and the issuer of a payment card (ISO/IEC 7812), the length and the
//!   remainder of an IBAN (ISO 13616), the ranges from which United States social security numbers are issued, the
//!   groups in which the telephone numbers of a country are written.
//! - Orders, tickets, tracking numbers, devices, amounts, times, versions and addresses of networks are left alone.
//!
//! What only a later turn shows to be personal data, such as the first half of a card number that nobody asked for, is reported
//! as a [`LateFinding`] of the earlier turn, so that stores mask it. All findings of the turns together are the same
//! as those over the whole conversation at once.
//!
//! The time is linear in the length of a text: each word is looked up once, and no pattern backtracks.
//!
//! ```
//! use insights_core::pii::{PiiKind, detect, redact};
//!
//! let text = "My card is 4111 1111 1111 1111, order number 4111 1111 1111 1112";
//! let findings = detect(text);
//! assert_eq!(findings[0].kind, PiiKind::CreditCard);
//! assert_eq!(findings.len(), 1, "the second number is an order");
//! assert_eq!(redact(text, &findings).0, "My card is [CARD], order number 4111 1111 1111 1112");
//! ```
//!
//! ```
//! use insights_core::pii::{RedactionPolicy, SpeakerRole, redact_turns};
//!
//! let turns = [
//!     (SpeakerRole::Agent, "card number please"),
//!     (SpeakerRole::Customer, "4111 1111"),
//!     (SpeakerRole::Agent, "okay"),
//!     (SpeakerRole::Customer, "1111 1111"),
//! ];
//! let redacted = redact_turns(turns, &RedactionPolicy::default());
//! assert_eq!(redacted[1].text, "[CARD]");
//! assert_eq!(redacted[3].text, "[CARD]");
//! ```

mod addresses;
mod asking;
mod asking_words;
mod cards_in_runs;
mod claims;
mod classify;
mod conversation;
mod dates;
mod digit_words;
mod email;
mod finding;
mod identifiers;
mod joined;
mod late;
mod memory;
mod name_answers;
mod name_words;
mod numbers;
mod password_answers;
mod phrases;
mod policy;
mod questions;
mod reading;
mod runs;
mod speaker;
mod spelled;
#[cfg(test)]
mod tests;
mod tokens;
mod turn_data;
mod vocabulary;
mod window;
mod words;

pub use conversation::{ConversationRedactor, ConversationTurn, TurnFindings};
pub use finding::{Finding, PiiKind};
pub use late::{LateFinding, add_late};
pub use policy::{MaskStyle, PiiKinds, RedactionPolicy, UnknownPiiKind, is_masked_form_of};
pub use speaker::SpeakerRole;

/// Finds all personal data of a single text, in the order of the text and without overlaps.
///
/// Labels such as `Agent:` in the text begin a turn of that speaker.
#[must_use]
pub fn detect(text: &str) -> Vec<Finding> {
    let turn = ConversationTurn {
        id: 0,
        role: SpeakerRole::Unknown,
        at_ms: None,
        text,
    };
    ConversationRedactor::default().push(&turn).findings
}

/// Replaces each finding by its placeholder, and returns the new text and the places of the placeholders in it.
///
/// `findings` must be the result of [`detect`] for the same text.
#[must_use]
pub fn redact(text: &str, findings: &[Finding]) -> (String, Vec<Finding>) {
    RedactionPolicy::default().mask_findings(text, findings)
}

/// Returns a single text with its personal data masked.
#[must_use]
pub fn redact_text(text: &str, policy: &RedactionPolicy) -> String {
    let turn = ConversationTurn {
        id: 0,
        role: SpeakerRole::Unknown,
        at_ms: None,
        text,
    };
    policy
        .mask_findings(
            text,
            &ConversationRedactor::new(*policy).push(&turn).findings,
        )
        .0
}

/// A turn whose personal data is masked.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedTurn {
    /// The text of the turn with masks.
    pub text: String,
    /// The places of the masks in that text.
    pub masks: Vec<Finding>,
}

/// Omits the text of the conversation, so that the text cannot reach a log.
impl std::fmt::Debug for RedactedTurn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedactedTurn")
            .field("bytes", &self.text.len())
            .field("masks", &self.masks.len())
            .finish()
    }
}

/// Finds the personal data of a whole conversation: for each turn its findings, those that only later turns brought included.
#[must_use]
pub fn detect_turns<'t>(
    turns: impl IntoIterator<Item = (SpeakerRole, &'t str)>,
    policy: &RedactionPolicy,
) -> Vec<Vec<Finding>> {
    let turns = turns.into_iter().map(|(role, text)| (role, None, text));
    detect_timed_turns(turns, policy)
}

/// Finds the personal data of a whole conversation as [`detect_turns`] does, where the times of turns are known: speaker,
/// milliseconds since the epoch, and text of each.
#[must_use]
pub fn detect_timed_turns<'t>(
    turns: impl IntoIterator<Item = (SpeakerRole, Option<i64>, &'t str)>,
    policy: &RedactionPolicy,
) -> Vec<Vec<Finding>> {
    let mut redactor = ConversationRedactor::new(*policy);
    let mut found: Vec<Vec<Finding>> = Vec::new();
    for (id, (role, at_ms, text)) in (0..).zip(turns) {
        let turn = redactor.push(&ConversationTurn {
            id,
            role,
            at_ms,
            text,
        });
        found.push(turn.findings);
        for late in turn.late {
            if let Some(earlier) = usize::try_from(late.turn_id)
                .ok()
                .and_then(|id| found.get_mut(id))
            {
                add_late(earlier, &late);
            }
        }
    }
    found
}

/// Returns the turns of a whole conversation with their personal data masked.
#[must_use]
pub fn redact_turns<'t>(
    turns: impl IntoIterator<Item = (SpeakerRole, &'t str)>,
    policy: &RedactionPolicy,
) -> Vec<RedactedTurn> {
    let turns: Vec<(SpeakerRole, &str)> = turns.into_iter().collect();
    let found = detect_turns(turns.iter().copied(), policy);
    turns
        .iter()
        .zip(found)
        .map(|((_, text), findings)| {
            let (text, masks) = policy.mask_findings(text, &findings);
            RedactedTurn { text, masks }
        })
        .collect()
}
