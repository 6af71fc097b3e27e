//! Reads a text as the words that phrases are compared with: lower case, written out, with their places.

use std::sync::OnceLock;

use unicode_segmentation::UnicodeSegmentation;

use super::contractions::{expand, expand_ending};
use super::spelling::deletion_hashes;
use crate::apostrophes::straighten_apostrophes;

/// A run of at least this many single letters is one word that was spelled: "a s a p".
const MIN_SPELLED_LETTERS: usize = 3;
/// A letter that is repeated at least this often is meant once: "urgenttt".
const MIN_REPEATED_LETTERS: usize = 3;

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// The word in lower case, without a possessive "'s"; contractions are written out as several words.
    pub(super) text: String,
    /// The byte offsets of the word in the text.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether the word is the first one of a clause.
    pub(super) starts_clause: bool,
    /// Whether the word is the first one of a sentence.
    pub(super) starts_sentence: bool,
    /// Whether the word begins with a capital letter where a sentence does not begin, as names do.
    pub(super) is_name: bool,
    /// What the word is looked up by if it may be misspelled, once it was asked for.
    deletion_hashes: OnceLock<Vec<u64>>,
}

impl Word {
    /// Returns what a spelling index looks the word up by, which is computed once for all sets of phrases.
    pub(super) fn deletion_hashes(&self) -> &[u64] {
        self.deletion_hashes
            .get_or_init(|| deletion_hashes(&self.text))
    }
}

/// The words of a text, ready to be compared with phrases.
///
/// `Debug` shows the number of words only, because the words are a customer's.
#[derive(Clone, Default)]
pub struct Words {
    words: Vec<Word>,
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Words({})", self.words.len())
    }
}

impl Words {
    /// Reads the words of a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut reader = Reader::default();
        let straight = straighten_apostrophes(text);
        let mut places = OriginalPlaces::new(text, &straight);
        for (at, part) in straight.split_word_bound_indices() {
            if part.contains(char::is_alphanumeric) {
                let start = places.find(at);
                let end = places.find(at + part.len());
                reader.read_part(part, start, end);
            } else {
                reader.read_gap(part, straight[..at].ends_with(' '));
            }
        }
        reader.finish()
    }

    /// Returns the number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Returns whether the text has no words.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Returns the byte offsets in the text of a range of words, which must not be empty.
    #[must_use]
    pub fn place(&self, words: std::ops::Range<usize>) -> std::ops::Range<usize> {
        self.words[words.start].start..self.words[words.end - 1].end
    }

    pub(super) fn as_slice(&self) -> &[Word] {
        &self.words
    }
}

/// Finds places of the straightened text in the text as it was written; both have the same number of characters.
struct OriginalPlaces<'a> {
    characters: Option<std::iter::Zip<std::str::CharIndices<'a>, std::str::CharIndices<'a>>>,
    lengths: (usize, usize),
    last: (usize, usize),
}

impl<'a> OriginalPlaces<'a> {
    fn new(written: &'a str, straight: &'a str) -> Self {
        let differ = written.len() != straight.len();
        Self {
            characters: differ.then(|| straight.char_indices().zip(written.char_indices())),
            lengths: (straight.len(), written.len()),
            last: (0, 0),
        }
    }

    /// Returns the original place of a place that is not before the one that was asked for last.
    fn find(&mut self, place: usize) -> usize {
        let Some(characters) = &mut self.characters else {
            return place;
        };
        while self.last.0 < place {
            self.last = characters
                .next()
                .map_or(self.lengths, |((straight, _), (written, _))| {
                    (straight, written)
                });
        }
        self.last.1
    }
}

/// Collects words and remembers what stood between them.
#[derive(Default)]
struct Reader {
    words: Vec<Word>,
    clause_ended: bool,
    sentence_ended: bool,
    capitalized: usize,
}

impl Reader {
    /// Reads a part between two word boundaries that holds letters or digits; the part may be several words.
    fn read_part(&mut self, part: &str, start: usize, end: usize) {
        // Where a blank is missing, "urgent.please" is one part; "a.s.a.p" is one word, and "3.50" one number.
        let is_spelled = part.split('.').all(|piece| piece.chars().count() == 1);
        if is_spelled && part.contains('.') {
            return self.push(&part.replace('.', ""), start, end);
        }
        let is_number = part.starts_with(|c: char| c.is_ascii_digit());
        for (index, piece) in part.split(['.', ':']).enumerate() {
            if index > 0 && !is_number {
                (self.clause_ended, self.sentence_ended) = (true, true);
            }
            // Markdown writes emphasis as _underscores_, which Unicode takes for letters.
            for word in piece.split('_').filter(|word| !word.is_empty()) {
                self.push(word, start, end);
            }
        }
    }

    /// Reads what stands between two words.
    fn read_gap(&mut self, part: &str, follows_blank: bool) {
        let is_dash = part == "-" && follows_blank;
        let ends_sentence = part.contains(['.', '!', '?', '\n', '\u{2026}', '\u{3002}']);
        let ends_clause = part.contains([',', ';', ':', '(', ')', '\u{2013}', '\u{2014}']);
        self.sentence_ended |= ends_sentence;
        self.clause_ended |= ends_clause || ends_sentence || is_dash;
    }

