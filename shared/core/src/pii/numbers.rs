//! Numbers that carry their own check: payment cards, bank accounts, social security numbers.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, PiiKind, before, labelled_otherwise, pattern, within_token};

/// Digits of a payment card (ISO/IEC 7812: 13 in old Visa cards to 19).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Card numbers: groups of digits joined by white space, dashes, dots or commas, two characters at most between them.
pub(super) fn cards(text: &str) -> Vec<Finding> {
    let groups = digit_groups(text);
    let mut found = Vec::new();
    let mut first = 0;
    while first < groups.len() {
        match card_from(text, &groups[first..]) {
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

/// The longest card number that begins with the first group: how many groups it takes, and where it is.
fn card_from(text: &str, groups: &[Range<usize>]) -> Option<(usize, Range<usize>)> {
    let mut digits: Vec<u8> = Vec::with_capacity(*CARD_DIGITS.end());
    let mut best = None;
    for (index, group) in groups.iter().enumerate() {
        if index > 0 && !joins(&text[groups[index - 1].end..group.start]) {
            break;
        }
        if digits.len() + group.len() > *CARD_DIGITS.end() {
            break;
        }
        digits.extend(text[group.clone()].bytes().map(|digit| digit - b'0'));
        let range = groups[0].start..group.end;
        // A plus begins an international telephone number.
        if is_card(&digits) && !within_token(text, &range) && !text[..range.start].ends_with('+') {
            best = Some((index + 1, range));
        }
    }
    best
}

/// Whether the digits can be a payment card: length, first digits of an issuer of cards, Luhn's check digit.
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
    issued && luhn(digits)
}

/// Luhn's check (ISO/IEC 7812-1, annex B): from the right, every second digit doubled, the digit sum divisible by ten.
fn luhn(digits: &[u8]) -> bool {
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

/// The maximal runs of ASCII digits.
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

/// Whether what stands between two groups of digits keeps them one number.
fn joins(between: &str) -> bool {
    between.chars().count() <= 2
        && between
            .chars()
            .all(|c| c.is_whitespace() || matches!(c, '-' | '.' | ',' | '\u{2010}'..='\u{2015}'))
}

/// Lengths of IBANs by country (SWIFT IBAN registry, release 99).
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

/// Bank accounts: two letters, two digits, then letters and digits in groups, of the country's length, remainder 1.
pub(super) fn ibans(text: &str) -> Vec<Finding> {
    static START: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[A-Za-z]{2} ?[0-9]{2}"));
    let mut found: Vec<Finding> = Vec::new();
    for candidate in START.find_iter(text) {
        let country = candidate.as_str()[..2].to_ascii_uppercase();
        let Some((_, length)) = IBAN_LENGTHS.iter().find(|(code, _)| *code == country) else {
            continue;
        };
        let Some(range) = characters_from(text, candidate.start(), *length) else {
            continue;
        };
        if !within_token(text, &range) && remainder_is_one(&text[range.clone()]) {
            found.push(Finding {
                kind: PiiKind::Iban,
                range,
            });
        }
    }
    found
}

/// The range from `start` that holds `count` ASCII letters and digits with at most one space or dash between two.
fn characters_from(text: &str, start: usize, count: usize) -> Option<Range<usize>> {
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

/// ISO 13616: the first four characters moved to the end, letters read as 10 to 35, the number modulo 97 is 1.
fn remainder_is_one(iban: &str) -> bool {
    let characters: Vec<u32> = iban.chars().filter_map(|c| c.to_digit(36)).collect();
    // Every country's has eight digits or more: words after a country's code and a time of day have not.
    if characters.iter().filter(|value| **value < 10).count() < 8 {
        return false;
    }
    let rotated = characters[4..].iter().chain(&characters[..4]);
    rotated.fold(0, |rest, value| {
        (rest * if *value > 9 { 100 } else { 10 } + value) % 97
    }) == 1
}

/// Social security numbers: 3-2-4 digits with one kind of separator, or nine digits behind a word that announces them.
pub(super) fn social_security(text: &str) -> Vec<Finding> {
    static WRITTEN: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"\b([0-9]{3})(?:-([0-9]{2})-| ([0-9]{2}) |\.([0-9]{2})\.|([0-9]{2}))([0-9]{4})\b")
    });
    static ANNOUNCED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?i)\b(?:ssn|social(?: security)?)\b"));
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
        // Never issued: area 000, 666 and 900 to 999, group 00, serial 0000.
        let issued = area != "000"
            && area != "666"
            && !area.starts_with('9')
            && group != "00"
            && serial != "0000";
        let other = adjoins_digit(text, whole.range()) || labelled_otherwise(text, whole.start());
        if issued
            && !other
            && (separated.is_some() || ANNOUNCED.is_match(before(text, whole.start(), 60)))
        {
            found.push(Finding {
                kind: PiiKind::Ssn,
                range: whole.range(),
            });
        }
    }
    found
}

/// Whether a dash and a digit follow or precede the range, which is then a part of a longer number.
fn adjoins_digit(text: &str, range: Range<usize>) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    text[..range.start]
        .strip_suffix(['-', '.'])
        .is_some_and(|rest| rest.ends_with(digit))
        || text[range.end..]
            .strip_prefix('-')
            .is_some_and(|rest| rest.starts_with(digit))
}
