//! Finds the word that was meant by a word with one typing error.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use rustc_hash::{FxBuildHasher, FxHasher};

/// Shortest word, in letters, that is recognized with a typing error: among shorter ones too many are other words.
pub(super) const MIN_LETTERS: usize = 6;
/// Longest word that is looked up, so that a text without blanks costs no more than another.
const MAX_LETTERS: usize = 30;

/// An index of words that finds those within one typing error: a letter too much, too few or wrong, or two letters swapped.
///
/// Each word is listed under itself and under itself without each one of its letters. Two words with one error between
/// them share one of these, so a look-up computes a dozen hashes and compares no word with the whole list.
#[derive(Debug, Clone, Default)]
pub(super) struct SpellingIndex {
    words: Vec<String>,
    by_deletion: HashMap<u64, Vec<u32>, FxBuildHasher>,
}

impl SpellingIndex {
    /// Adds a word unless the word is too short; the words are numbered in the order in which they were added.
    pub(super) fn add(&mut self, word: &str) {
        if word.chars().count() < MIN_LETTERS || self.words.iter().any(|known| known == word) {
            return;
        }
        let number = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        for hash in hashes_with_deletions(word) {
            let numbers = self.by_deletion.entry(hash).or_default();
            if numbers.last() != Some(&number) {
                numbers.push(number);
            }
        }
        self.words.push(word.to_owned());
    }

    /// Iterates over the words that differ by exactly one typing error from a word with these hashes, which
    /// [`deletion_hashes`] returned; a word may come more than once.
    pub(super) fn find<'a>(
        &'a self,
        word: &'a str,
        hashes: &'a [u64],
    ) -> impl Iterator<Item = &'a str> {
        hashes
            .iter()
            .filter_map(|hash| self.by_deletion.get(hash))
            .flatten()
            .map(|number| self.words[*number as usize].as_str())
            .filter(move |known| differ_by_one_error(known, word))
    }
}

/// Returns what a [`SpellingIndex`] looks a word up by: nothing for a word that is too short or too long to be misspelled.
pub(super) fn deletion_hashes(word: &str) -> Vec<u64> {
    let letters = word.chars().count();
    if (MIN_LETTERS - 1..=MAX_LETTERS).contains(&letters) {
        hashes_with_deletions(word).collect()
    } else {
        Vec::new()
    }
}

/// Iterates over the hashes of the word and of the word without each one of its letters.
fn hashes_with_deletions(word: &str) -> impl Iterator<Item = u64> {
    let without = word
        .char_indices()
        .map(move |(at, letter)| hash_parts(&word[..at], &word[at + letter.len_utf8()..]));
    std::iter::once(hash_parts(word, "")).chain(without)
}

fn hash_parts(before: &str, after: &str) -> u64 {
    let mut hasher = FxHasher::default();
    for byte in before.bytes().chain(after.bytes()) {
        byte.hash(&mut hasher);
    }
    hasher.finish()
}

/// Returns whether exactly one letter was inserted, left out or replaced, or two neighbors were swapped.
fn differ_by_one_error(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[same..], &other[same..]);
    let ends = one.iter().rev().zip(other.iter().rev());
    let same = ends.take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[..one.len() - same], &other[..other.len() - same]);
    match (one, other) {
        ([_], [] | [_]) | ([], [_]) => true,
        ([first, second], [other_first, other_second]) => {
            first == other_second && second == other_first
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find<'a>(index: &'a SpellingIndex, word: &str) -> Option<&'a str> {
        let hashes = deletion_hashes(word);
        let found = index.find(word, &hashes).next()?;
        index
            .words
            .iter()
            .map(String::as_str)
            .find(|known| *known == found)
    }

    #[test]
    fn one_error_of_each_kind_is_found() {
        let mut index = SpellingIndex::default();
        for word in ["lawyer", "attorney", "manager", "urgent", "sue"] {
            index.add(word);
        }
        for (written, meant) in [
            ("laywer", "lawyer"),
            ("lawer", "lawyer"),
            ("attourney", "attorney"),
            ("manger", "manager"),
            ("urgnet", "urgent"),
            ("urgwnt", "urgent"),
            ("kawyer", "lawyer"),
        ] {
            assert_eq!(find(&index, written), Some(meant), "{written}");
        }
        for other in ["lawyer", "laywre", "management", "sur", "use", "", "urg"] {
            assert_eq!(find(&index, other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn whatever_single_error_is_made_the_word_is_found(
            word in "[a-z]{6,12}", at in 0_usize..12, letter in "[a-z]", kind in 0..4,
        ) {
            let mut letters: Vec<char> = word.chars().collect();
            let at = at.min(letters.len() - 1);
            let letter = letter.chars().next().unwrap();
            match kind {
                0 => letters.insert(at, letter),
                1 => drop(letters.remove(at)),
                2 => letters[at] = letter,
                _ => {
                    let next = (at + 1).min(letters.len() - 1);
                    letters.swap(at, next);
                }
            }
            let written: String = letters.into_iter().collect();
            let mut index = SpellingIndex::default();
            index.add(&word);
            prop_assert_eq!(find(&index, &written).is_some(), written != word);
        }
    }
}
