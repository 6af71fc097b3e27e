//! Contact data: e-mail addresses and telephone numbers.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::context::{
    compile_pattern, is_labeled_otherwise, is_within_token, text_after, text_before,
};
use super::finding::{Finding, PiiKind};

/// Largest number of digits of an international telephone number (ITU-T E.164).
const MAX_INTERNATIONAL_DIGITS: usize = 15;
/// Length of the text before a bare number in which a word may say that it is a telephone number, in bytes.
const BYTES_BEFORE: usize = 60;
/// Length of the text after a bare number in which such a word may stand, in bytes: "5551234567 is my cell".
const BYTES_AFTER: usize = 30;

/// Finds e-mail addresses, written (`a.b@c.org`) or spoken (`a dot b at c dot org`).
pub(super) fn find_emails(text: &str) -> Vec<Finding> {
    static WRITTEN: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(
            r"(?i)\b[a-z0-9][a-z0-9._%+'-]{0,63}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,4}\.[a-z]{2,24}\b",
        )
    });
    static SPOKEN: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(
            r"(?ix) \b [a-z0-9]{1,40} (?: \s (?:dot|underscore|dash|hyphen|point) \s [a-z0-9]{1,40} ){0,4}
              \s at \s [a-z0-9]{1,40} (?: \s (?:dot|dash|hyphen) \s [a-z0-9]{1,40} ){0,3}
              \s dot \s (?: com | net | org | edu | gov | info | io | co \s dot \s uk | uk | ca | us | de | fr ) \b",
        )
    });
    WRITTEN
        .find_iter(text)
        .chain(SPOKEN.find_iter(text))
        .map(|address| Finding {
            kind: PiiKind::Email,
            range: address.range(),
        })
        .collect()
}

/// Finds telephone numbers: international numbers with `+`, North American numbers in their usual groups, and other numbers
/// where a word nearby says that they are telephone numbers.
pub(super) fn find_phones(text: &str) -> Vec<Finding> {
    static INTERNATIONAL: LazyLock<Regex> =
        LazyLock::new(|| compile_pattern(r"\+[1-9][0-9]{0,2}(?:[ .()/-]{0,2}[0-9]{1,6}){1,7}"));
    // Area codes begin with 2 to 9. The exchange is not checked, because numbers in films and manuals read 555-123-4567.
    static AMERICAN: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(
            r"(?:\b1[ .-])?(?:\([2-9][0-9]{2}\)[ .-]?|\b[2-9][0-9]{2}[ .-])[0-9]{3}[ .-][0-9]{4}\b",
        )
    });
    static BARE: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(r"\b[0-9]{2,6}(?:[ .-][0-9]{2,6}){1,4}\b|\b[0-9]{7,14}\b")
    });

    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(
            r"^(?:[0-9]{1,2}[ ./-][0-9]{1,2}[ ./-][0-9]{4}|[0-9]{4}[ ./-][0-9]{2}[ ./-][0-9]{2})$",
        )
    });

    let international = INTERNATIONAL.find_iter(text).filter_map(|number| {
        let range = limit_digits(text, number.range(), MAX_INTERNATIONAL_DIGITS);
        (count_digits(&text[range.clone()]) >= 8).then_some(range)
    });
    let american = AMERICAN
        .find_iter(text)
        .map(|number| number.range())
        .filter(|range| {
            !is_part_of_longer_number(text, range) && !is_labeled_otherwise(text, range.start)
        });
    let bare = BARE
        .find_iter(text)
        .map(|number| number.range())
        .filter(|range| {
            (7..=14).contains(&count_digits(&text[range.clone()]))
                && !is_part_of_longer_number(text, range)
                && !DATE.is_match(&text[range.clone()])
                && is_announced(text, range)
        });
    let mut found: Vec<Finding> = international
        .chain(american)
        .chain(bare)
        .filter(|range| !is_within_token(text, range))
        .map(|range| Finding {
            kind: PiiKind::Phone,
            range,
        })
        .collect();
    drop_overlaps(&mut found);
    found
}

/// Counts the ASCII digits of a number.
fn count_digits(number: &str) -> usize {
    number.bytes().filter(u8::is_ascii_digit).count()
}

/// Returns the range up to the last group of digits with which the range has at most `max_digits` digits.
fn limit_digits(text: &str, range: Range<usize>, max_digits: usize) -> Range<usize> {
    let (mut count, mut end) = (0, range.start);
    let bytes = text.as_bytes();
    for at in range.clone().filter(|at| bytes[*at].is_ascii_digit()) {
        count += 1;
        if count > max_digits {
            break;
        }
        if !bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
            end = at + 1;
        }
    }
    range.start..end
}

/// Returns whether a word near the number says that it is a telephone number, and no nearer word says something else.
fn is_announced(text: &str, range: &Range<usize>) -> bool {
    static PHONE: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(
            r"(?i)\b(?:(?:tele)?phone|mobile|cell|landline|fax|(?:call|text|reach|ring|contact) (?:me|him|her|us|them|you)|call\s?back|(?:contact|best|daytime) number)\b",
        )
    });
    static OTHER: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(
            r"(?i)\b(?:order|ticket|case|reference|ref|invoice|account|tracking|confirmation|booking|serial|model|error|code|id|imei|policy|claim|member|customer number|total|version|dollars|euros|pounds)\b|[$€£#]",
        )
    });
    let lead = text_before(text, range.start, BYTES_BEFORE);
    let word = PHONE.find_iter(lead).last().map(|word| word.end());
    let contrary = OTHER.find_iter(lead).last().map(|word| word.end());
    match (word, contrary) {
        (Some(word), Some(contrary)) => word > contrary,
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => PHONE.is_match(text_after(text, range.end, BYTES_AFTER)),
    }
}

/// Returns whether the number goes on beyond a separator: `2024-555-123-4567`, `10.0.0.1`, `1,234`.
fn is_part_of_longer_number(text: &str, range: &Range<usize>) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    text[..range.start]
        .strip_suffix(['-', '.', ',', '/', ':'])
        .is_some_and(|rest| rest.ends_with(digit))
        || text[range.end..]
            .strip_prefix(['-', '.', ',', '/', ':'])
            .is_some_and(|rest| rest.starts_with(digit))
}

/// Keeps the earlier finding where two patterns found the same number.
fn drop_overlaps(found: &mut Vec<Finding>) {
    found.sort_by_key(|finding| (finding.range.start, std::cmp::Reverse(finding.range.end)));
    let mut end = 0;
    found.retain(|finding| {
        let fresh = finding.range.start >= end;
        end = end.max(finding.range.end);
        fresh
    });
}
