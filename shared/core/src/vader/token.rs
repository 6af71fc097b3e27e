//! A text as VADER's words and emoticons.

use super::lexicon::{LONGEST, Marker, Table, Word};

/// A word or emoticon, with all that the rules ask of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Token {
    /// The mean rating, -4..=4, of a word of the lexicon.
    pub(super) rating: Option<f64>,
    /// How much it raises (or lowers) the intensity of what follows.
    pub(super) boost: f64,
    /// Whether it negates what follows: a word of the list, or any with "n't".
    pub(super) negates: bool,
    /// Whether all its letters are capitals, and it has one.
    pub(super) capitals: bool,
    /// Which of the words that rules name it is.
    pub(super) marker: Marker,
}

impl Token {
    /// Looks a word up, whatever its case.
    pub(super) fn read(table: &Table, word: &str) -> Self {
        if !word.is_ascii() {
            let lower = word.to_lowercase();
            let found = table.get(lower.as_bytes()).copied().unwrap_or_default();
            return Self::of(found, contracted(lower.as_bytes()), all_capitals(word));
        }
        let bytes = word.as_bytes();
        let mut lower = [0_u8; LONGEST];
        let found = match lower.get_mut(..bytes.len()) {
            Some(lower) => {
                lower.copy_from_slice(bytes);
                lower.make_ascii_lowercase();
                table.get(&*lower).copied().unwrap_or_default()
            }
            None => Word::default(),
        };
        let capitals =
            bytes.iter().any(u8::is_ascii_uppercase) && !bytes.iter().any(u8::is_ascii_lowercase);
        Self::of(found, contracted(bytes), capitals)
    }

    fn of(word: Word, contracted: bool, capitals: bool) -> Self {
        Self {
            rating: word.rating,
            boost: word.boost,
            negates: word.negates || contracted,
            capitals,
            marker: word.marker,
        }
    }
}

/// The words of a text between white space, punctuation at the ends stripped unless two characters or fewer would be
/// left: those are emoticons.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space)
        .filter(|word| !word.is_empty())
        .map(|word| {
            let stripped = word.trim_matches(|c: char| c.is_ascii_punctuation());
            if stripped.chars().nth(2).is_some() {
                stripped
            } else {
                word
            }
        })
}

/// White space as Python's `str.split` sees it: Unicode's, and the four ASCII separators.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// Whether "n't" is in the word, in any case.
fn contracted(word: &[u8]) -> bool {
    word.windows(3)
        .any(|w| w[1] == b'\'' && w[0] | 0x20 == b'n' && w[2] | 0x20 == b't')
}

/// Python's `str.isupper`: some letter is a capital, none is small or title case.
fn all_capitals(word: &str) -> bool {
    word.chars().any(char::is_uppercase)
        && !word.chars().any(|c| c.is_lowercase() || is_title_case(c))
}

/// The category Lt, which Rust's library does not tell.
fn is_title_case(character: char) -> bool {
    matches!(
        character,
        '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}' | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}'
            | '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}'
    )
}