    fn push(&mut self, written: &str, start: usize, end: usize) {
        let mut letters = written.chars();
        let is_capitalized = letters.next().is_some_and(char::is_uppercase)
            && letters.next().is_some_and(char::is_lowercase);
        self.capitalized += usize::from(is_capitalized);
        let lower = squeeze(&written.to_lowercase());
        match expand(&lower) {
            Some(parts) => {
                for part in parts.split(' ') {
                    self.push_word(part, start, end, false);
                }
            }
            None => {
                let (word, ending) = expand_ending(&lower);
                self.push_word(word, start, end, is_capitalized);
                if let Some(ending) = ending {
                    self.push_word(ending, start, end, false);
                }
            }
        }
    }

    fn push_word(&mut self, text: &str, start: usize, end: usize, is_capitalized: bool) {
        let is_first = self.words.is_empty();
        let starts_sentence = is_first || std::mem::take(&mut self.sentence_ended);
        self.words.push(Word {
            text: text.to_owned(),
            start,
            end,
            starts_clause: is_first || std::mem::take(&mut self.clause_ended),
            starts_sentence,
            is_name: is_capitalized && !starts_sentence,
            deletion_hashes: OnceLock::new(),
        });
    }

    fn finish(mut self) -> Words {
        // In a Title Of A Letter capitals say nothing.
        if self.capitalized * 2 > self.words.len() && self.words.len() > 3 {
            self.words.iter_mut().for_each(|word| word.is_name = false);
        }
        Words {
            words: join_spelled(self.words),
        }
    }
}

/// Returns the word with each letter that is repeated three times or more written once.
fn squeeze(word: &str) -> String {
    let mut squeezed = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(letter) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(letter).len();
        let is_repeated = letter.is_alphabetic() && run / letter.len_utf8() >= MIN_REPEATED_LETTERS;
        squeezed.push_str(if is_repeated {
            &rest[..letter.len_utf8()]
        } else {
            &rest[..run]
        });
        rest = &rest[run..];
    }
    squeezed
}

/// Joins runs of single letters to the words that were spelled with them.
fn join_spelled(words: Vec<Word>) -> Vec<Word> {
    let is_letter = |word: &Word| {
        let mut letters = word.text.chars();
        letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none()
    };
    let mut joined: Vec<Word> = Vec::with_capacity(words.len());
    let mut rest = words.as_slice();
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|word| is_letter(word)).count();
        if run < MIN_SPELLED_LETTERS {
            let kept = run.max(1);
            joined.extend_from_slice(&rest[..kept]);
            rest = &rest[kept..];
            continue;
        }
        let mut word = first.clone();
        word.text = rest[..run].iter().map(|word| word.text.as_str()).collect();
        word.end = rest[run - 1].end;
        joined.push(word);
        rest = &rest[run..];
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows the words with `|` before each clause but the first and `||` before each sentence but the first.
    fn shown(text: &str) -> String {
        let words = Words::new(text);
        let mut shown = String::new();
        for (index, word) in words.as_slice().iter().enumerate() {
            if index > 0 {
                shown.push_str(match (word.starts_sentence, word.starts_clause) {
                    (true, _) => " || ",
                    (false, true) => " | ",
                    (false, false) => " ",
                });
            }
            shown.push_str(&word.text);
        }
        shown
    }

    #[test]
    fn clauses_and_sentences_end_where_punctuation_says_so() {
        assert_eq!(
            shown("No, I want that. Call me!"),
            "no | i want that || call me"
        );
        assert_eq!(shown("well-known - not urgent"), "well known | not urgent");
        assert_eq!(
            shown("it is urgent.please call"),
            "it is urgent || please call"
        );
        assert_eq!(shown("pay 3.50 at 10:30"), "pay 3 50 at 10 | 30");
    }

    #[test]
    fn contractions_are_written_out() {
        assert_eq!(
            shown("I don\u{2019}t, can't, won't"),
            "i do not | can not | will not"
        );
        assert_eq!(
            shown("im sure its not, cannot"),
            "i am sure it is not | can not"
        );
        assert_eq!(
            shown("my lawyer's letter, I'll sue"),
            "my lawyer letter | i will sue"
        );
        assert_eq!(
            shown("we're gonna go, they'd"),
            "we are going to go | they would"
        );
    }

    #[test]
    fn emphasis_spelling_and_repetition_are_seen_through() {
        assert_eq!(
            shown("_urgent_ *urgent* **URGENT** __urgent__"),
            "urgent urgent urgent urgent"
        );
        assert_eq!(shown("A.S.A.P. now"), "asap || now");
        assert_eq!(shown("call a s a p or A-S-A-P"), "call asap or asap");
        assert_eq!(shown("urgenttt sooooo needed"), "urgent so needed");
    }

    #[test]
    fn a_capital_letter_inside_a_sentence_makes_a_name() {
        let names = |text: &str| -> Vec<String> {
            let words = Words::new(text);
            let names = words.as_slice().iter().filter(|word| word.is_name);
            names.map(|word| word.text.clone()).collect()
        };
        assert_eq!(names("My wife Sue will pick it up"), ["sue"]);
        assert_eq!(names("Thanks Sue, that fixed it"), ["sue"]);
        assert!(names("I WILL SUE YOU. Sue you all").is_empty());
        assert!(names("I Will Sue Your Company").is_empty());
    }

    #[test]
    fn places_are_those_of_the_text_as_it_was_written() {
        let text = "I don\u{2019}t want _that_ 😡 lawyer";
        let words = Words::new(text);
        let places: Vec<&str> = (0..words.len())
            .map(|at| &text[words.place(at..at + 1)])
            .collect();
        assert_eq!(
            places,
            [
                "I",
                "don\u{2019}t",
                "don\u{2019}t",
                "want",
                "_that_",
                "lawyer"
            ]
        );
    }
}
