//! The words by which languages are distinguished.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use rustc_hash::FxBuildHasher;

use crate::vader;

/// The words of English and of the other languages, in lower case.
pub(super) struct WordTables {
    english: HashSet<&'static str, FxBuildHasher>,
    /// Codes of the other languages.
    codes: Vec<&'static str>,
    /// One bit for each other language that has the word, in the order of the codes.
    others: HashMap<&'static str, u32, FxBuildHasher>,
}

static TABLES: LazyLock<WordTables> = LazyLock::new(|| {
    let mut tables = WordTables {
        english: include_str!("../../data/language/english.txt")
            .lines()
            .collect(),
        codes: Vec::new(),
        others: HashMap::default(),
    };
    for line in include_str!("../../data/language/other_languages.tsv").lines() {
        if let Some((code, words)) = line.split_once('\t') {
            let bit = 1 << tables.codes.len();
            tables.codes.push(code);
            for word in words.split(' ') {
                *tables.others.entry(word).or_default() |= bit;
            }
        }
    }
    tables
});

impl WordTables {
    /// Returns the tables of the shipped files.
    pub(super) fn get() -> &'static Self {
        &TABLES
    }

    /// Returns whether customers use the word in English.
    pub(super) fn is_frequent_english(&self, word: &str) -> bool {
        self.english.contains(word)
    }

    /// Returns whether the word is known to be English, by this table or by the lexicon of VADER.
    pub(super) fn is_english(&self, word: &str) -> bool {
        self.is_frequent_english(word) || vader::is_in_lexicon(word)
    }

    /// Returns the codes of the other languages.
    pub(super) fn codes(&self) -> &[&'static str] {
        &self.codes
    }

    /// Returns one bit for each other language in which the word is frequent, in the order of [`Self::codes`].
    pub(super) fn languages_of(&self, word: &str) -> u32 {
        self.others.get(word).copied().unwrap_or_default()
    }
}
