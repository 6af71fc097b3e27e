//! Splits a text into VADER's words and emoticons and looks each of them up.

use super::lexicon::{MAX_WORD_BYTES, Marker, WordEntry, WordTable};

/// A word or emoticon of a text, with everything that the rules need to know about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Token {
    /// The mean rating of the word, -4 to 4, if the lexicon rates it.
    pub(super) rating: Option<f64>,
    /// The amount by which the word raises (or lowers) the intensity of the next word.
    pub(super) boost: f64,
    /// Whether the word negates the words after it: a word of the negator list, or any word that contains "n't".
    pub(super) negates: bool,
    /// Whether the word has at least one letter and all letters are capitals.
    pub(super) is_upper_case: bool,
    /// The marker of the word, if some rule asks for the word by name.
    pub(super) marker: Marker,
}

impl Token {
    /// Looks a word up in the table, whatever its case.
    pub(super) fn look_up(table: &WordTable, word: &str) -> Self {
        if !word.is_ascii() {
            let lower = word.to_lowercase();
            let found = table.get(lower.as_bytes()).copied().unwrap_or_default();
            return Self::new(
                found,
                is_contracted_not(lower.as_bytes()),
                is_upper_case(word),
            );
        }
        let bytes = word.as_bytes();
        let mut lower = [0_u8; MAX_WORD_BYTES];
        let found = match lower.get_mut(..bytes.len()) {
            Some(lower) => {
                lower.copy_from_slice(bytes);
                lower.make_ascii_lowercase();
                table.get(&*lower).copied().unwrap_or_default()
            }
            None => WordEntry::default(),
        };
        let is_upper_case =
            bytes.iter().any(u8::is_ascii_uppercase) && !bytes.iter().any(u8::is_ascii_lowercase);
        Self::new(found, is_contracted_not(bytes), is_upper_case)
    }

    fn new(entry: WordEntry, is_contracted_not: bool, is_upper_case: bool) -> Self {
        Self {
            rating: entry.rating,
            boost: entry.boost,
            negates: entry.negates || is_contracted_not,
            is_upper_case,
            marker: entry.marker,
        }
    }
}

/// Splits a text at white space and strips the punctuation at the ends of each word.
///
/// A word of which two characters or fewer would be left keeps its punctuation: it is an emoticon.
pub(super) fn split_words(text: &str) -> impl Iterator<Item = &str> {
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

/// Returns whether Python's `str.split` treats a character as white space: Unicode's and the four ASCII separators.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// Returns whether a word contains "n't" in any case.
fn is_contracted_not(word: &[u8]) -> bool {
    word.windows(3)
        .any(|w| w[1] == b'\'' && w[0] | 0x20 == b'n' && w[2] | 0x20 == b't')
}

/// Returns what Python's `str.isupper` returns: some letter is a capital, and none is lower or title case.
fn is_upper_case(word: &str) -> bool {
    word.chars().any(char::is_uppercase)
        && !word.chars().any(|c| c.is_lowercase() || is_title_case(c))
}

/// Returns whether a character has Unicode's category Lt (title case), which Rust's standard library cannot say.
fn is_title_case(character: char) -> bool {
    matches!(
        character,
        '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}' | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}'
            | '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}'
    )
}
