//! The customer's newest words for the row: redacted with the context of the conversation, and cut.

use crate::live::Speaker;
use crate::pii::{
    ConversationRedactor, ConversationTurn, Finding, RedactionPolicy, SpeakerRole, add_late,
};

use super::mark::is_direction_override;

/// Longest line of a row, in bytes.
pub const MAX_LINE_BYTES: usize = 84;

/// Longest text that is redacted for a line, in bytes. What is longer is cut before, since only its start is shown.
const MAX_TEXT_BYTES: usize = 4096;

/// The customer's newest words of one conversation, whose turns are read one after the other.
///
/// The redactor remembers what was asked for, so that a card number in pieces is masked. A process that takes a conversation over
/// does not know what was asked before; as a second net, no line shows more than two digits in a row.
pub struct LastLine {
    policy: RedactionPolicy,
    redactor: ConversationRedactor,
    next_turn: u64,
    /// Newest turn of the customer as it was said, because later turns may show that more of it is personal data.
    newest: Option<Newest>,
    line: String,
}

struct Newest {
    turn: u64,
    text: String,
    findings: Vec<Finding>,
}

impl std::fmt::Debug for LastLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LastLine")
            .field("turns", &self.next_turn)
            .finish_non_exhaustive()
    }
}

impl Default for LastLine {
    fn default() -> Self {
        Self::after(String::new())
    }
}

impl LastLine {
    /// Creates the line of a conversation of which an earlier process has shown `line`.
    #[must_use]
    pub fn after(line: String) -> Self {
        let policy = RedactionPolicy::default();
        Self {
            redactor: ConversationRedactor::new(policy),
            policy,
            next_turn: 0,
            newest: None,
            line,
        }
    }

    /// Reads the next turn of the conversation.
    pub fn push(&mut self, speaker: Speaker, at_ms: i64, text: &str) {
        let text = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
        let turn = self.next_turn;
        self.next_turn += 1;
        let role = match speaker {
            Speaker::Customer => SpeakerRole::Customer,
            Speaker::Agent => SpeakerRole::Agent,
        };
        let found = self.redactor.push(&ConversationTurn {
            id: turn,
            role,
            at_ms: Some(at_ms),
            text,
        });
        if let Some(newest) = &mut self.newest {
            for late in &found.late {
                if late.turn_id == newest.turn {
                    add_late(&mut newest.findings, late);
                }
            }
        }
        if speaker == Speaker::Customer {
            self.newest = Some(Newest {
                turn,
                text: text.to_owned(),
                findings: found.findings,
            });
        }
        if let Some(newest) = &self.newest {
            let (masked, _) = self.policy.mask_findings(&newest.text, &newest.findings);
            self.line = short_line(&masked);
        }
    }

    /// Returns the customer's newest words, redacted and cut; empty before the customer has spoken.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.line
    }
}

/// Returns one line of at most [`MAX_LINE_BYTES`]: white space becomes single spaces, control characters go, and digits beyond two in
/// a row become `#`.
fn short_line(text: &str) -> String {
    const ELLIPSIS: &str = "…";
    let mut line = String::new();
    let mut digits = 0;
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            digits = match c {
                c if c.is_numeric() => digits + 1,
                '-' | '.' | '/' => digits,
                _ => 0,
            };
            if digits > 2 && c.is_numeric() {
                line.push('#');
            } else if !c.is_control() && !is_direction_override(c) {
                line.push(c);
            }
        }
        if line.len() > MAX_LINE_BYTES {
            let end = line.floor_char_boundary(MAX_LINE_BYTES - ELLIPSIS.len());
            line.truncate(end);
            line.push_str(ELLIPSIS);
            return line;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_pieces_is_masked_with_what_was_asked() {
        let mut line = LastLine::default();
        line.push(Speaker::Agent, 0, "your card number please");
        line.push(Speaker::Customer, 1000, "4111 1111");
        assert_eq!(line.text(), "[CARD]");
        line.push(Speaker::Agent, 2000, "and the rest");
        line.push(Speaker::Customer, 3000, "1111 1111");
        assert_eq!(line.text(), "[CARD]");
        line.push(Speaker::Agent, 4000, "thank you");
        assert_eq!(line.text(), "[CARD]");
    }

    #[test]
    fn a_line_is_short_and_holds_no_long_number_whatever_was_said() {
        let said = |text: &str| {
            let mut line = LastLine::after("before".to_owned());
            line.push(Speaker::Customer, 0, text);
            line.text().to_owned()
        };
        assert_eq!(said("a\u{1b}[31m b\n\tc\u{202e}d"), "a[31m b cd");
        assert_eq!(
            said("the order 987 654-321 of May 12"),
            "the order 98# ###-### of May 12"
        );
        let word = said(&"é".repeat(20_000));
        assert!(
            word.len() <= MAX_LINE_BYTES && word.ends_with('…'),
            "{}",
            word.len()
        );
        let emoji = said(&"👩‍👩‍👧 ".repeat(400));
        assert!(emoji.len() <= MAX_LINE_BYTES);
    }

    #[test]
    fn the_agents_words_are_not_shown() {
        let mut line = LastLine::after("before".to_owned());
        line.push(Speaker::Agent, 0, "hello");
        assert_eq!(line.text(), "before");
    }
}
