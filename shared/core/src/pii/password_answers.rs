//! Tells a password that answers a question from talk after the question: "it's bluebird" from "let me ask my wife".

use std::ops::Range;

use super::name_answers::{clauses, is_verb_of_subject};
use super::name_words::{INTRODUCING, NO_SUFFIX_OF_PASSWORD};
use super::reading::Reading;
use super::tokens::{Shape, Token, is_one_of};
use super::vocabulary::WordRoles;

/// Largest number of words of a password, with what is said between them.
const MAX_PASSWORD_WORDS: usize = 10;
/// Largest number of letters and words of a password that is spelled.
const MAX_SPELLED_WORDS: usize = 40;
/// Words between the words of one password.
const INSIDE: &str = "and the of in a then capital uppercase lowercase underscore dash hyphen dot plus one word letter number zero";

/// Returns the places of the passwords in an answer to a question for one.
pub(super) fn find_password_answers(text: &str, reading: &Reading) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for clause in clauses(text, &reading.tokens) {
        let mut from = clause.start;
        while let Some(first) = (from..clause.end).find(|place| is_value(text, reading, *place)) {
            let is_inside = |place: usize| {
                is_value(text, reading, place)
                    || is_one_of(&text[reading.tokens[place].range()], INSIDE)
                    || reading.tokens[place].number.is_some()
            };
            let end = (first..clause.end)
                .find(|place| !is_inside(*place))
                .unwrap_or(clause.end);
            let last = (first..end)
                .rfind(|place| is_value(text, reading, *place))
                .unwrap_or(first);
            if is_password(text, reading, &clause, first..last + 1) {
                let tokens = &reading.tokens;
                found.push(tokens[first].start..end_of_password(text, tokens[last].end));
            }
            from = end;
        }
    }
    found
}

/// Returns the end of what is written in one piece with a password: "Sunsh1ne!22".
pub(super) fn end_of_password(text: &str, end: usize) -> usize {
    let rest = &text[end..];
    let piece = rest
        .find(char::is_whitespace)
        .map_or(rest, |blank| &rest[..blank]);
    let kept = piece.trim_end_matches(['.', ',', '?', ';', ':', '"', '\'', ')', '”', '’']);
    // Figures or letters after a sign belong to it, and so do signs of which passwords are made.
    if kept.contains(char::is_alphanumeric)
        || kept.contains(['!', '#', '$', '&', '*', '@', '%', '^'])
    {
        end + kept.len()
    } else {
        end
    }
}

/// Returns whether a word can be a part of a password.
fn is_value(text: &str, reading: &Reading, place: usize) -> bool {
    let token = &reading.tokens[place];
    let is_counted = reading
        .tokens
        .get(place + 1)
        .is_some_and(|next| next.is(WordRoles::UNIT) && next.chars > 1);
    if token.shape == Shape::Figures {
        return !is_counted;
    }
    if token.is_letter() {
        return !matches!(&text[token.range()], "a" | "i" | "I")
            || reading.tokens.get(place + 1).is_some_and(Token::is_letter);
    }
    if token.number.is_some() {
        return !is_counted && !token.is(WordRoles::COMMON);
    }
    !token.is_empty_talk()
}

/// Returns whether some words of a part of a turn are a password, by themselves and by the words beside them.
fn is_password(text: &str, reading: &Reading, clause: &Range<usize>, words: Range<usize>) -> bool {
    let tokens = &reading.tokens;
    let word = |place: usize| &text[tokens[place].range()];
    let letters = words
        .clone()
        .filter(|place| tokens[*place].is_letter())
        .count();
    let limit = if letters >= 2 {
        MAX_SPELLED_WORDS
    } else {
        MAX_PASSWORD_WORDS
    };
    if words.len() > limit {
        return false;
    }
    // What looks like no word of the language is no talk.
    let is_odd = words
        .clone()
        .any(|place| tokens[place].shape != Shape::Alphabetic);
    let before = words
        .start
        .checked_sub(1)
        .filter(|before| clause.contains(before));
    let is_introduced = before.is_none_or(|before| {
        is_one_of(word(before), INTRODUCING)
            || is_one_of(
                word(before),
                "use used using chose picked with password pin word to",
            )
            || tokens[before].number.is_some()
    });
    let goes_on = clause.contains(&words.end) && is_one_of(word(words.end), NO_SUFFIX_OF_PASSWORD);
    is_odd || is_introduced && !goes_on && !is_verb_of_subject(text, reading, words.start)
}
