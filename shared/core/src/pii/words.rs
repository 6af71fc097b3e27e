//! Personal data that is words: names, passwords and street addresses.

use std::ops::Range;

use super::finding::PiiKind;
use super::name_answers::is_verb_of_subject;
use super::name_words::NAMES_WITH_ENDINGS;
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
/// Largest number of words between the number of a house and the word for its street.
const MAX_STREET_WORDS: usize = 4;

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
                || count <= 2 && speaks)
        {
            found.push(reading.tokens[first].start..reading.tokens[first + count - 1].end);
        }
    }
    found
}

/// Finds the passwords that a turn tells: "my password is ...".
pub(super) fn find_passwords(text: &str, reading: &Reading) -> Vec<Range<usize>> {
    names(reading, PiiKind::Password)
        .filter_map(|hit| words_after(text, reading, hit.tokens.end, MAX_PASSWORD_WORDS, false))
        .collect()
}

/// Finds the words of an answer to a question for a password or an address of mail.
pub(super) fn find_answer(text: &str, reading: &Reading, kind: PiiKind) -> Option<Range<usize>> {
    let limit = MAX_PASSWORD_WORDS + 4;
    let is_sign = |token: &Token| {
        kind == PiiKind::Email
            && (token.is(WordRoles::AT.with(WordRoles::DOT).with(WordRoles::SIGN))
                || token.number.is_some())
    };
    let is_initial = |token: &Token| {
        let next = reading.tokens.iter().find(|next| next.start > token.start);
        token.is_letter() && next.is_some_and(|next| next.is(WordRoles::DOT.with(WordRoles::SIGN)))
    };
    let is_value = |token: &Token| {
        // The digits of a card before an address are no part of the address.
        if kind == PiiKind::Email && token.shape == Shape::Figures && token.chars >= 4 {
            return false;
        }
        !token.is_empty_talk()
            || is_sign(token)
            || kind == PiiKind::Email && is_initial(token)
            || token.is_letter() && !matches!(&text[token.range()], "a" | "i" | "I")
    };
    let first = reading.tokens.iter().position(is_value)?;
    let last = reading.tokens.iter().rposition(is_value)?;
    // "Great, it works again" is no answer.
    let is_word = |token: &Token| is_value(token) && !is_sign(token);
    if let Some(word) = reading.tokens.iter().position(is_word)
        && is_verb_of_subject(text, reading, word)
        && !reading.tokens.get(word + 1).is_some_and(is_sign)
    {
        return None;
    }
    let words = &reading.tokens[first..=last];
    // A long answer is a sentence, in which the first words with a capital are the name.
    let is_spelled = words.iter().any(is_sign) && words.len() <= 24;
    if !is_spelled
        && (words.len() > limit
            || words
                .iter()
                .filter(|token| token.is_empty_talk() && !token.is_letter())
                .count()
                > 2)
    {
        let count = name_words(text, &reading.tokens, first, MAX_NAME_WORDS);
        let is_proper = count > 0 && reading.tokens[first].is_capitalized && first > 0;
        return is_proper
            .then(|| reading.tokens[first].start..reading.tokens[first + count - 1].end);
    }
    Some(words[0].start..words[words.len() - 1].end)
}

/// Finds the street addresses of a turn. `is_expected` tells that the conversation is about one.
pub(super) fn find_addresses(
    text: &str,
    reading: &Reading,
    is_expected: bool,
) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let is_expected = is_expected || reading.mentions(PiiKind::Address);
    for run in &reading.numbers.runs {
        if run.digits > 6 {
            continue;
        }
        let mut first = run.tokens.end;
        // "221B Baker Street": the letter of a house.
        if reading
            .tokens
            .get(first)
            .is_some_and(|token| token.is_letter() && token.chars == 1)
        {
            first += 1;
        }
        // "Send it to three ninety two chestnut court": where the number follows a place word, an everyday word ends a street.
        let is_destination = run.tokens.start.checked_sub(1).is_some_and(|before| {
            ["to", "at"]
                .iter()
                .any(|word| text[reading.tokens[before].range()].eq_ignore_ascii_case(word))
        });
        let mut last = None;
        for (offset, token) in reading.tokens[first.min(reading.tokens.len())..]
            .iter()
            .take(MAX_STREET_WORDS + 1)
            .enumerate()
        {
            let gap = &text[reading.tokens[first + offset - 1].end..token.start];
            let is_abbreviated =
                offset > 0 && gap == ". " && reading.tokens[first + offset - 1].chars <= 2;
            if gap != " " && !is_abbreviated {
                break;
            }
            let is_street = token.is(WordRoles::STREET)
                || token.is(WordRoles::MAYBE_STREET)
                    && offset > 0
                    && (is_expected
                        || is_destination
                        || token.is_capitalized && reading.tokens[first].is_capitalized);
            if is_street && offset > 0 {
                last = Some(first + offset);
                if !reading
                    .tokens
                    .get(first + offset + 1)
                    .is_some_and(|next| next.is(WordRoles::STREET.with(WordRoles::MAYBE_STREET)))
                {
                    break;
                }
                continue;
            }
            let is_part = token.shape != Shape::Figures
                && !token.is(WordRoles::UNIT)
                && (!token.is_empty_talk()
                    || token.is_capitalized
                    || token.is(WordRoles::MAYBE_STREET)
                    || matches!(&text[token.range()], "old" | "new" | "of" | "the")
                        && (is_expected || is_destination));
            if !is_part {
                break;
            }
        }
        let Some(last) = last else { continue };
        found.push(run.range.start..extend_address(text, reading, last));
    }
    for (index, token) in reading.tokens.iter().enumerate() {
        // A postcode of the United Kingdom near its word: "SW1A 1AA".
        if is_expected
            && let Some(next) = reading.tokens.get(index + 1)
            && is_postcode(&text[token.range()], &text[next.range()])
        {
            found.push(token.start..next.end);
        }
        // "221B Baker Street"
        let is_house =
            token.shape == Shape::Mixed && token.chars <= 5 && !token.is_numeric_ordinal(text);
        if is_house
            && text[token.range()].starts_with(|letter: char| letter.is_ascii_digit())
            && let Some(last) = (index + 2
                ..(index + 2 + MAX_STREET_WORDS).min(reading.tokens.len()))
                .find(|last| reading.tokens[*last].is(WordRoles::STREET))
            && reading.tokens[index + 1..last]
                .iter()
                .all(|token| !token.is_empty_talk())
        {
            found.push(token.start..extend_address(text, reading, last));
        }
    }
    found
}

