//! What is done with a text before it is tokenized, where the model was trained on texts that had this done to them.
//!
//! The configuration of a model names the normalization in the field `normalization`. `nfkc-emoji-words-v1` is that of the
//! shipped sentiment model, and gives byte for byte what `training/normalize.py` gives:
//! 1. NFKC, so that full-width letters and ligatures are ordinary ones.
//! 2. Curly quotes and apostrophes become straight ones.
//! 3. Each emoji becomes its description in words; skin tones, variation selectors and zero-width spaces are dropped.
//! 4. Marks of a speech recognizer (`[noise]`, `<unk>`, `(laughs)`) are removed; `[PII]` and its like stay.
//! 5. White space is folded.

use std::borrow::Cow;
use std::sync::LazyLock;

use insights_core::emoji::describe_emoji;
use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use crate::error::Error;

/// Name of the normalization by which the shipped sentiment model was trained.
const EMOJI_WORDS: &str = "nfkc-emoji-words-v1";

/// Marks that speech recognizers write where they understood no words.
static RECOGNIZER_MARKS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)[\[<(](?:noise|inaudible|unintelligible|unk|crosstalk|cross talk|silence|music|laughter|laughs|laughing|breath|breathing|cough|coughs|background noise|ringing|beep|pause|hesitation)[\]>)]",
    )
    .expect("a constant expression")
});

/// The normalization of a model's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Normalization {
    /// Texts are tokenized as they are.
    Unchanged,
    /// The five steps of `nfkc-emoji-words-v1`.
    EmojiWords,
}

impl Normalization {
    /// Finds the normalization that a model's configuration names.
    pub(crate) fn named(name: Option<&str>) -> Result<Self, Error> {
        match name {
            None => Ok(Self::Unchanged),
            Some(EMOJI_WORDS) => Ok(Self::EmojiWords),
            Some(other) => Err(Error::config(format!(
                "normalization is {other:?}; allowed is {EMOJI_WORDS:?}, or no such field for texts that are read as they are"
            ))),
        }
    }

    /// Returns the text without what a speech recognizer or a program added to it.
    pub(crate) fn spoken(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Unchanged => Cow::Borrowed(text),
            Self::EmojiWords => without_marks(text),
        }
    }

    /// Returns the text as the model reads it.
    pub(crate) fn apply<'t>(self, text: &'t str) -> Cow<'t, str> {
        match self {
            Self::Unchanged => Cow::Borrowed(text),
            Self::EmojiWords => Cow::Owned(emoji_to_words(text)),
        }
    }
}

/// Returns whether anything that can be read is left of a text: a blank text and marks of a speech recognizer have no words.
#[must_use]
pub fn has_words(text: &str) -> bool {
    !emoji_to_words(text).is_empty()
}

fn emoji_to_words(text: &str) -> String {
    if text.is_ascii() {
        return fold_white_space(&without_marks(text));
    }
    let mut words = String::with_capacity(text.len() + 32);
    for character in text.nfkc() {
        match character {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' | '\u{2032}' => words.push('\''),
            '\u{201c}' | '\u{201d}' => words.push('"'),
            '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{200b}' => {}
            other => match describe_emoji(other) {
                Some(description) => {
                    words.push(' ');
                    words.push_str(description);
                    words.push(' ');
                }
                None => words.push(other),
            },
        }
    }
    fold_white_space(&without_marks(&words))
}

fn without_marks(text: &str) -> Cow<'_, str> {
    RECOGNIZER_MARKS.replace_all(text, " ")
}

/// Joins the words by single spaces. The separators of files, groups, records and units are white space here, as in Python.
fn fold_white_space(text: &str) -> String {
    let is_space = |c: char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}');
    let mut folded = String::with_capacity(text.len());
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalized(text: &str) -> String {
        Normalization::EmojiWords.apply(text).into_owned()
    }

    #[test]
    fn texts_become_those_of_the_training() {
        #[derive(serde::Deserialize)]
        struct Pair {
            text: String,
            normalized: String,
        }
        let pairs: Vec<Pair> =
            serde_json::from_str(include_str!("../models/sentiment/normalize_reference.json"))
                .unwrap();
        assert!(pairs.len() > 20);
        for pair in pairs {
            assert_eq!(normalized(&pair.text), pair.normalized, "{:?}", pair.text);
        }
    }

    #[test]
    fn steps_work_together_in_their_order() {
        for (text, expected) in [
            ("\u{ff3b}noise\u{ff3d} hello", "hello"),
            ("(LAUGHS)(cough)<Unk>", ""),
            ("[ noise ] [pii] [PII]", "[ noise ] [pii] [PII]"),
            ("<music) mixed", "mixed"),
            (
                "ok\u{1f621}\u{1f621}now",
                "ok pouting face pouting face now",
            ),
            ("\u{1f44d}\u{1f3fd}\u{fe0f}", "thumbs up"),
            ("[\u{200b}noise]", ""),
            ("a\u{1c}b\u{1f}\u{85}c\u{2003}d", "a b c d"),
            ("\u{2122}", "TM"),
            ("\u{33}\u{fe0f}\u{20e3}", "3\u{20e3}"),
            ("don\u{2019}t \u{201c}go\u{201d}", "don't \"go\""),
            ("", ""),
        ] {
            assert_eq!(normalized(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_model_without_a_normalization_reads_texts_as_they_are() {
        let as_written = Normalization::named(None).unwrap();
        assert_eq!(
            as_written.apply(" a  [noise] \u{1f621}"),
            " a  [noise] \u{1f621}"
        );
        assert_eq!(
            Normalization::named(Some(EMOJI_WORDS)).unwrap(),
            Normalization::EmojiWords
        );
        let error = Normalization::named(Some("nfd")).unwrap_err().to_string();
        assert!(error.contains("\"nfd\"; allowed is"), "{error}");
    }
}
