//! Numbers that can be checked by themselves: payment cards, bank accounts, social security numbers.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::context::{compile_pattern, is_labeled_otherwise, is_within_token, text_before};
use super::finding::{Finding, PiiKind};

/// Length of the text before nine digits in which an announcing word is looked for, in bytes.
const ANNOUNCEMENT_BYTES: usize = 60;
/// Number of digits of a payment card (ISO/IEC 7812): from 13, as in old Visa cards, to 19.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Finds card numbers: groups of digits joined by white space, dashes, dots or commas, at most two characters between them.
pub(super) fn find_cards(text: &str) -> Vec<Finding> {
    let groups = digit_groups(text);
    let mut found = Vec::new();
    let mut first = 0;
    while first < groups.len() {
        match longest_card(text, &groups[first..]) {
            Some((count, range)) => {
                found.push(Finding {
                    kind: PiiKind::CreditCard,
                    range,
                });
                first += count;
            }
            None => first += 1,
        }
    }
    found
}

/// Returns the longest card number that begins with the first group: its number of groups and its place.
fn longest_card(text: &str, groups: &[Range<usize>]) -> Option<(usize, Range<usize>)> {
    let mut digits: Vec<u8> = Vec::with_capacity(*CARD_DIGITS.end());
    let mut best = None;
    for (index, group) in groups.iter().enumerate() {
        if index > 0 && !joins_digits(&text[groups[index - 1].end..group.start]) {
            break;
        }
        if digits.len() + group.len() > *CARD_DIGITS.end() {
            break;
        }
        digits.extend(text[group.clone()].bytes().map(|digit| digit - b'0'));
        let range = groups[0].start..group.end;
        // A number after a plus sign is an international telephone number, not a card.
        if is_card(&digits) && !is_within_token(text, &range) && !text[..range.start].ends_with('+')
        {
            best = Some((index + 1, range));
        }
    }
    best
}

/// Returns whether the digits can be a payment card: by length, by the first digits of an issuer, and by Luhn's check digit.
pub(super) fn is_card(digits: &[u8]) -> bool {
    let issued = match digits {
        // Mastercard's second range.
        [2, 2..=7, ..] => digits.len() == 16,
        // Diners Club, American Express, JCB.
        [3, ..] => (14..=16).contains(&digits.len()),
        // Visa.
        [4, ..] => matches!(digits.len(), 13 | 16 | 19),
        // Mastercard and Maestro; Discover, UnionPay and Maestro.
        [5 | 6, ..] => CARD_DIGITS.contains(&digits.len()),
        _ => false,
    };
    issued && passes_luhn_check(digits)
}

/// Returns whether the digits pass Luhn's check (ISO/IEC 7812-1, annex B): with every second digit from the right doubled, the
/// digit sum is divisible by ten.
fn passes_luhn_check(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(*digit) * (1 + place as u32 % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Returns the maximal runs of ASCII digits.
fn digit_groups(text: &str) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (at, _) in text
        .bytes()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_digit())
    {
        match groups.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => groups.push(at..at + 1),
        }
    }
    groups
}

/// Returns whether the characters between two groups of digits join the groups to one number.
fn joins_digits(between: &str) -> bool {
    between.chars().count() <= 2
        && between
            .chars()
            .all(|c| c.is_whitespace() || matches!(c, '-' | '.' | ',' | '\u{2010}'..='\u{2015}'))
}

/// Number of characters of an IBAN by country (SWIFT IBAN registry, release 99).
const IBAN_LENGTHS: [(&str, usize); 82] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
];

