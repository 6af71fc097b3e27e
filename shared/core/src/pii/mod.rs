//! Personal data in a text: finds it, says of which kind it is, and replaces it by placeholders.
//!
//! - Numbers are checked, not just matched: the Luhn digit (ISO/IEC 7812) and the issuer of a payment card, the length and
//!   the remainder of an IBAN (ISO 13616), the ranges from which United States social security numbers are issued.
//! - Data without a check digit (a date of birth, a bare phone number) counts only near a word that says what it is, so
//!   that order numbers, prices, times and appointments are left alone.
//! - Data that callers say aloud counts too: runs of spoken digits, and e-mail addresses with "at" and "dot".
//!
//! The time is linear in the length of the text: the patterns do not backtrack, and each looks a bounded way around itself.
//!
//! ```
//! use insights_core::pii::{PiiKind, detect, redact};
//!
//! let text = "My card is 4111 1111 1111 1111, order 4111 1111 1111 1112";
//! let findings = detect(text);
//! assert_eq!(findings[0].kind, PiiKind::CreditCard);
//! assert_eq!(findings.len(), 1, "the check digit of the order number is wrong");
//! assert_eq!(redact(text, &findings).0, "My card is [CARD], order 4111 1111 1111 1112");
//! ```

mod contact;
mod context;
mod dates;
mod finding;
mod numbers;
mod spoken;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use finding::{Finding, PiiKind};

/// Finds all personal data of a text, in the order of the text and without overlaps.
///
/// Where two findings overlap, the finding with the stronger check stays.
#[must_use]
pub fn detect(text: &str) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    // From the strongest evidence to the weakest.
    for finder in [
        contact::find_emails,
        numbers::find_ibans,
        numbers::find_cards,
        numbers::find_social_security_numbers,
        dates::find_birth_dates,
        contact::find_phones,
        spoken::find_spoken_digits,
    ] {
        let fresh: Vec<Finding> = finder(text)
            .into_iter()
            .filter(|finding| !overlaps_any(&found, &finding.range))
            .collect();
        found.extend(fresh);
        found.sort_unstable_by_key(|finding| finding.range.start);
    }
    found
}

/// Returns whether a range overlaps one of the findings, which are in order and do not overlap each other.
fn overlaps_any(found: &[Finding], range: &Range<usize>) -> bool {
    let first = found.partition_point(|finding| finding.range.end <= range.start);
    found
        .get(first)
        .is_some_and(|finding| finding.range.start < range.end)
}

/// Replaces each finding by its placeholder, and returns the new text and the places of the placeholders in it.
///
/// `findings` must be the result of [`detect`] for the same text.
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
