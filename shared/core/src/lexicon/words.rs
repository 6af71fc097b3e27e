//! A text as lower-cased words with the places where a clause ends.

use unicode_segmentation::UnicodeSegmentation;

/// A word, or the end of a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A lower-cased word; apostrophes are kept (`don't`) and straightened.
    Word(String),
    /// Punctuation that ends a clause: what stands before it negates nothing behind it.
    Break,
}

impl Piece {
    /// The word, or nothing.
    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Break => None,
        }
    }
}

/// The words of a text, by Unicode's word boundaries (UAX #29).
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (at, part) in text.split_word_bound_indices() {
        if part.chars().any(char::is_alphanumeric) {
            pieces.push(Piece::Word(
                part.to_lowercase()
                    .replace(['\u{2019}', '\u{02BC}', '`'], "'"),
            ));
        } else if ends_clause(part) || is_dash(text, at, part) {
            pieces.push(Piece::Break);
        }
    }
    pieces
}

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

/// A hyphen between spaces is a dash; one inside a word joins it.
fn is_dash(text: &str, at: usize, part: &str) -> bool {
    part == "-" && text[..at].ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        pieces(text)
            .iter()
            .map(|piece| piece.word().unwrap_or("|"))
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
