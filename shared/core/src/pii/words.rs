//! Personal data that is words: names, passwords and the words of addresses of mail.

use std::ops::Range;

use super::finding::PiiKind;
use super::name_answers::{find_name_answers, is_no_name, is_verb_of_subject};
use super::name_words::NAMES_WITH_ENDINGS;
use super::password_answers::end_of_password;
use super::phrases::Cue;
use super::reading::{CueHit, Reading};
use super::tokens::{Shape, Token, is_one_of};
use super::vocabulary::WordRoles;

/// Largest number of words of a name.
const MAX_NAME_WORDS: usize = 4;
/// Largest number of words of a password or of the answer to a security question.
const MAX_PASSWORD_WORDS: usize = 6;
/// Largest number of letters of a word that is spelled.
const MAX_SPELLED_LETTERS: usize = 30;

/// Finds the names that a turn introduces: "my name is ...", "this is ... calling".
pub(super) fn find_names(text: &str, reading: &Reading) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for hit in names(reading, PiiKind::Name) {
        if let Some(range) = words_after(
            text,
            reading,
            hit.tokens.end,
            MAX_NAME_WORDS,
            is_introducing(text, reading, hit),
        ) {
            found.push(range);
        }
    }
    // "This is Jane Doe calling": weaker words count only before capital letters, and where the sentence is about the speaker.
    for (index, token) in reading.tokens.iter().enumerate() {
        let word = &text[token.range()];
        let first = match reading.tokens.get(index + 1) {
            Some(next)
                if word.eq_ignore_ascii_case("this")
                    && text[next.range()].eq_ignore_ascii_case("is") =>
            {
                index + 2
            }
            Some(_) if word.eq_ignore_ascii_case("i'm") || word.eq_ignore_ascii_case("i’m") => {
                index + 1
            }
            _ => continue,
        };
        let count = name_words(text, &reading.tokens, first, MAX_NAME_WORDS);
        let capitals = reading.tokens[first..first + count]
            .iter()
            .take_while(|token| token.is_capitalized)
            .count();
        let greets = greets_before(text, reading, index) && (1..=3).contains(&count) && {
            let last = &reading.tokens[first + count - 1];
            reading.tokens.get(first + count).is_none_or(|next| {
                text[last.end..next.start].contains([',', '.', '!'])
                    || is_one_of(&text[next.range()], "and from calling here i i'm speaking")
            }) && !reading.tokens[first..first + count]
                .iter()
                .any(|token| is_no_name(text, token))
        };
        let speaks = reading.tokens.get(first + count).is_some_and(|token| {
            let words: &[&str] = if capitals == count {
                &["calling", "here", "speaking", "from"]
            } else {
                &["calling", "speaking"]
            };
            words
                .iter()
                .any(|word| text[token.range()].eq_ignore_ascii_case(word))
        });
        let ends = reading.tokens.get(first + count).is_none_or(|next| {
            text[reading.tokens[first + count - 1].end..next.start].contains([',', '.'])
        });
        if count > 0
            && (capitals >= 2 && capitals == count && (ends || word.starts_with(['i', 'I']))
                || count <= 2 && speaks
                || greets)
        {
            found.push(reading.tokens[first].start..reading.tokens[first + count - 1].end);
        }
    }
    found
}

/// Returns whether a turn begins with a greeting right before a token, or is a short answer: "hi, this is", "yes this is Jane".
fn greets_before(text: &str, reading: &Reading, place: usize) -> bool {
    place.checked_sub(1).is_some_and(|before| {
        let word = &text[reading.tokens[before].range()];
        before <= 3 && is_one_of(word, "hi hello hey hiya morning afternoon evening")
            || reading.tokens.len() <= 6 && is_one_of(word, "yes yeah yep")
    })
}

/// Finds the passwords that a turn tells: "my password is ...".
pub(super) fn find_passwords(text: &str, reading: &Reading) -> Vec<Range<usize>> {
    names(reading, PiiKind::Password)
        .filter_map(|hit| words_after(text, reading, hit.tokens.end, MAX_PASSWORD_WORDS, false))
        .map(|range| range.start..end_of_password(text, range.end))
        .collect()
}

