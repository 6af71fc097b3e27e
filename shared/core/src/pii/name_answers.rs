//! Tells a name that answers a question from talk after the question: "it's Jane Doe" from "it works again".
//!
//! A name stands by itself or behind words that introduce one, and no subject, object or everyday word stands beside it.

use std::ops::Range;

use super::name_words::{
    ENDINGS, INSIDE, INTRODUCING, NAMES_WITH_ENDINGS, NO_SUFFIX, OWNING, PERSONS, SUBJECTS,
};
use super::reading::Reading;
use super::tokens::{Shape, Token, is_one_of};
use super::vocabulary::WordRoles;

/// Largest number of words of a name, with what is said between them.
const MAX_NAME_WORDS: usize = 6;
/// Largest number of letters and words of a name that is spelled.
const MAX_SPELLED_WORDS: usize = 40;

/// Returns the places of the names in an answer to a question for a name.
pub(super) fn find_name_answers(text: &str, reading: &Reading) -> Vec<Range<usize>> {
    clauses(text, &reading.tokens)
        .filter_map(|clause| {
            Clause {
                text,
                reading,
                clause,
            }
            .name()
        })
        .collect()
}

/// Returns whether a value is the verb of a sentence: "it works".
pub(super) fn is_verb_of_subject(text: &str, reading: &Reading, value: usize) -> bool {
    value.checked_sub(1).is_some_and(|before| {
        is_one_of(&text[reading.tokens[before].range()], SUBJECTS)
            && text[reading.tokens[before].end..reading.tokens[value].start]
                .trim()
                .is_empty()
    })
}

/// Returns the tokens of each part of a turn between two signs that end one. The dot of an initial ends none.
pub(super) fn clauses<'t>(
    text: &'t str,
    tokens: &'t [Token],
) -> impl Iterator<Item = Range<usize>> + 't {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start >= tokens.len() {
            return None;
        }
        let first = start;
        let end = (first + 1..tokens.len())
            .find(|place| {
                let before = &tokens[place - 1];
                let gap = &text[before.end..tokens[*place].start];
                let is_abbreviated = gap.starts_with('.') && before.chars <= 2;
                gap.contains([',', '?', '!', ';', ':', '\n', '–', '—'])
                    || gap.contains('.') && !is_abbreviated
                    || gap.contains(" - ")
            })
            .unwrap_or(tokens.len());
        start = end;
        Some(first..end)
    })
}

/// One part of a turn that may be a name.
struct Clause<'c> {
    text: &'c str,
    reading: &'c Reading,
    clause: Range<usize>,
}

