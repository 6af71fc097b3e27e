//! Numbers that can be checked by themselves: payment cards, bank accounts, social security numbers, telephone numbers.

use std::ops::Range;

/// Number of digits of a payment card (ISO/IEC 7812): from 13, as in old Visa cards, to 19.
pub(super) const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Returns whether the digits can be a payment card: by length, by the first digits of an issuer, and by Luhn's check digit.
pub(super) fn is_card(digits: &[u8]) -> bool {
    let issued = match digits {
        // Mastercard's second range.
        [2, 2..=7, ..] => digits.len() == 16,
        // American Express; Diners Club; JCB.
        [3, 4 | 7, ..] => digits.len() == 15,
        [3, 0, 0..=5, ..] | [3, 6 | 8 | 9, ..] => digits.len() == 14 || digits.len() == 16,
        [3, 5, 2..=8, ..] => digits.len() == 16,
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

/// Number of characters of an IBAN by country (SWIFT IBAN registry, release 99).
const IBAN_LENGTHS: [(&str, usize); 85] = [
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
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
];

/// Returns the place of the IBAN (ISO 13616) that begins at a place: two letters, two digits, then letters and digits in
/// groups, of the country's length and with the remainder 1.
pub(super) fn iban_at(text: &str, start: usize) -> Option<Range<usize>> {
    let country = text.get(start..start + 2)?.to_ascii_uppercase();
    let (_, length) = IBAN_LENGTHS.iter().find(|(code, _)| *code == country)?;
    let range = range_of_characters(text, start, *length)?;
    let is_apart = !text[..range.start]
        .ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
        && !text[range.end..].starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
    (is_apart && has_remainder_one(&text[range.clone()])).then_some(range)
}

/// Returns the range from `start` that holds `count` ASCII letters and digits with at most two spaces, dashes or dots between
/// two of them.
fn range_of_characters(text: &str, start: usize, count: usize) -> Option<Range<usize>> {
    let mut taken = 0;
    let mut separators = 0;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        if byte.is_ascii_alphanumeric() {
            taken += 1;
            separators = 0;
            if taken == count {
                return Some(start..at + 1);
            }
        } else if separators == 2 || !matches!(byte, b' ' | b'-' | b'.') {
            return None;
        } else {
            separators += 1;
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

/// Returns whether digits can be the month and year until which a card is valid.
pub(super) fn can_be_expiry(digits: &[u8]) -> bool {
    let is_month = |tens: u8, ones: u8| matches!((tens, ones), (0, 1..=9) | (1, 0..=2));
    match digits {
        [1..=9, 2..=4, _] => true,
        [tens, ones, 2..=4, _] | [tens, ones, 2, 0, 2..=4, _] => is_month(*tens, *ones),
        [1..=9, 2, 0, 2..=4, _] => true,
        _ => false,
    }
}

/// Returns whether nine digits can be a social security number: the areas 000, 666 and 900 to 999, the group 00 and the serial
/// 0000 are never issued.
pub(super) fn is_social_security_number(digits: &[u8]) -> bool {
    digits.len() == 9
        && digits[..3] != [0, 0, 0]
        && digits[..3] != [6, 6, 6]
        && digits[0] != 9
        && digits[3..5] != [0, 0]
        && digits[5..] != [0, 0, 0, 0]
}

/// Returns whether groups of figures are written as the telephone numbers of a country are: by the lengths of the groups and the
/// first digits, without any word that says so.
///
/// `before` is the character before the first group and `gaps` what stands between the groups.
pub(super) fn is_written_as_phone(
    digits: &[u8],
    lengths: &[usize],
    gaps: &[&str],
    before: Option<char>,
) -> bool {
    let count = digits.len();
    let dashed = |gap: &&str| {
        matches!(
            *gap,
            " " | "-" | "." | ") " | ")-" | ")" | " - " | " (" | "\u{2013}" | "/"
        )
    };
    if !gaps.iter().all(dashed) {
        // An international number may have "(0)" in it.
        return before == Some('+') && (8..=15).contains(&count) && digits[0] != 0;
    }
    match digits {
        _ if before == Some('+') => (8..=15).contains(&count) && digits[0] != 0,
        // The international prefix of most countries.
        [0, 0, 1..=9, ..] => (11..=16).contains(&count),
        // A trunk zero, as in most of Europe, Australia, New Zealand, Japan and India.
        [0, 1..=9, ..] => match lengths {
            [_] => (10..=11).contains(&count),
            [2..=5, rest @ ..] => {
                (9..=12).contains(&count) && rest.iter().all(|length| (2..=8).contains(length))
            }
            _ => false,
        },
        // North America: area codes begin with 2 to 9. The exchange is not checked, because numbers in films and manuals
        // read 555-123-4567.
        [1, 2..=9, ..] => lengths == [1, 3, 3, 4],
        [2..=9, ..] if lengths == [3, 3, 4] => true,
        // India, Spain, Brazil.
        [6..=9, ..] if lengths == [5, 5] => true,
        [6 | 7 | 9, ..] if lengths == [3, 2, 2, 2] || lengths == [3, 3, 3] => true,
        [1..=9, 1..=9, ..] if before == Some('(') => matches!(lengths, [2, 5, 4] | [2, 4, 4]),
        _ => false,
    }
}