/// Finds the words of an answer to a question for an address of mail.
pub(super) fn find_email_answer(text: &str, reading: &Reading) -> Option<Range<usize>> {
    let tokens = &reading.tokens;
    let is_sign = |place: usize| is_sign_of_address(text, reading, place);
    let is_initial = |place: usize| {
        tokens[place].is_letter()
            && tokens
                .get(place + 1)
                .is_some_and(|next| next.is(WordRoles::DOT.with(WordRoles::SIGN)))
    };
    let is_value = |place: &usize| {
        let token = &tokens[*place];
        // The digits of a card before an address are no part of the address.
        if token.shape == Shape::Figures && token.chars >= 4 {
            return false;
        }
        !token.is_empty_talk()
            || is_sign(*place)
            || is_initial(*place)
            || token.is_letter() && !matches!(&text[token.range()], "a" | "i" | "I")
    };
    let places = 0..tokens.len();
    if !places.clone().any(is_sign) {
        let names = find_name_answers(text, reading);
        return Some(names.first()?.start..names.last()?.end);
    }
    let first = places.clone().find(is_value)?;
    let last = places.clone().rfind(is_value)?;
    // "Great, it works again" is no answer.
    if let Some(word) = places
        .clone()
        .find(|place| is_value(place) && !is_sign(*place))
        && is_verb_of_subject(text, reading, word)
        && !(word + 1 < tokens.len() && is_sign(word + 1))
    {
        return None;
    }
    (last - first < 24).then(|| tokens[first].start..tokens[last].end)
}

/// Returns whether a word stands for a sign or a figure of an address of mail: "at" does, but not in "not at all".
pub(super) fn is_sign_of_address(text: &str, reading: &Reading, place: usize) -> bool {
    let token = &reading.tokens[place];
    if token.number.is_some() {
        return true;
    }
    token.is(WordRoles::AT.with(WordRoles::DOT).with(WordRoles::SIGN))
        && reading.tokens.get(place + 1).is_none_or(|next| {
            !next.is_empty_talk()
                || next.is_letter() && !matches!(&text[next.range()], "a" | "i" | "I")
                || next.number.is_some()
                || next.is(WordRoles::MAIL_PROVIDER.with(WordRoles::TOP_LEVEL))
        })
}

/// Returns the phrases that name a kind.
fn names(reading: &Reading, kind: PiiKind) -> impl Iterator<Item = &CueHit> {
    reading
        .cues
        .iter()
        .filter(move |hit| hit.cue == Cue::Names(kind))
}

/// Returns whether a phrase introduces a name by itself ("my name is"), so that a link need not follow.
fn is_introducing(text: &str, reading: &Reading, hit: &CueHit) -> bool {
    let word = |place: usize| &text[reading.tokens[place].range()];
    is_one_of(word(hit.tokens.end - 1), "is name's")
        || is_one_of(word(hit.tokens.start), "under")
        || is_of_account(text, reading, hit)
}

/// Returns whether something of the contact center is in somebody's name: "the account's in the name of", but not "in the name of science".
fn is_of_account(text: &str, reading: &Reading, hit: &CueHit) -> bool {
    let word = |place: usize| &text[reading.tokens[place].range()];
    is_one_of(word(hit.tokens.start), "in")
        && hit.tokens.start.checked_sub(1).is_none_or(|before| {
            is_one_of(
                word(before),
                "is it's it was be registered booked held account account's booking reservation policy ticket line contract subscription order card",
            )
        })
}