/// Finds bank accounts (ISO 13616): two letters, two digits, then letters and digits in groups, of the country's length and
/// with the remainder 1.
pub(super) fn find_ibans(text: &str) -> Vec<Finding> {
    static START: LazyLock<Regex> = LazyLock::new(|| compile_pattern(r"\b[A-Za-z]{2} ?[0-9]{2}"));
    let mut found: Vec<Finding> = Vec::new();
    for candidate in START.find_iter(text) {
        let country = candidate.as_str()[..2].to_ascii_uppercase();
        let Some((_, length)) = IBAN_LENGTHS.iter().find(|(code, _)| *code == country) else {
            continue;
        };
        let Some(range) = range_of_characters(text, candidate.start(), *length) else {
            continue;
        };
        if !is_within_token(text, &range) && has_remainder_one(&text[range.clone()]) {
            found.push(Finding {
                kind: PiiKind::Iban,
                range,
            });
        }
    }
    found
}

/// Returns the range from `start` that holds `count` ASCII letters and digits with at most one space or dash between two of
/// them.
fn range_of_characters(text: &str, start: usize, count: usize) -> Option<Range<usize>> {
    let mut taken = 0;
    let mut separated = false;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        if byte.is_ascii_alphanumeric() {
            taken += 1;
            separated = false;
            if taken == count {
                return Some(start..at + 1);
            }
        } else if separated || !matches!(byte, b' ' | b'-') {
            return None;
        } else {
            separated = true;
        }
    }
    None
}

/// Returns whether an IBAN has the remainder 1 (ISO 13616): with the first four characters moved to the end and letters read
/// as 10 to 35, the number modulo 97 is 1.
fn has_remainder_one(iban: &str) -> bool {
    let characters: Vec<u32> = iban.chars().filter_map(|c| c.to_digit(36)).collect();
    // Every country's IBAN has at least eight digits. Words after the letters of a country and a time of day have fewer.
    if characters.iter().filter(|value| **value < 10).count() < 8 {
        return false;
    }
    let rotated = characters[4..].iter().chain(&characters[..4]);
    rotated.fold(0, |rest, value| {
        (rest * if *value > 9 { 100 } else { 10 } + value) % 97
    }) == 1
}

/// Finds social security numbers: 3-2-4 digits with one kind of separator, or nine digits after a word that announces them.
pub(super) fn find_social_security_numbers(text: &str) -> Vec<Finding> {
    static WRITTEN: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(
            r"\b([0-9]{3})(?:-([0-9]{2})-| ([0-9]{2}) |\.([0-9]{2})\.|([0-9]{2}))([0-9]{4})\b",
        )
    });
    static ANNOUNCED: LazyLock<Regex> =
        LazyLock::new(|| compile_pattern(r"(?i)\b(?:ssn|social(?: security)?)\b"));
    let mut found = Vec::new();
    for number in WRITTEN.captures_iter(text) {
        let part = |index| number.get(index).map(|part| part.as_str());
        let (Some(whole), Some(area), Some(serial)) = (number.get(0), part(1), part(6)) else {
            continue;
        };
        let separated = (2..=4).find_map(part);
        let Some(group) = separated.or(part(5)) else {
            continue;
        };
        // The areas 000, 666 and 900 to 999, the group 00 and the serial 0000 are never issued.
        let issued = area != "000"
            && area != "666"
            && !area.starts_with('9')
            && group != "00"
            && serial != "0000";
        let other = adjoins_digit(text, whole.range()) || is_labeled_otherwise(text, whole.start());
        if issued
            && !other
            && (separated.is_some()
                || ANNOUNCED.is_match(text_before(text, whole.start(), ANNOUNCEMENT_BYTES)))
        {
            found.push(Finding {
                kind: PiiKind::Ssn,
                range: whole.range(),
            });
        }
    }
    found
}

/// Returns whether a separator and a digit stand beside the range, which is then a part of a longer number.
fn adjoins_digit(text: &str, range: Range<usize>) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    text[..range.start]
        .strip_suffix(['-', '.'])
        .is_some_and(|rest| rest.ends_with(digit))
        || text[range.end..]
            .strip_prefix('-')
            .is_some_and(|rest| rest.starts_with(digit))
}
