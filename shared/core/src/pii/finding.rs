//! A finding: one piece of personal data in a text, and its kind.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PiiKind {
    /// A payment card number, whole or a piece of one, in figures or spoken.
    CreditCard,
    /// An international bank account number of its country's length with a valid check, or what was given as one.
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
    /// The three or four digits that prove that a payer holds the card.
    SecurityCode,
    /// The month and year until which a card is valid.
    CardExpiry,
    /// A personal identification number or a numeric passcode.
    Pin,
    /// A password, a memorable word or the answer to a security question.
    Password,
    /// The number of a bank account in its national form.
    BankAccount,
    /// The number of a bank: a routing number, a sort code or the like.
    RoutingNumber,
    /// A national insurance number of the United Kingdom.
    NationalInsurance,
    /// The number of a passport.
    Passport,
    /// The number of a driver's license.
    DriversLicense,
    /// The street address of a person.
    Address,
    /// The name of a person, where the words around it say that it is one.
    Name,
}

impl PiiKind {
    /// Every kind of personal data, in the order of the declaration.
    pub const ALL: [Self; 18] = [
        Self::CreditCard,
        Self::Iban,
        Self::Email,
        Self::Phone,
        Self::Ssn,
        Self::DateOfBirth,
        Self::SpokenDigits,
        Self::SecurityCode,
        Self::CardExpiry,
        Self::Pin,
        Self::Password,
        Self::BankAccount,
        Self::RoutingNumber,
        Self::NationalInsurance,
        Self::Passport,
        Self::DriversLicense,
        Self::Address,
        Self::Name,
    ];

    /// Returns the name of the kind in stored metadata and in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreditCard => "credit_card",
            Self::Iban => "iban",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Ssn => "ssn",
            Self::DateOfBirth => "date_of_birth",
            Self::SpokenDigits => "spoken_digits",
            Self::SecurityCode => "security_code",
            Self::CardExpiry => "card_expiry",
            Self::Pin => "pin",
            Self::Password => "password",
            Self::BankAccount => "bank_account",
            Self::RoutingNumber => "routing_number",
            Self::NationalInsurance => "national_insurance",
            Self::Passport => "passport",
            Self::DriversLicense => "drivers_license",
            Self::Address => "address",
            Self::Name => "name",
        }
    }

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
            Self::SecurityCode => "[SECURITY_CODE]",
            Self::CardExpiry => "[EXPIRY]",
            Self::Pin => "[PIN]",
            Self::Password => "[PASSWORD]",
            Self::BankAccount => "[BANK_ACCOUNT]",
            Self::RoutingNumber => "[ROUTING_NUMBER]",
            Self::NationalInsurance => "[NATIONAL_INSURANCE]",
            Self::Passport => "[PASSPORT]",
            Self::DriversLicense => "[DRIVERS_LICENSE]",
            Self::Address => "[ADDRESS]",
            Self::Name => "[NAME]",
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