/// Returns the place of the words after a phrase and a link ("is", a colon), up to the first word of empty talk.
fn words_after(
    text: &str,
    reading: &Reading,
    place: usize,
    limit: usize,
    introduced: bool,
) -> Option<Range<usize>> {
    let tokens = &reading.tokens;
    let mut first = place;
    let mut linked = introduced || tokens[place - 1].is_linking;
    while let Some(token) = tokens.get(first) {
        let gap = &text[tokens[first - 1].end..token.start];
        if gap.contains(['?', '!', '\n', ';']) || gap.contains('.') {
            return None;
        }
        linked |= gap.contains([':', '"', '=']);
        let word = &text[token.range()];
        let links = is_one_of(word, "is was be it's would uh um er spelled spelt");
        // "The password I'm using is", "the password should be".
        let skips = is_one_of(
            word,
            "so should i i'm i've been using use have now currently",
        );
        let sets = limit == MAX_PASSWORD_WORDS
            && first == place
            && word.eq_ignore_ascii_case("to")
            && is_set(text, tokens, place);
        linked |= links || sets;
        if !links && !skips && !sets {
            break;
        }
        first += 1;
    }
    let token = tokens.get(first)?;
    // Right behind the phrase only what looks like no word of the language: "password hunter22".
    let is_direct = first == place
        && (token.shape == Shape::Mixed
            || token.is_capitalized && !token.is_empty_talk()
            || tokens.len() == first + 1 && !token.is_empty_talk() && first <= 2
            || limit == MAX_PASSWORD_WORDS
                && is_means(text, tokens, place)
                && !token.is(WordRoles::EVERYDAY.with(WordRoles::EMPTY_TALK)));
    if !linked && !is_direct {
        return None;
    }
    let mut count = name_words(text, tokens, first, limit);
    // "My name is Will": behind an introduction in small letters a capital makes a name of any word.
    if introduced && limit == MAX_NAME_WORDS && !tokens[place - 1].is_capitalized {
        while let Some(next) = tokens.get(first + count)
            && count < limit
            && next.is_capitalized
            && next.chars > 1
            && next.shape == Shape::Alphabetic
            && (count == 0 || matches!(&text[tokens[first + count - 1].end..next.start], " " | "-"))
        {
            count += 1;
            if !next.is_empty_talk() {
                count += name_words(
                    text,
                    tokens,
                    first + count,
                    limit.saturating_sub(count).max(1),
                );
            }
        }
    }
    // "My name is misspelled": a single verb is no name.
    let word = text[token.range()].trim_end();
    if limit == MAX_NAME_WORDS
        && count == 1
        && !token.is_capitalized
        && ["ed", "ing", "ly"]
            .iter()
            .any(|ending| word.ends_with(ending))
        && !is_one_of(word, NAMES_WITH_ENDINGS)
    {
        return None;
    }
    (count > 0).then(|| tokens[first].start..tokens[first + count - 1].end)
}

/// Counts the words from a token on that can be a name or a password: until empty talk or the end of the sentence.
fn name_words(text: &str, tokens: &[Token], first: usize, limit: usize) -> usize {
    let mut count = 0;
    while let Some(token) = tokens.get(first + count) {
        if count >= limit && !token.is_letter() || count == MAX_SPELLED_LETTERS {
            break;
        }
        let is_behind_initial = count > 0
            && tokens[first + count - 1].is_letter()
            && tokens[first + count - 1].is_capitalized
            && token.is_capitalized
            && &text[tokens[first + count - 1].end..token.start] == ". ";
        if count > 0
            && !is_behind_initial
            && text[tokens[first + count - 1].end..token.start]
                .contains([',', '.', '?', '!', ';', ':', '\n', '"'])
        {
            break;
        }
        let is_spelled =
            token.is_letter() && (count > 0 || tokens.get(first + 1).is_some_and(Token::is_letter));
        if token.is_empty_talk() && !is_spelled {
            break;
        }
        count += 1;
    }
    count
}

/// Returns whether a phrase that ends at a place is what somebody does something with: "logging in with the password".
fn is_means(text: &str, tokens: &[Token], end: usize) -> bool {
    tokens[..end.saturating_sub(1)]
        .iter()
        .rev()
        .take(3)
        .find(|token| !token.is(WordRoles::DETERMINER))
        .is_some_and(|token| is_one_of(&text[token.range()], "with using"))
}

/// Returns whether a phrase that ends at a place is what somebody sets: "I set the password to".
fn is_set(text: &str, tokens: &[Token], end: usize) -> bool {
    tokens[..end.saturating_sub(1)]
        .iter()
        .rev()
        .take(4)
        .any(|token| is_one_of(&text[token.range()], "set changed updated made reset"))
}
