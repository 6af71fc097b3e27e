//! Personal data in a text: what kinds, where, and the text without them.
//!
//! Numbers are checked, not just matched: a card's Luhn digit and issuer, an IBAN's length and remainder, the ranges that
//! United States social security numbers are issued from. What has no check digit (a date of birth, a bare phone number)
//! needs a word near it that says what it is, so that order numbers, prices, times and appointments are left alone. What
//! callers say aloud counts too: runs of spoken digits, and e-mail addresses with "at" and "dot".
//!
//! Time is linear in the text: the patterns have no backtracking and each looks a bounded way around itself.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

mod contact;
mod dates;
mod numbers;
mod spoken;
#[cfg(test)]
mod tests;

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PiiKind {
    /// A payment card number of 13 to 19 digits, in figures or spoken, with a valid Luhn digit.
    CreditCard,
    /// An international bank account number of its country's length with a valid check.
    Iban,
    /// An e-mail address, written or spoken.
    Email,
    /// A telephone number.
    Phone,
    /// A United States social security number.
    Ssn,
    /// A date that the text says somebody was born on.
    DateOfBirth,
    /// Seven or more digits read out, of which nothing else is known.
    SpokenDigits,
}

impl PiiKind {
    /// What stands in the text in place of the data.
    #[must_use]
    pub const fn placeholder(self) -> &'static str {
        match self {
            Self::CreditCard => "[CARD]",
            Self::Iban => "[IBAN]",
            Self::Email => "[EMAIL]",
            Self::Phone => "[PHONE]",
            Self::Ssn => "[SSN]",
            Self::DateOfBirth => "[DATE_OF_BIRTH]",
            Self::SpokenDigits => "[DIGITS]",
        }
    }
}

/// A piece of personal data in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: PiiKind,
    /// Where it is, in bytes.
    pub range: Range<usize>,
}

/// All personal data of a text, in its order, without overlaps; where two overlap, the one that is checked better stays.
#[must_use]
pub fn detect(text: &str) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    // From the strongest evidence to the weakest.
    for finder in [
        contact::emails,
        numbers::ibans,
        numbers::cards,
        numbers::social_security,
        dates::births,
        contact::phones,
        spoken::runs,
    ] {
        let fresh: Vec<Finding> = finder(text)
            .into_iter()
            .filter(|finding| !overlaps(&found, &finding.range))
            .collect();
        found.extend(fresh);
        found.sort_unstable_by_key(|finding| finding.range.start);
    }
    found
}

/// Whether a range meets one of the findings, which are in order and do not overlap.
fn overlaps(found: &[Finding], range: &Range<usize>) -> bool {
    let first = found.partition_point(|finding| finding.range.end <= range.start);
    found
        .get(first)
        .is_some_and(|finding| finding.range.start < range.end)
}

/// The text with each finding replaced by its placeholder, and where the placeholders are.
///
/// `findings` are those of [`detect`] on the same text.
#[must_use]
pub fn redact(text: &str, findings: &[Finding]) -> (String, Vec<Finding>) {
    let mut redacted = String::with_capacity(text.len());
    let mut placed = Vec::with_capacity(findings.len());
    let mut from = 0;
    for finding in findings {
        redacted.push_str(&text[from..finding.range.start]);
        let start = redacted.len();
        redacted.push_str(finding.kind.placeholder());
        placed.push(Finding {
            kind: finding.kind,
            range: start..redacted.len(),
        });
        from = finding.range.end;
    }
    redacted.push_str(&text[from..]);
    (redacted, placed)
}

/// A constant pattern. None comes from outside, and a test compiles each of them.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// Whether a word right before `at` says that the number there is an order, a ticket or the like.
fn labelled_otherwise(text: &str, at: usize) -> bool {
    static LABEL: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(?:order|ticket|case|reference|ref|invoice|tracking|confirmation|booking|serial|model|part|sku|item|error|imei|claim|rma)s?(?:\s(?:number|no|num|id|code))?\.?(?:\s(?:is|was))?\s?[:#]?\s?$",
        )
    });
    LABEL.is_match(before(text, at, 48))
}

/// Up to `bytes` bytes before `at`, from a character's start.
fn before(text: &str, at: usize, bytes: usize) -> &str {
    &text[text.ceil_char_boundary(at.saturating_sub(bytes))..at]
}

/// Up to `bytes` bytes from `at` on, to a character's end.
fn after(text: &str, at: usize, bytes: usize) -> &str {
    &text[at..text.floor_char_boundary(text.len().min(at + bytes))]
}

/// Whether a range touches a letter, a digit or an underscore outside itself, and so is part of a longer token.
fn within_token(text: &str, range: &Range<usize>) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text[..range.start].ends_with(part) || text[range.end..].starts_with(part)
}
