//! Addresses of streets, which a turn names or a question asked for.

use std::ops::Range;

use super::finding::PiiKind;
use super::reading::Reading;
use super::tokens::{Shape, Token};
use super::vocabulary::WordRoles;

/// Largest number of words between the number of a house and the word for its street.
const MAX_STREET_WORDS: usize = 4;

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
        } else if is_code || token.number.is_some() && !token.is(WordRoles::COMMON) {
            last = at;
        } else if token.is_empty_talk() {
            break;
        }
        at += 1;
    }
    tokens[last].end
}
