//! A finding: one piece of personal data in a text, and its kind.

use std::ops::Range;

use serde::{Deserialize, Serialize};

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
    /// A telephone number in any format that is found.
    Phone,
    /// A United States social security number.
    Ssn,
    /// A date that the text says somebody was born on.
    DateOfBirth,
    /// Seven or more digits that somebody read out, of which nothing else is known.
    SpokenDigits,
}

impl PiiKind {
    /// Returns the placeholder that replaces data of this kind in a redacted text.
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

/// One piece of personal data in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of the data.
    pub kind: PiiKind,
    /// The place of the data in the text, in bytes.
    pub range: Range<usize>,
}
