//! Cuts an utterance into sentences, each a part of its text.

use std::ops::Range;

use super::MAX_QUOTE_CHARS;
use crate::rules::{Utterance, quote};

/// A sentence of an utterance.
#[derive(Debug, Clone)]
pub(super) struct Sentence<'a> {
    pub(super) utterance: &'a Utterance,
    /// The place of the sentence in the text of the utterance, in characters.
    pub(super) characters: Range<usize>,
}

impl<'a> Sentence<'a> {
    /// Returns the words of the sentence.
    pub(super) fn text(&self) -> &'a str {
        quote(&self.utterance.text, self.characters.clone())
    }
}

/// Returns the sentences of an utterance without the blanks between them. A sentence that is too long to quote is cut at a word.
pub(super) fn sentences_of(utterance: &Utterance) -> Vec<Sentence<'_>> {
    let characters: Vec<char> = utterance.text.chars().collect();
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut last_blank = None;
    for at in 0..=characters.len() {
        let here = characters.get(at).copied();
        let is_end = match (at.checked_sub(1).map(|before| characters[before]), here) {
            (_, None) => true,
            // A point inside a number or an address ends nothing.
            (Some('.' | '!' | '?'), Some(here)) => here.is_whitespace(),
            (Some('\n'), _) => true,
            _ => false,
        };
        let is_too_long = at - start >= MAX_QUOTE_CHARS;
        if is_end || is_too_long {
            let end = if is_end { at } else { last_blank.unwrap_or(at) };
            push(utterance, &characters, start..end, &mut sentences);
            start = end;
            last_blank = None;
        }
        if here.is_some_and(char::is_whitespace) && at > start {
            last_blank = Some(at);
        }
    }
    sentences
}

fn push<'a>(
    utterance: &'a Utterance,
    characters: &[char],
    mut range: Range<usize>,
    sentences: &mut Vec<Sentence<'a>>,
) {
    while range.start < range.end && characters[range.start].is_whitespace() {
        range.start += 1;
    }
    while range.start < range.end && characters[range.end - 1].is_whitespace() {
        range.end -= 1;
    }
    if !range.is_empty() {
        sentences.push(Sentence {
            utterance,
            characters: range,
        });
    }
}