impl Clause<'_> {
    fn word(&self, place: usize) -> &str {
        &self.text[self.reading.tokens[place].range()]
    }

    /// Returns whether a word can be a part of a name.
    fn is_value(&self, place: usize) -> bool {
        let token = &self.reading.tokens[place];
        if token.is_letter() {
            return !matches!(self.word(place), "a" | "i" | "I") || self.is_spelled(place);
        }
        token.shape == Shape::Alphabetic && !token.is_empty_talk() && token.number.is_none()
    }

    /// Returns whether another letter stands beside a letter.
    fn is_spelled(&self, place: usize) -> bool {
        let is_letter = |place: usize| {
            self.clause.contains(&place)
                && self.reading.tokens[place].is_letter()
                && !matches!(self.word(place), "a" | "i" | "I")
        };
        is_letter(place + 1) || place.checked_sub(1).is_some_and(is_letter)
    }

    /// Returns the place of the name in the part, if there is one.
    fn name(&self) -> Option<Range<usize>> {
        let tokens = &self.reading.tokens;
        let mut from = self.clause.start;
        // Each group of words that may be one name, until one is.
        while let Some(first) = (from..self.clause.end).find(|place| self.is_value(*place)) {
            let end = (first..self.clause.end)
                .find(|place| !self.is_value(*place) && !is_one_of(self.word(*place), INSIDE))
                .unwrap_or(self.clause.end);
            let last = (first..end).rfind(|place| self.is_value(*place))?;
            if self.is_one_name(first..last + 1) {
                return Some(tokens[first].start..tokens[last].end);
            }
            from = end;
        }
        self.proper_name()
    }

    /// Returns whether some words are one name, by themselves and by the words beside them.
    fn is_one_name(&self, words: Range<usize>) -> bool {
        let letters = words
            .clone()
            .filter(|place| self.reading.tokens[*place].is_letter())
            .count();
        let limit = if letters >= 2 {
            MAX_SPELLED_WORDS
        } else {
            MAX_NAME_WORDS
        };
        words.len() <= limit
            && self.is_introduced(words.start)
            && !self.goes_on(words.end - 1)
            && !words.clone().any(|place| self.is_everyday(place))
            && !self.is_said_of_thing(&words)
    }

    /// Returns whether words behind an "is" tell something of a thing before it: "the burger is soggy".
    fn is_said_of_thing(&self, words: &Range<usize>) -> bool {
        let is_link = |place: usize| is_one_of(self.word(place), "is was");
        let mut before = self.clause.start..words.start;
        before.clone().next_back().is_some_and(is_link)
            && !self.reading.tokens[words.start].is_capitalized
            && before.clone().any(|place| self.is_value(place))
            && !before.any(|place| is_one_of(self.word(place), PERSONS))
    }

    /// Returns whether the words before a place introduce a name, or there are none.
    fn is_introduced(&self, first: usize) -> bool {
        let Some(before) = first
            .checked_sub(1)
            .filter(|before| self.clause.contains(before))
        else {
            return true;
        };
        is_one_of(self.word(before), INTRODUCING)
            || is_one_of(self.word(before), "to with")
                && before > self.clause.start
                && is_one_of(self.word(before - 1), "speaking talking")
            || is_one_of(self.word(before), "me")
                && before > self.clause.start
                && is_one_of(self.word(before - 1), "call calls")
    }

    /// Returns whether the sentence goes on behind the last word as it does behind a verb: "works again", "fixed it".
    fn goes_on(&self, last: usize) -> bool {
        let next = last + 1;
        self.clause.contains(&next)
            && is_one_of(self.word(next), NO_SUFFIX)
            // "Smith it is."
            && !(next + 2 == self.clause.end && is_one_of(self.word(next + 1), "is was"))
    }

    /// Returns whether a word is none that people are called by. A capital letter inside a sentence makes a name of any word.
    fn is_everyday(&self, place: usize) -> bool {
        let token = &self.reading.tokens[place];
        if token.is_capitalized && !self.begins_sentence(place) || token.is_letter() {
            return false;
        }
        if token.is(WordRoles::EVERYDAY) {
            return true;
        }
        // A name of two capitals at the beginning is none of a verb: "Stirling Manning".
        let is_title = token.is_capitalized
            && self
                .reading
                .tokens
                .get(place + 1)
                .is_some_and(|next| next.is_capitalized && self.clause.contains(&(place + 1)));
        !is_title && is_no_name(self.text, token)
    }

    fn begins_sentence(&self, mut place: usize) -> bool {
        let tokens = &self.reading.tokens;
        while let Some(before) = place.checked_sub(1) {
            match &self.text[tokens[before].end..tokens[place].start] {
                "-" => place = before,
                gap => return gap.contains(['.', '?', '!', '\n']),
            }
        }
        true
    }

    /// Returns the first words with a capital inside the part, unless these belong to a thing: "it is under Jane Doe", but not "my Comcast box".
    fn proper_name(&self) -> Option<Range<usize>> {
        let tokens = &self.reading.tokens;
        let is_proper = |place: usize| {
            self.clause.contains(&place)
                && tokens[place].is_capitalized
                && tokens[place].chars > 1
                && self.is_value(place)
                && !self.begins_sentence(place)
        };
        let first = self.clause.clone().find(|place| is_proper(*place))?;
        let is_of_thing = first
            .checked_sub(1)
            .is_some_and(|before| is_one_of(self.word(before), OWNING));
        let is_thing = tokens[first].is(WordRoles::EVERYDAY.with(WordRoles::MONTH));
        if is_of_thing || is_thing || first == self.clause.start {
            return None;
        }
        let last = (first..self.clause.end)
            .take_while(|place| is_proper(*place))
            .last()?;
        // The first name at the beginning of the sentence belongs to it: "Jane Doe, you know".
        let first = match first.checked_sub(1) {
            Some(before)
                if self.clause.contains(&before)
                    && tokens[before].is_capitalized
                    && self.is_value(before)
                    && !self.is_everyday(before) =>
            {
                before
            }
            _ => first,
        };
        Some(tokens[first].start..tokens[last].end)
    }
}

/// Returns whether a word is one that nobody is called by, by itself: "router", "working".
pub(super) fn is_no_name(text: &str, token: &Token) -> bool {
    let word = &text[token.range()];
    let has_ending = ENDINGS.iter().any(|ending| {
        word.len() > ending.len() + 1
            && word
                .get(word.len() - ending.len()..)
                .is_some_and(|end| end.eq_ignore_ascii_case(ending))
    });
    token.is(WordRoles::EVERYDAY) || has_ending && !is_one_of(word, NAMES_WITH_ENDINGS)
}
