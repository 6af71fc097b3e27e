//! The language of a short text, as far as it matters here: a text that is evidently not English must not be scored as if it were.
//!
//! Chat lines have a handful of words, often misspelled, and detectors that compare letter sequences alone take one English line
//! in six for another language. The evidence here is mainly words: frequent words of other languages against the words that
//! customers use in English. `whatlang` decides where the words are unknown, and by script. A text counts as English until the
//! evidence says otherwise, since an alert that is not raised costs more than a score that means little.
//!
//! ```
//! use insights_core::language::find_other_language;
//!
//! assert_eq!(find_other_language("no funciona, quiero cancelar").map(|language| language.code()), Some("es"));
//! assert_eq!(find_other_language("I want too cancle my acount"), None);
//! assert_eq!(find_other_language("ok"), None);
//! ```

mod codes;
mod words;

use serde::Serialize;

use self::words::WordTables;

/// Largest number of words that are looked at: a language shows long before.
const MAX_WORDS: usize = 200;

/// Fewest words of a text whose words are unknown, from which its letter sequences decide.
const MIN_UNKNOWN_WORDS: usize = 5;

/// Weight of a word of another language that is English, too.
const SHARED_WORD_WEIGHT: f64 = 0.4;

/// A language by its code of ISO 639: two letters where there are two, else three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Language(&'static str);

impl Language {
    /// English, which the shipped models and the lexicons read.
    pub const ENGLISH: Self = Self("en");

    /// Returns the code, for example `es`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// Returns the language of a text that is evidently not English, or `None` for one that is English or may be.
#[must_use]
pub fn find_other_language(text: &str) -> Option<Language> {
    let text = without_links(text);
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (latin, other) = letters.fold((0_usize, 0_usize), |(latin, other), letter| {
        if is_latin(letter) {
            (latin + 1, other)
        } else {
            (latin, other + 1)
        }
    });
    if latin == 0 && other == 0 {
        return None;
    }
    let tables = WordTables::get();
    let words: Vec<KnownWord> = split_words(&text)
        .take(MAX_WORDS)
        .map(|word| KnownWord {
            is_frequent_english: tables.is_frequent_english(&word),
            is_english: tables.is_english(&word),
            languages: tables.languages_of(&word),
        })
        .collect();
    if other > latin {
        // Letter sequences alone confuse the languages of a script; where there is no English to confuse, a word decides.
        return most_likely(&words)
            .map(|(_, code)| Language(code))
            .or_else(|| guess(&text))
            .or(Some(Language("und")));
    }
    find_by_words(&words, &text)
}

/// One word of a text and what is known of it.
struct KnownWord {
    is_frequent_english: bool,
    is_english: bool,
    /// One bit for each other language in which the word is frequent.
    languages: u32,
}

/// Decides by the words of a text in Latin letters.
fn find_by_words(words: &[KnownWord], text: &str) -> Option<Language> {
    let english = words.iter().filter(|word| word.is_english).count();
    if let Some((index, code)) = most_likely(words) {
        let is_its_word = |word: &&KnownWord| word.languages >> index & 1 == 1;
        let own = words
            .iter()
            .filter(|word| is_its_word(word) && !word.is_frequent_english)
            .count();
        let against = words
            .iter()
            .filter(|word| word.is_frequent_english && !is_its_word(word))
            .count();
        let outweighs = weight(words, index) > against as f64;
        let is_a_third = own * 3 >= words.len();
        let is_strange = english * 2 <= words.len() && guess(text).is_some();
        if own > 0 && outweighs && (is_a_third || is_strange) {
            return Some(Language(code));
        }
    }
    let are_unknown = words.len() >= MIN_UNKNOWN_WORDS && english * 5 <= words.len();
    if are_unknown { guess(text) } else { None }
}

/// Returns the language of which the text has most words, with its index; `None` if it has no word of any.
fn most_likely(words: &[KnownWord]) -> Option<(usize, &'static str)> {
    let codes = WordTables::get().codes();
    let mut best: Option<(f64, usize, &'static str)> = None;
    for (index, code) in codes.iter().enumerate() {
        let weight = weight(words, index);
        if weight > best.map_or(0.0, |(other, ..)| other) {
            best = Some((weight, index, *code));
        }
    }
    best.map(|(_, index, code)| (index, code))
}

/// Sums the weights of the words that are frequent in the language with this index.
fn weight(words: &[KnownWord], index: usize) -> f64 {
    let of_language = words.iter().filter(|word| word.languages >> index & 1 == 1);
    of_language
        .map(|word| {
            if word.is_frequent_english {
                SHARED_WORD_WEIGHT
            } else {
                1.0
            }
        })
        .sum()
}

/// Returns the language by the script and the letter sequences of a text, or `None` for English.
fn guess(text: &str) -> Option<Language> {
    let language = whatlang::detect_lang(text)?;
    (language != whatlang::Lang::Eng).then(|| Language(codes::short_code(language)))
}

/// Leaves out links, names of accounts and hashtags, which are in no language.
fn without_links(text: &str) -> String {
    let is_link = |word: &&str| {
        ["#", "@", "http", "www."]
            .iter()
            .any(|start| word.starts_with(start))
    };
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| !is_link(word))
        .collect();
    words.join(" ")
}

/// Splits a text into words in lower case, with straight apostrophes inside words.
fn split_words(text: &str) -> impl Iterator<Item = String> {
    let is_part = |c: char| c.is_alphabetic() || matches!(c, '\'' | '\u{2019}');
    text.split(move |c| !is_part(c)).filter_map(|word| {
        let word = word.trim_matches(['\'', '\u{2019}']);
        (!word.is_empty()).then(|| word.to_lowercase().replace('\u{2019}', "'"))
    })
}

/// Returns whether a letter is Latin, full-width letters included.
fn is_latin(letter: char) -> bool {
    matches!(letter,
        'a'..='z' | 'A'..='Z' | '\u{aa}' | '\u{ba}' | '\u{c0}'..='\u{24f}' | '\u{250}'..='\u{2b8}'
        | '\u{1d00}'..='\u{1dbf}' | '\u{1e00}'..='\u{1eff}' | '\u{2c60}'..='\u{2c7f}' | '\u{a720}'..='\u{a7ff}'
        | '\u{fb00}'..='\u{fb06}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}')
}

#[cfg(test)]
mod tests;
