//! Cuts an utterance into sentences, each a part of its text.

use std::ops::Range;

use super::MAX_QUOTE_CHARS;
use crate::rules::Utterance;

/// A sentence of an utterance.
#[derive(Debug, Clone)]
pub(super) struct Sentence<'a> {
    pub(super) utterance: &'a Utterance,
    /// The place of the sentence in the text of the utterance, in characters.
    pub(super) characters: Range<usize>,
    /// The words of the sentence, kept because counting characters again for each sentence takes long in a long text.
    text: &'a str,
}

impl<'a> Sentence<'a> {
    /// Returns the words of the sentence.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }
}

/// Returns the sentences of an utterance without the blanks between them. A sentence that is too long to quote is cut at a word.
pub(super) fn sentences_of(utterance: &Utterance) -> Vec<Sentence<'_>> {
    let characters: Vec<(usize, char)> = utterance.text.char_indices().collect();
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut last_blank = None;
    for at in 0..=characters.len() {
        let here = characters.get(at).map(|(_, here)| *here);
        let is_end = match (at.checked_sub(1).map(|before| characters[before].1), here) {
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
    characters: &[(usize, char)],
    mut range: Range<usize>,
    sentences: &mut Vec<Sentence<'a>>,
) {
    while range.start < range.end && characters[range.start].1.is_whitespace() {
        range.start += 1;
    }
    while range.start < range.end && characters[range.end - 1].1.is_whitespace() {
        range.end -= 1;
    }
    if !range.is_empty() {
        let byte = |at: usize| {
            characters
                .get(at)
                .map_or(utterance.text.len(), |(byte, _)| *byte)
        };
        sentences.push(Sentence {
            utterance,
            text: &utterance.text[byte(range.start)..byte(range.end)],
            characters: range,
        });
    }
}
