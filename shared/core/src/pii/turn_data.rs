//! The data of one turn that is not only digits, and where the conversation expects it.

use super::addresses;
use super::claims::{claim, is_correction, is_host, note};
use super::dates;
use super::email::find_emails;
use super::finding::{Finding, PiiKind};
use super::identifiers::{
    can_be_identifier, end_of_identifier, find_ibans, find_national_insurance_numbers,
};
use super::memory::Memory;
use super::name_answers::find_name_answers;
use super::numbers::can_be_expiry;
use super::password_answers::find_password_answers;
use super::phrases::Cue;
use super::reading::Reading;
use super::spelled::find_spelled;
use super::tokens::{Shape, Token};
use super::vocabulary::WordRoles;
use super::window::{Expected, WHOLE_ADDRESS, Windows};
use super::words;

/// One turn with what is expected in it.
pub(super) struct TurnData<'c> {
    pub(super) text: &'c str,
    pub(super) reading: &'c Reading,
    pub(super) windows: &'c Windows,
    pub(super) memory: &'c Memory,
    /// Whether the speaker asks, so that only what was answered before is expected in the turn.
    pub(super) is_asker: bool,
}

impl TurnData<'_> {
    /// Finds what is not only digits: addresses of mail and of streets, names, passwords, dates, identifiers.
    pub(super) fn find_words(
        &self,
        findings: &mut Vec<Finding>,
        answered: &mut Vec<(PiiKind, usize)>,
    ) {
        let Self {
            text,
            reading,
            is_asker,
            ..
        } = *self;
        let open = |kind: PiiKind| {
            self.windows
                .of(kind)
                .filter(|window| !is_asker || window.is_answered)
        };
        let may_hold_address = text.contains(['@', '＠'])
            || reading.tokens.iter().any(|token| token.is(WordRoles::AT));
        if may_hold_address {
            let is_open = self
                .windows
                .of(PiiKind::Email)
                .is_some_and(|window| !window.is_complete() || is_correction(text, reading));
            for range in find_emails(text, reading, is_open || reading.mentions(PiiKind::Email)) {
                claim(text, findings, PiiKind::Email, range);
                answered.push((PiiKind::Email, WHOLE_ADDRESS));
            }
        }
        if reading
            .tokens
            .iter()
            .any(|token| token.shape != Shape::Alphabetic)
        {
            for range in find_ibans(text, reading) {
                note(text, findings, answered, PiiKind::Iban, range);
            }
            for range in find_national_insurance_numbers(text, reading) {
                note(text, findings, answered, PiiKind::NationalInsurance, range);
            }
        }
        for range in words::find_names(text, reading) {
            note(text, findings, answered, PiiKind::Name, range);
        }
        for range in words::find_passwords(text, reading) {
            note(text, findings, answered, PiiKind::Password, range);
        }
        if !reading.numbers.groups.is_empty()
            || reading
                .tokens
                .iter()
                .any(|token| token.shape == Shape::Mixed)
        {
            for range in addresses::find_addresses(text, reading, open(PiiKind::Address).is_some())
            {
                note(text, findings, answered, PiiKind::Address, range);
            }
        }
        self.find_dates(findings, answered);
        if !is_asker
            || self
                .windows
                .of(PiiKind::Email)
                .is_some_and(|window| window.is_answered)
                && reading.tokens.len() <= 6
        {
            self.find_word_answers(findings, answered);
        }
        self.find_identifiers(findings, answered);
        self.find_spelled_answer(findings, answered);
        // A word of a secret that somebody repeats.
        let mut at = 0;
        while let Some(token) = reading.tokens.get(at) {
            let kind_of = |token: &Token| {
                if token.chars < 3 || token.is_empty_talk() || token.shape == Shape::Figures {
                    return None;
                }
                self.memory.kind_of_word(&text[token.range()])
            };
            if let Some(kind) = kind_of(token) {
                let start = token.start;
                let mut last = at;
                while reading
                    .tokens
                    .get(last + 1)
                    .is_some_and(|next| kind_of(next) == Some(kind))
                {
                    last += 1;
                }
                claim(text, findings, kind, start..reading.tokens[last].end);
                at = last;
            }
            at += 1;
        }
    }

    /// Finds the answers to questions for names, passwords, addresses of streets and pieces of addresses of mail.
    fn find_word_answers(&self, findings: &mut Vec<Finding>, answered: &mut Vec<(PiiKind, usize)>) {
        let Self { text, reading, .. } = *self;
        let Some(window) = self.windows.newest_first().next() else {
            return;
        };
        let Expected::Data(kind) = window.expected else {
            return;
        };
        if (window.is_complete() || window.is_answered && kind != PiiKind::Email)
            && !is_correction(text, reading)
            && !(kind == PiiKind::Email && is_host(reading))
        {
            return;
        }
        // A turn that is about something else is no answer.
        if reading.cues.iter().any(|hit| {
            matches!(hit.cue, Cue::Names(other) if other != kind) || hit.cue == Cue::Harmless
        }) {
            return;
        }
        let answers = match kind {
            PiiKind::Name => find_name_answers(text, reading),
            PiiKind::Password => find_password_answers(text, reading),
            PiiKind::Address => addresses::find_address_answer(text, reading)
                .into_iter()
                .collect(),
            PiiKind::Email => {
                let has_signs = (0..reading.tokens.len()).any(|place| {
                    let token = &reading.tokens[place];
                    words::is_sign_of_address(text, reading, place)
                        || token.is_letter() && !token.is(WordRoles::COMMON)
                        || (token.number.is_some() || token.shape != Shape::Alphabetic)
                            && reading.content_words == 1
                });
                words::find_email_answer(text, reading)
                    .filter(|_| {
                        (has_signs || reading.content_words <= 3 && !window.is_answered)
                            && reading.content_words > 0
                    })
                    .into_iter()
                    .collect()
            }
            _ => Vec::new(),
        };
        for range in answers {
            if kind == PiiKind::Email && is_host(reading) {
                claim(text, findings, kind, range);
                answered.push((kind, WHOLE_ADDRESS));
            } else {
                note(text, findings, answered, kind, range);
            }
        }
    }

    /// Finds what is spelled where the conversation expects something with letters, or something that was answered and may be spelled.
    fn find_spelled_answer(
        &self,
        findings: &mut Vec<Finding>,
        answered: &mut Vec<(PiiKind, usize)>,
    ) {
        let Self {
            text,
            reading,
            is_asker,
            ..
        } = *self;
        let kind = self
            .windows
            .newest_first()
            .find_map(|window| match window.expected {
                Expected::Data(kind) if !is_asker || window.is_answered => Some(kind),
                _ => None,
            });
        if let Some(kind) = kind
            && has_letters(kind)
            && let Some(range) = find_spelled(text, reading)
        {
            note(text, findings, answered, kind, range);
        }
    }

    /// Finds dates where the conversation is about a birth or the end of a card.
    fn find_dates(&self, findings: &mut Vec<Finding>, answered: &mut Vec<(PiiKind, usize)>) {
        let Self {
            text,
            reading,
            is_asker,
            ..
        } = *self;
        let is_date = |kind: PiiKind| matches!(kind, PiiKind::DateOfBirth | PiiKind::CardExpiry);
        let is_about = self
            .windows
            .newest_first()
            .any(|window| matches!(window.expected, Expected::Data(kind) if is_date(kind)))
            || reading
                .cues
                .iter()
                .any(|hit| matches!(hit.cue, Cue::Names(kind) if is_date(kind)));
        if !is_about {
            return;
        }
        for span in dates::find_dates(text, reading) {
            let fits = |kind: PiiKind| match kind {
                PiiKind::DateOfBirth => {
                    span.digits <= 10
                        && (span.is_certain || reading.is_pure && span.is_part_of_date)
                }
                _ => {
                    span.digits <= 6
                        && (span.is_certain
                            || can_be_expiry(&reading.numbers.digits_within(&span.range))
                            || reading.is_pure
                                && span.is_part_of_date
                                && self.windows.of(PiiKind::CardExpiry).is_some())
                }
            };
            let mut kind = None;
            for (cue, meaning) in reading.cues_before(text, span.tokens.start) {
                match cue {
                    Cue::Names(named) if is_date(named) && meaning <= 3 => {
                        kind = fits(named).then_some(named);
                        break;
                    }
                    Cue::Names(_) | Cue::Harmless => break,
                    _ => {}
                }
            }
            if kind.is_none()
                && let Some(Cue::Names(named)) = reading.cue_after(text, span.tokens.end)
                && is_date(named)
                && (span.is_certain
                    || named == PiiKind::DateOfBirth && (5..=8).contains(&span.digits))
            {
                kind = Some(named);
            }
            if kind.is_none() {
                for window in self.windows.newest_first() {
                    let Expected::Data(expected) = window.expected else {
                        break;
                    };
                    if is_asker && !window.is_answered {
                        continue;
                    }
                    if window.is_complete() && reading.content_words >= 2 {
                        break;
                    }
                    if is_date(expected) {
                        let is_harmless = reading.cues.iter().any(|hit| hit.cue == Cue::Harmless);
                        kind = (fits(expected) && !is_harmless).then_some(expected);
                        break;
                    }
                    if !span.is_certain {
                        break;
                    }
                }
            }
            if let Some(kind) = kind {
                claim(text, findings, kind, span.range);
                answered.push((kind, span.digits.max(if span.is_certain { 4 } else { 0 })));
            }
        }
    }

    /// Finds identifiers with letters where the conversation is about one.
    fn find_identifiers(&self, findings: &mut Vec<Finding>, answered: &mut Vec<(PiiKind, usize)>) {
        let Self {
            text,
            reading,
            is_asker,
            ..
        } = *self;
        let is_mixed = |token: &&Token| token.shape == Shape::Mixed;
        let talk = reading
            .content_words
            .saturating_sub(reading.tokens.iter().filter(is_mixed).count());
        for (index, token) in reading.tokens.iter().enumerate() {
            if token.shape != Shape::Mixed || token.is_numeric_ordinal(text) {
                continue;
            }
            let takes_letters = |kind: PiiKind| {
                matches!(
                    kind,
                    PiiKind::Passport
                        | PiiKind::DriversLicense
                        | PiiKind::Iban
                        | PiiKind::BankAccount
                        | PiiKind::RoutingNumber
                        | PiiKind::NationalInsurance
                )
            };
            let mut kind = None;
            for (cue, meaning) in reading.cues_before(text, index) {
                match cue {
                    Cue::Names(named)
                        if takes_letters(named)
                            && meaning <= 2
                            && can_be_identifier(token, named) =>
                    {
                        kind = Some(named);
                        break;
                    }
                    Cue::Harmless | Cue::Device if meaning <= 1 => break,
                    _ => {}
                }
            }
            if kind.is_none() {
                kind = self
                    .windows
                    .newest_first()
                    .find_map(|window| match window.expected {
                        Expected::Data(expected)
                            if takes_letters(expected)
                                && (!is_asker || window.is_answered)
                                && !(window.is_complete() && talk >= 2)
                                && can_be_identifier(token, expected) =>
                        {
                            Some(expected)
                        }
                        _ => None,
                    });
                if reading.cues.iter().any(|hit| hit.cue == Cue::Harmless) {
                    kind = None;
                }
            }
            if let Some(kind) = kind {
                let end = end_of_identifier(text, reading, index, kind);
                note(text, findings, answered, kind, token.start..end);
            }
        }
    }
}

/// Returns whether data of a kind may have letters, so that somebody may spell it.
const fn has_letters(kind: PiiKind) -> bool {
    matches!(
        kind,
        PiiKind::Name
            | PiiKind::Password
            | PiiKind::Address
            | PiiKind::Email
            | PiiKind::Iban
            | PiiKind::NationalInsurance
            | PiiKind::Passport
            | PiiKind::DriversLicense
    )
}
