//! The words of a set of phrases, numbered, and which of them a word of a text is.

use std::collections::{HashMap, HashSet};

use rustc_hash::FxBuildHasher;

use super::forms::inflect;
use super::spelling::{MIN_LETTERS, SpellingIndex};
use super::syntax::WordPattern;
use super::words::Word;

/// The number of a word pattern in a [`Vocabulary`].
pub(super) type PatternId = u32;

/// All word patterns of a set of phrases; a word of a text is looked up once for all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    ids: HashMap<WordPattern, PatternId, FxBuildHasher>,
    /// The patterns that a word in full matches.
    words: HashMap<String, Vec<PatternId>, FxBuildHasher>,
    /// The patterns that a word in full matches unless the word is written like a name.
    verbs: HashMap<String, Vec<PatternId>, FxBuildHasher>,
    prefixes: Vec<(String, PatternId)>,
    suffixes: Vec<(String, PatternId)>,
    number: Option<PatternId>,
    spelling: SpellingIndex,
    /// Words that are one typing error away from a word of a phrase, and words of their own.
    real_words: HashSet<String, FxBuildHasher>,
}

impl Vocabulary {
    /// Creates an empty vocabulary. A real word is never taken for a misspelled one.
    pub(super) fn new(real_words: &[String]) -> Self {
        Self {
            real_words: real_words.iter().cloned().collect(),
            ..Self::default()
        }
    }

    /// Returns the number of a pattern, which is added if it is new.
    pub(super) fn add(&mut self, pattern: &WordPattern) -> PatternId {
        if let Some(id) = self.ids.get(pattern) {
            return *id;
        }
        let id = PatternId::try_from(self.ids.len()).unwrap_or(PatternId::MAX);
        self.ids.insert(pattern.clone(), id);
        match pattern {
            WordPattern::Exact(word) => self.words.entry(word.clone()).or_default().push(id),
            WordPattern::Forms(word) => {
                for form in inflect(word) {
                    if word.len() >= MIN_LETTERS {
                        self.spelling.add(&form);
                    }
                    self.words.entry(form).or_default().push(id);
                }
            }
            WordPattern::Verb(word) => {
                for form in inflect(word) {
                    self.verbs.entry(form).or_default().push(id);
                }
            }
            WordPattern::Prefix(prefix) => self.prefixes.push((prefix.clone(), id)),
            WordPattern::Suffix(suffix) => self.suffixes.push((suffix.clone(), id)),
            WordPattern::Number => self.number = Some(id),
        }
        id
    }

    /// Appends the patterns that a word matches.
    pub(super) fn look_up(&self, word: &Word, found: &mut Vec<PatternId>) {
        let text = word.text.as_str();
        let before = found.len();
        if let Some(ids) = self.words.get(text) {
            found.extend(ids);
        }
        if !word.is_name
            && let Some(ids) = self.verbs.get(text)
        {
            found.extend(ids);
        }
        // A word that some phrase names is not a misspelled other one.
        if found.len() == before && !self.real_words.contains(text) {
            for meant in self.spelling.find(text, word.deletion_hashes()) {
                found.extend(self.words.get(meant).into_iter().flatten());
            }
        }
        let is_longer = |part: &str| text.len() > part.len();
        for (prefix, id) in &self.prefixes {
            if text.starts_with(prefix.as_str()) {
                found.push(*id);
            }
        }
        for (suffix, id) in &self.suffixes {
            if is_longer(suffix) && text.ends_with(suffix.as_str()) {
                found.push(*id);
            }
        }
        if let Some(number) = self.number
            && text.bytes().all(|byte| byte.is_ascii_digit())
        {
            found.push(number);
        }
    }
}
