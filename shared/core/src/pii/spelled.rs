//! Answers that are spelled: "Q Q one two", "J for Juliet", "D as in dog four double oh".

use std::ops::Range;

use super::reading::Reading;
use super::tokens::{Shape, Token, is_one_of};
use super::vocabulary::WordRoles;

/// How letters are said that speech recognition writes as words.
const LETTER_WORDS: &str = "alpha bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar papa quebec romeo sierra tango uniform victor whiskey xray \
     yankee zulu bee cee dee eff gee jay kay ell pee cue queue ess tee vee wye zed zee aitch haitch";
/// Words between a letter and the word that it begins.
const LIKE: &str = "for as in like";

/// Returns the place of what is spelled in a turn in which nothing else is said: letters with figures or with each other.
pub(super) fn find_spelled(text: &str, reading: &Reading) -> Option<Range<usize>> {
    let tokens = &reading.tokens;
    let mut first = None;
    let mut last = 0;
    let (mut letters, mut pieces) = (0, 0);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is_number = token.shape != Shape::Alphabetic || token.number.is_some();
        let length = letter_at(text, tokens, at);
        if length > 0 || is_number {
            letters += usize::from(length > 0);
            pieces += 1;
            first.get_or_insert(at);
            at += length.max(1);
            last = at - 1;
        } else if token.is_empty_talk() || is_one_of(&text[token.range()], "capital capitals") {
            at += 1;
        } else {
            return None;
        }
    }
    // "A" and "I" alone are words.
    let first = first.filter(|_| letters > 0 && pieces >= 2)?;
    Some(tokens[first].start..tokens[last].end)
}

/// Returns the number of words that say one letter from a place on: "D as in dog" is four, or none.
fn letter_at(text: &str, tokens: &[Token], at: usize) -> usize {
    let word = |place: usize| tokens.get(place).map_or("", |token| &text[token.range()]);
    let token = &tokens[at];
    let is_letter = token.is_letter() && token.number.is_none();
    let is_word = is_one_of(word(at), LETTER_WORDS);
    if !is_letter && !is_word {
        return 0;
    }
    let mut end = at + 1;
    while is_one_of(word(end), LIKE) {
        end += 1;
    }
    // "D as in dog": the word may be any.
    if end > at + 1 && end < tokens.len() && tokens[end].shape == Shape::Alphabetic {
        return end + 1 - at;
    }
    let is_talk = matches!(word(at), "a" | "I" | "i")
        && !tokens.get(at + 1).is_some_and(|next| {
            next.is_letter() || next.number.is_some() || next.shape == Shape::Figures
        })
        && !at.checked_sub(1).is_some_and(|before| {
            tokens[before].is_letter()
                || tokens[before].number.is_some()
                || tokens[before].is(WordRoles::LINK)
        });
    usize::from(!is_talk)
}
