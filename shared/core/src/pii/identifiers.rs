//! Identifiers of letters and figures: IBANs, national insurance numbers, passports, driver's licenses.

use std::ops::Range;

use super::finding::PiiKind;
use super::numbers;
use super::reading::Reading;
use super::tokens::{Shape, Token};

/// Finds IBANs by their country's length and their check.
pub(super) fn find_ibans(text: &str, reading: &Reading) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for token in &reading.tokens {
        // "DE89..." in one token or group, or the letters of the country alone.
        let is_start = token.shape == Shape::Mixed && token.chars >= 4
            || token.shape == Shape::Alphabetic && token.chars == 2;
        if is_start
            && found
                .last()
                .is_none_or(|last: &Range<usize>| last.end <= token.start)
            && let Some(range) = numbers::iban_at(text, token.start)
        {
            found.push(range);
        }
    }
    found
}

/// Finds national insurance numbers of the United Kingdom: two letters, six figures, a letter from A to D.
pub(super) fn find_national_insurance_numbers(text: &str, reading: &Reading) -> Vec<Range<usize>> {
    let tokens = &reading.tokens;
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.shape == Shape::Figures
            || !(token.chars == 2 && token.shape == Shape::Alphabetic
                || token.shape == Shape::Mixed)
        {
            continue;
        }
        let mut written = String::with_capacity(9);
        for (offset, next) in tokens[index..].iter().take(5).enumerate() {
            if offset > 0
                && !matches!(
                    &text[tokens[index + offset - 1].end..next.start],
                    " " | "-" | ""
                )
            {
                break;
            }
            written.push_str(&text[next.range()]);
            if written.len() >= 9 {
                if is_national_insurance_number(&written) {
                    found.push(token.start..next.end);
                }
                break;
            }
        }
    }
    found
}

fn is_national_insurance_number(written: &str) -> bool {
    let bytes = written.as_bytes();
    bytes.len() == 9
        && bytes[..2].iter().all(u8::is_ascii_alphabetic)
        && bytes[2..8].iter().all(u8::is_ascii_digit)
        && matches!(bytes[8].to_ascii_uppercase(), b'A'..=b'D')
        && !matches!(
            bytes[0].to_ascii_uppercase(),
            b'D' | b'F' | b'I' | b'U' | b'V'
        )
}

/// Returns whether a token can be a number of a passport, of a license or of an account: letters and figures, or many figures.
pub(super) fn can_be_identifier(token: &Token, kind: PiiKind) -> bool {
    let enough = match kind {
        PiiKind::Passport => 6,
        PiiKind::Iban => 2,
        _ => 5,
    };
    token.shape == Shape::Mixed && (enough..=34).contains(&token.chars)
}

/// Returns where an identifier ends that begins with a token: groups of figures that a hyphen joins to it belong to it, and in an IBAN the
/// four letters of the bank.
pub(super) fn end_of_identifier(
    text: &str,
    reading: &Reading,
    first: usize,
    kind: PiiKind,
) -> usize {
    let mut end = reading.tokens[first].end;
    for token in &reading.tokens[first + 1..] {
        let is_joined = &text[end..token.start] == "-" && token.shape != Shape::Alphabetic;
        let is_bank = kind == PiiKind::Iban
            && &text[end..token.start] == " "
            && token.shape == Shape::Alphabetic
            && token.chars == 4
            && text[token.range()]
                .bytes()
                .all(|letter| letter.is_ascii_uppercase());
        if !is_joined && !is_bank {
            break;
        }
        end = token.end;
    }
    end
}
