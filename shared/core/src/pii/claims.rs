//! Adds what was found to the findings of a turn, in their order and without overlaps.

use std::ops::Range;

use super::finding::{Finding, PiiKind};
use super::reading::Reading;
use super::vocabulary::WordRoles;

/// Adds a finding and notes that a window for its kind is answered.
pub(super) fn note(
    text: &str,
    findings: &mut Vec<Finding>,
    answered: &mut Vec<(PiiKind, usize)>,
    kind: PiiKind,
    range: Range<usize>,
) {
    let digits = text[range.clone()]
        .bytes()
        .filter(u8::is_ascii_digit)
        .count();
    claim(text, findings, kind, range);
    answered.push((kind, digits.max(1)));
}

/// Adds what of a place no finding covers yet, so that nothing of it is left in the clear.
pub(super) fn claim(text: &str, findings: &mut Vec<Finding>, kind: PiiKind, range: Range<usize>) {
    // The findings are in order and apart, so that only those at the place itself need to be looked at.
    let first = findings.partition_point(|finding| finding.range.end <= range.start);
    let mut free = Vec::new();
    let mut from = range.start;
    for finding in findings[first..]
        .iter()
        .take_while(|finding| finding.range.start < range.end)
    {
        free.push(from..finding.range.start);
        from = finding.range.end;
    }
    free.push(from..range.end);
    for part in free.into_iter().filter(|part| part.start < part.end) {
        let slice = &text[part.clone()];
        let trimmed = slice.trim_matches(|letter: char| {
            !letter.is_alphanumeric() && !matches!(letter, '+' | '(' | ')' | '_')
        });
        if trimmed.chars().any(char::is_alphanumeric) {
            let start = part.start + (trimmed.as_ptr() as usize - slice.as_ptr() as usize);
            let place = findings.partition_point(|finding| finding.range.start < start);
            findings.insert(
                place,
                Finding {
                    kind,
                    range: start..start + trimmed.len(),
                },
            );
        }
    }
}

/// Returns whether a turn is the second half of an e-mail address: "at gmail dot com".
pub(super) fn is_host(reading: &Reading) -> bool {
    reading.tokens.len() <= 8
        && reading
            .tokens
            .first()
            .is_some_and(|token| token.is(WordRoles::AT))
        && reading
            .tokens
            .iter()
            .any(|token| token.is(WordRoles::TOP_LEVEL))
}

/// Returns whether a turn corrects what was said before.
pub(super) fn is_correction(text: &str, reading: &Reading) -> bool {
    const WORDS: [&str; 8] = [
        "sorry",
        "no",
        "actually",
        "wait",
        "mistake",
        "correction",
        "scratch",
        "mean",
    ];
    reading.tokens.iter().take(6).any(|token| {
        WORDS
            .iter()
            .any(|word| text[token.range()].eq_ignore_ascii_case(word))
    })
}
