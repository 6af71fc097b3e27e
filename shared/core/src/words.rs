//! Splits a text into lower-case words and the places where a clause ends.
//!
//! The lexicon and the escalation rules read a text this way: a negation reaches to the end of its clause at most.

use unicode_segmentation::UnicodeSegmentation;

use crate::apostrophes::straighten_apostrophes;

/// A word of a text, or the end of a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A lower-case word; apostrophes are kept (`don't`) and straightened.
    Word(String),
    /// Punctuation that ends a clause: a negator before it does not reach the words after it.
    ClauseEnd,
}

impl Token {
    /// Returns the word, or nothing at the end of a clause.
    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::ClauseEnd => None,
        }
    }
}

/// Splits a text at Unicode's word boundaries (UAX #29) into its words and clause ends.
pub(crate) fn tokenize(text: &str) -> Vec<Token> {
    let text = &*straighten_apostrophes(text);
    let mut tokens = Vec::new();
    for (at, part) in text.split_word_bound_indices() {
        if part.chars().any(char::is_alphanumeric) {
            tokens.push(Token::Word(part.to_lowercase()));
        } else if ends_clause(part) || is_dash(text, at, part) {
            tokens.push(Token::ClauseEnd);
        }
    }
    tokens
}

/// Returns whether a part without letters and digits contains punctuation that ends a clause.
fn ends_clause(part: &str) -> bool {
    part.chars().any(|c| {
        matches!(
            c,
            '.' | ','
                | ';'
                | ':'
                | '!'
                | '?'
                | '('
                | ')'
                | '\n'
                | '\u{2013}'
                | '\u{2014}'
                | '\u{2026}'
        )
    })
}

/// Returns whether the part is a hyphen that follows a space and so is meant as a dash; a hyphen inside a word joins it.
fn is_dash(text: &str, at: usize, part: &str) -> bool {
    part == "-" && text[..at].ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        tokenize(text)
            .iter()
            .map(|token| token.word().unwrap_or("|"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn words_are_lower_case_and_clauses_end_at_punctuation() {
        assert_eq!(
            shown("No, I DON’T want that. Call me!"),
            "no | i don't want that | call me |"
        );
    }

    #[test]
    fn a_dash_ends_a_clause_and_a_hyphen_does_not() {
        assert_eq!(shown("well-known - not urgent"), "well known | not urgent");
        assert_eq!(shown("a — b"), "a | b");
    }

    #[test]
    fn other_scripts_and_emoji_do_no_harm() {
        assert_eq!(shown("Größe 請求書 😡"), "größe 請 求 書");
        assert_eq!(shown(""), "");
    }
}
