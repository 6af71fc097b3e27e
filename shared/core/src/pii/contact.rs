//! How somebody can be reached: e-mail addresses and telephone numbers.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, PiiKind, after, before, labelled_otherwise, pattern, within_token};

/// How far before a bare number the word may stand that makes it a telephone number, in bytes: a short question.
const CONTEXT_BEFORE: usize = 60;
/// How far behind it: "5551234567 is my cell".
const CONTEXT_AFTER: usize = 30;

/// E-mail addresses, written (`a.b@c.org`) or spoken (`a dot b at c dot org`).
pub(super) fn emails(text: &str) -> Vec<Finding> {
    static WRITTEN: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b[a-z0-9][a-z0-9._%+'-]{0,63}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,4}\.[a-z]{2,24}\b",
        )
    });
    static SPOKEN: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
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

/// Telephone numbers: international ones with `+`, North American ones in their usual groups, and bare or other numbers
/// where a word nearby says that they are one.
pub(super) fn phones(text: &str) -> Vec<Finding> {
    static INTERNATIONAL: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\+[1-9][0-9]{0,2}(?:[ .()/-]{0,2}[0-9]{1,6}){1,7}"));
    // Area codes begin with 2 to 9; the exchange is free, since the numbers of films and manuals are written 555-123-4567.
    static AMERICAN: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?:\b1[ .-])?(?:\([2-9][0-9]{2}\)[ .-]?|\b[2-9][0-9]{2}[ .-])[0-9]{3}[ .-][0-9]{4}\b",
        )
    });
    static BARE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\b[0-9]{2,6}(?:[ .-][0-9]{2,6}){1,4}\b|\b[0-9]{7,14}\b"));

    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^(?:[0-9]{1,2}[ ./-][0-9]{1,2}[ ./-][0-9]{4}|[0-9]{4}[ ./-][0-9]{2}[ ./-][0-9]{2})$",
        )
    });

    let international = INTERNATIONAL.find_iter(text).filter_map(|number| {
        let range = shortened(text, number.range(), 15);
        (digits(&text[range.clone()]) >= 8).then_some(range)
    });
    let american = AMERICAN
        .find_iter(text)
        .map(|number| number.range())
        .filter(|range| !part_of_longer(text, range) && !labelled_otherwise(text, range.start));
    let bare = BARE
        .find_iter(text)
        .map(|number| number.range())
        .filter(|range| {
            (7..=14).contains(&digits(&text[range.clone()]))
                && !part_of_longer(text, range)
                && !DATE.is_match(&text[range.clone()])
                && announced(text, range)
        });
    let mut found: Vec<Finding> = international
        .chain(american)
        .chain(bare)
        .filter(|range| !within_token(text, range))
        .map(|range| Finding {
            kind: PiiKind::Phone,
            range,
        })
        .collect();
    drop_overlaps(&mut found);
    found
}

fn digits(number: &str) -> usize {
    number.bytes().filter(u8::is_ascii_digit).count()
}

/// The range up to the last group of digits with which it has at most so many digits.
fn shortened(text: &str, range: Range<usize>, most: usize) -> Range<usize> {
    let (mut count, mut end) = (0, range.start);
    let bytes = text.as_bytes();
    for at in range.clone().filter(|at| bytes[*at].is_ascii_digit()) {
        count += 1;
        if count > most {
            break;
        }
        if !bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
            end = at + 1;
        }
    }
    range.start..end
}

/// Whether a word around the number says that it is a telephone number, and none nearer that it is something else.
fn announced(text: &str, range: &Range<usize>) -> bool {
    static PHONE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(?:(?:tele)?phone|mobile|cell|landline|fax|(?:call|text|reach|ring|contact) (?:me|him|her|us|them|you)|call\s?back|(?:contact|best|daytime) number)\b",
        )
    });
    static OTHER: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(?:order|ticket|case|reference|ref|invoice|account|tracking|confirmation|booking|serial|model|error|code|id|imei|policy|claim|member|customer number|total|version|dollars|euros|pounds)\b|[$€£#]",
        )
    });
    let lead = before(text, range.start, CONTEXT_BEFORE);
    let word = PHONE.find_iter(lead).last().map(|word| word.end());
    let contrary = OTHER.find_iter(lead).last().map(|word| word.end());
    match (word, contrary) {
        (Some(word), Some(contrary)) => word > contrary,
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => PHONE.is_match(after(text, range.end, CONTEXT_AFTER)),
    }
}

/// Whether the number goes on beyond a separator: `2024-555-123-4567`, `10.0.0.1`, `1,234`.
fn part_of_longer(text: &str, range: &Range<usize>) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    text[..range.start]
        .strip_suffix(['-', '.', ',', '/', ':'])
        .is_some_and(|rest| rest.ends_with(digit))
        || text[range.end..]
            .strip_prefix(['-', '.', ',', '/', ':'])
            .is_some_and(|rest| rest.starts_with(digit))
}

/// Keeps the earlier pattern's finding where two patterns saw the same number.
fn drop_overlaps(found: &mut Vec<Finding>) {
    found.sort_by_key(|finding| (finding.range.start, std::cmp::Reverse(finding.range.end)));
    let mut end = 0;
    found.retain(|finding| {
        let fresh = finding.range.start >= end;
        end = end.max(finding.range.end);
        fresh
    });
}