/// Returns whether two words are the halves of a postcode of the United Kingdom.
fn is_postcode(outward: &str, inward: &str) -> bool {
    let (outward, inward) = (outward.as_bytes(), inward.as_bytes());
    (2..=4).contains(&outward.len())
        && outward[0].is_ascii_alphabetic()
        && outward.iter().any(u8::is_ascii_digit)
        && matches!(inward, [digit, one, two] if digit.is_ascii_digit() && one.is_ascii_alphabetic() && two.is_ascii_alphabetic())
}

/// Returns the place of an answer to a question for an address: from the first number or name to the last word.
pub(super) fn find_address_answer(text: &str, reading: &Reading) -> Option<Range<usize>> {
    let is_start = |token: &Token| {
        (token.shape != Shape::Alphabetic
            || token.number.is_some()
            || token.is(WordRoles::STREET.with(WordRoles::DWELLING)))
            && !text[token.range()].eq_ignore_ascii_case("oh")
    };
    let first = reading.tokens.iter().position(is_start)?;
    let last = reading
        .tokens
        .iter()
        .rposition(|token| !token.is_empty_talk() || token.shape != Shape::Alphabetic)?;
    // "42 minutes" is a quantity.
    if reading
        .tokens
        .get(first + 1)
        .is_some_and(|next| next.is(WordRoles::UNIT) && next.chars > 1)
    {
        return None;
    }
    (first <= last && (reading.tokens.len() - first <= 20) && (last > first || reading.is_pure))
        .then(|| reading.tokens[first].start..reading.tokens[last].end)
        .filter(|range| !text[range.clone()].is_empty())
}

/// Returns the end of an address whose street ends at a token: with the dwelling, the city's code and the words between.
fn extend_address(text: &str, reading: &Reading, street: usize) -> usize {
    let tokens = &reading.tokens;
    let mut last = street;
    let mut at = street + 1;
    while let Some(token) = tokens.get(at) {
        if at - last > 5 || text[tokens[at - 1].end..token.start].contains(['?', '!', '.', '\n']) {
            break;
        }
        let is_code = token.shape == Shape::Figures && token.chars <= 5
            || token.shape == Shape::Mixed && token.chars <= 4;
        if token.is(WordRoles::DWELLING)
            && tokens.get(at + 1).is_some_and(|next| {
                next.shape != Shape::Alphabetic || next.number.is_some() || next.is_letter()
            })
        {
            last = at + 1;
            at += 1;
        } else if is_code {
            last = at;
        } else if token.is_empty_talk() {
            break;
        }
        at += 1;
    }
    tokens[last].end
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
    let last = &text[reading.tokens[hit.tokens.end - 1].range()];
    ["is", "name's", "name’s"]
        .iter()
        .any(|word| last.eq_ignore_ascii_case(word))
        || {
            let first = &text[reading.tokens[hit.tokens.start].range()];
            ["under", "in"]
                .iter()
                .any(|word| first.eq_ignore_ascii_case(word))
        }
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
        let links = [
            "is", "was", "be", "it's", "would", "uh", "um", "so", "er", "spelled", "spelt",
        ]
        .iter()
        .any(|link| word.eq_ignore_ascii_case(link));
        linked |= links && !word.eq_ignore_ascii_case("so");
        if !links {
            break;
        }
        first += 1;
    }
    let token = tokens.get(first)?;
    // Right behind the phrase only what looks like no word of the language: "password hunter22".
    let is_direct = first == place
        && (token.shape == Shape::Mixed
            || token.is_capitalized && !token.is_empty_talk()
            || tokens.len() == first + 1 && !token.is_empty_talk() && first <= 2);
    if !linked && !is_direct {
        return None;
    }
    let count = name_words(text, tokens, first, limit);
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
        if count > 0
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
