//! Decides what one number of a turn is: by its own check, by the words around it, by what was asked for.

use std::ops::Range;

use super::cards_in_runs::cut_at_cards;
use super::claims::claim;
use super::finding::{Finding, PiiKind};
use super::memory::Memory;
use super::numbers::{can_be_expiry, is_social_security_number, is_written_as_phone};
use super::phrases::Cue;
use super::reading::{Reading, has_meaning};
use super::runs::Run;
use super::tokens::Shape;
use super::vocabulary::WordRoles;
use super::window::{Expected, Windows};

/// Smallest number of digits of a run that is read aloud: a telephone number without its area code. Shorter runs are
/// quantities and times.
const MIN_DIGITS: usize = 7;
/// Smallest number of digits where most are said in pairs ("forty five thirty two"): shorter runs are years and times of day.
const MIN_PAIRED_DIGITS: usize = 12;
/// Smallest number of digits where each is a figure of its own ("4 5 7 2 ..."): short lists of figures are ratings.
const MIN_SINGLE_FIGURES: usize = 9;
/// Smallest number of words among figures ("4572 double one oh"): with fewer words the run counts as written figures.
const MIN_WORDS: usize = 3;

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// The number is personal data of a kind.
    Data(PiiKind),
    /// The number was given for something harmless.
    Harmless,
    /// Nothing says what the number is.
    Unknown,
}

/// What a number is judged by.
pub(super) struct Context<'c> {
    pub(super) text: &'c str,
    pub(super) reading: &'c Reading,
    pub(super) windows: &'c Windows,
    pub(super) memory: &'c Memory,
    /// Whether the speaker asks, so that only what was answered before is expected in the turn.
    pub(super) is_asker: bool,
}

impl Context<'_> {
    /// Decides what a run of digits is.
    pub(super) fn classify(&self, run: &Run) -> Decision {
        let Self { text, reading, .. } = *self;
        if reading.is_quantity(text, run) {
            return Decision::Harmless;
        }
        let digits = reading.numbers.digits_of(run);
        if let Some(kind) = self.memory.kind_of_whole_echo(digits) {
            return Decision::Data(kind);
        }
        let mut harmless = false;
        for (cue, meaning) in reading.cues_before(text, run.tokens.start) {
            match cue {
                Cue::Harmless if meaning <= 1 => {
                    harmless = true;
                    break;
                }
                Cue::Device if meaning <= 2 => return Decision::Harmless,
                // Passwords are talked about more often than given: "the password link gives a 500 error".
                Cue::Names(PiiKind::Password) if meaning > 0 => {}
                Cue::Names(kind) if meaning <= 2 && self.accepts(kind, run, true) => {
                    return Decision::Data(kind);
                }
                Cue::Hints(kind)
                    if meaning <= usize::from(kind != PiiKind::CreditCard)
                        && self.accepts(kind, run, false) =>
                {
                    return Decision::Data(kind);
                }
                _ => {}
            }
        }
        match reading.cue_after(text, run.tokens.end) {
            Some(Cue::Names(kind)) if self.accepts(kind, run, true) => return Decision::Data(kind),
            Some(Cue::Hints(kind)) if self.accepts(kind, run, false) => {
                return Decision::Data(kind);
            }
            Some(Cue::Harmless | Cue::Device) => return Decision::Harmless,
            _ => {}
        }
        if harmless {
            return Decision::Harmless;
        }
        if let Some(decision) = self.by_window(run) {
            return decision;
        }
        if let Some(kind) = self.by_form(run) {
            return Decision::Data(kind);
        }
        if let Some(kind) = self.memory.kind_of_echo(digits) {
            return Decision::Data(kind);
        }
        if self.is_read_aloud(run) {
            return Decision::Data(PiiKind::SpokenDigits);
        }
        Decision::Unknown
    }

    fn by_window(&self, run: &Run) -> Option<Decision> {
        for window in self.windows.newest_first() {
            match window.expected {
                Expected::Harmless if self.reading.is_pure => return Some(Decision::Harmless),
                Expected::Harmless => {}
                Expected::Data(_) if self.is_asker && !window.is_answered => {}
                // After a complete answer only a correction or a read-back is expected, but what may be a code is masked.
                // "Bengaluru 560 009": the code of a city may come after its street.
                Expected::Data(PiiKind::Address)
                    if window.is_complete()
                        && (5..=6).contains(&run.digits)
                        && self.reading.content_words <= 3
                        && self.reading.cues.is_empty()
                        && run.tokens.end == self.reading.tokens.len() =>
                {
                    return Some(Decision::Data(PiiKind::Address));
                }
                // "Docket 46324 was never printed": a noun says what the number is.
                Expected::Data(kind)
                    if self.reading.content_words >= 2
                        && (window.is_complete() || !is_code(kind))
                        && self.follows_noun(run) => {}
                Expected::Data(kind)
                    if window.is_complete()
                        && (self.is_year(run) && self.follows_time_word(run)
                            || self.reading.content_words >= 1
                                && !matches!(kind, PiiKind::SecurityCode | PiiKind::Pin)) => {}
                Expected::Data(kind) => {
                    let is_piece = self.reading.is_pure
                        && takes_pieces(kind)
                        && (window.is_named || run.digits >= 3)
                        // "I do not have one yet" is no digit.
                        && (run.digits > 1 || run.words == 0 || self.stands_alone(run));
                    if self.accepts(kind, run, window.is_named) || is_piece {
                        return Some(Decision::Data(kind));
                    }
                }
            }
        }
        None
    }

    /// Returns whether a run can be data of a kind, where the kind is named or only hinted at.
    fn accepts(&self, kind: PiiKind, run: &Run, is_named: bool) -> bool {
        let count = run.digits;
        let is_date = || self.reading.is_date(self.text, run);
        let is_pure = self.reading.is_pure;
        match kind {
            PiiKind::CreditCard if is_named => (4..=40).contains(&count) && !is_date(),
            PiiKind::CreditCard => (8..=40).contains(&count) && !is_date(),
            PiiKind::SecurityCode => (3..=6).contains(&count),
            PiiKind::Pin => (3..=12).contains(&count),
            PiiKind::CardExpiry => can_be_expiry(self.reading.numbers.digits_of(run)),
            PiiKind::BankAccount if is_named => (4..=24).contains(&count) && !is_date(),
            PiiKind::BankAccount => (6..=24).contains(&count) && !is_date(),
            PiiKind::RoutingNumber => (4..=12).contains(&count),
            PiiKind::Iban => (2..=40).contains(&count),
            PiiKind::Phone if is_named => (5..=18).contains(&count) && !is_date(),
            PiiKind::Phone => (7..=18).contains(&count) && !is_date(),
            PiiKind::Ssn => (3..=12).contains(&count) && !is_date(),
            PiiKind::NationalInsurance | PiiKind::Passport | PiiKind::DriversLicense => {
                (5..=16).contains(&count)
            }
            PiiKind::Password => (3..=16).contains(&count),
            PiiKind::Address => (5..=9).contains(&count) && run.groups.len() <= 2 && !is_date(),
            PiiKind::DateOfBirth => matches!(count, 6 | 8) && is_pure,
            PiiKind::Email | PiiKind::Name | PiiKind::SpokenDigits => false,
        }
    }

    /// Returns whether a number follows a word of time: "in 2019", "since 2020".
    fn follows_time_word(&self, run: &Run) -> bool {
        run.tokens.start.checked_sub(1).is_some_and(|before| {
            let word = &self.text[self.reading.tokens[before].range()];
            ["in", "since", "from", "until", "year", "during", "by", "of"]
                .iter()
                .any(|other| word.eq_ignore_ascii_case(other))
        })
    }

    /// Returns whether a number follows a noun of its own in the same breath: "docket 46324", "the store in row 14".
    fn follows_noun(&self, run: &Run) -> bool {
        self.reading.token_before(run).is_some_and(|before| {
            let noun = &self.reading.tokens[before];
            let gap = &self.text[noun.end..run.range.start];
            noun.shape == Shape::Alphabetic
                && noun.chars > 2
                && has_meaning(noun)
                && !noun.is_linking
                && gap == " "
                && !self
                    .reading
                    .cues
                    .iter()
                    .any(|hit| hit.tokens.contains(&before))
        })
    }

    /// Returns whether no everyday word follows a run: "one of them" and "one yet" are no digits.
    fn stands_alone(&self, run: &Run) -> bool {
        self.reading.tokens.get(run.tokens.end).is_none_or(|next| {
            next.is(WordRoles::BACKCHANNEL
                .with(WordRoles::FILLER)
                .with(WordRoles::REQUEST))
                || next.number.is_some()
        }) || self.reading.tokens.len() <= 2
    }

    /// Returns whether a run is one group of four figures that is a year and no month with a year.
    fn is_year(&self, run: &Run) -> bool {
        matches!(
            self.reading.numbers.digits_of(run),
            [1, 9, _, _] | [2, 0, _, _]
        ) && run.groups.len() == 1
    }

    /// Returns the kind that the written form of a number alone says.
    fn by_form(&self, run: &Run) -> Option<PiiKind> {
        let numbers = &self.reading.numbers;
        let groups = &numbers.groups[run.groups.clone()];
        let digits = numbers.digits_of(run);
        if run.words > 0 || groups.len() > 8 {
            return None;
        }
        let lengths: Vec<usize> = groups.iter().map(|group| group.digits).collect();
        let gaps: Vec<&str> = groups
            .windows(2)
            .map(|pair| &self.text[pair[0].end..pair[1].start])
            .collect();
        if lengths == [3, 2, 4]
            && gaps[0] == gaps[1]
            && matches!(gaps[0], "-" | " " | ".")
            && is_social_security_number(digits)
        {
            return Some(PiiKind::Ssn);
        }
        let before = self.text[..run.range.start].chars().next_back();
        if is_written_as_phone(digits, &lengths, &gaps, before)
            && !self.reading.is_date(self.text, run)
        {
            return Some(PiiKind::Phone);
        }
        // A card number without its last group fails the check: a number of four groups of four is a card all the same
        // where the conversation is about a card.
        None
    }

    /// Returns whether a run is long enough to be a number that somebody reads out.
    fn is_read_aloud(&self, run: &Run) -> bool {
        let groups = &self.reading.numbers.groups[run.groups.clone()];
        let figures = groups.len() - run.words;
        let paired = groups
            .iter()
            .filter(|group| group.is_word && group.digits > 1)
            .count();
        let long_figures = groups
            .iter()
            .filter(|group| !group.is_word && group.digits > 1)
            .count();
        let enough = if run.words >= MIN_WORDS && run.words >= figures {
            if paired * 2 > run.words {
                MIN_PAIRED_DIGITS
            } else {
                MIN_DIGITS
            }
        } else if long_figures == 0 {
            MIN_SINGLE_FIGURES
        } else {
            return false;
        };
        run.digits >= enough
    }

    /// Returns whether a run stands before letters of the same identifier: "D 1234".
    pub(super) fn letter_before(&self, run: &Run) -> Option<usize> {
        let before = &self.reading.tokens[run.tokens.start.checked_sub(1)?];
        let is_letter = before.shape == Shape::Alphabetic
            && before.chars <= 2
            && before.is_capitalized
            && before.number.is_none();
        (is_letter && &self.text[before.end..run.range.start] == " ").then_some(before.start)
    }
}

/// Decides what a run is and adds what is data to the findings.
pub(super) fn classify_run(
    context: &Context<'_>,
    run: &Run,
    findings: &mut Vec<Finding>,
    answered: &mut Vec<(PiiKind, usize)>,
    report: &mut dyn FnMut(&Run, Decision),
) {
    let is_covered = |range: &Range<usize>, findings: &[Finding]| {
        let place = findings.partition_point(|finding| finding.range.end < range.end);
        findings
            .get(place)
            .is_some_and(|finding| finding.range.start <= range.start)
    };
    let pieces = cut_at_cards(context.text, context.reading, run);
    let holds_card = pieces.iter().any(|(_, is_card)| *is_card);
    for (piece, is_card) in pieces {
        if is_covered(&piece.range, findings) {
            report(&piece, Decision::Data(PiiKind::SpokenDigits));
            continue;
        }
        let decision = if is_card {
            Decision::Data(PiiKind::CreditCard)
        } else {
            match context.classify(&piece) {
                // What stands right behind a card number in one breath belongs to the card.
                Decision::Unknown if holds_card && piece.digits <= 4 => {
                    Decision::Data(if piece.digits == 3 {
                        PiiKind::SecurityCode
                    } else {
                        PiiKind::CardExpiry
                    })
                }
                decision => decision,
            }
        };
        report(&piece, decision);
        let Decision::Data(kind) = decision else {
            continue;
        };
        let mut range = piece.range.clone();
        // The sign of an international number and the parenthesis of an area code belong to the number.
        let before = &context.text[..range.start];
        if kind == PiiKind::Phone {
            if before.ends_with("+(") {
                range.start -= 2;
            } else if before.ends_with('+')
                || before.ends_with('(') && context.text[range.clone()].contains(')')
            {
                range.start -= 1;
            }
        }
        if matches!(
            kind,
            PiiKind::Passport
                | PiiKind::DriversLicense
                | PiiKind::Iban
                | PiiKind::NationalInsurance
        ) && let Some(start) = context.letter_before(&piece)
        {
            range.start = start;
        }
        claim(context.text, findings, kind, range);
        answered.push((kind, piece.digits));
    }
}

/// Returns whether everything is masked that may be data of a kind.
const fn is_code(kind: PiiKind) -> bool {
    matches!(
        kind,
        PiiKind::CreditCard | PiiKind::SecurityCode | PiiKind::Pin
    )
}

/// Returns whether data of a kind is given in pieces of any length.
const fn takes_pieces(kind: PiiKind) -> bool {
    matches!(
        kind,
        PiiKind::CreditCard
            | PiiKind::SecurityCode
            | PiiKind::Pin
            | PiiKind::CardExpiry
            | PiiKind::BankAccount
            | PiiKind::RoutingNumber
            | PiiKind::Iban
            | PiiKind::Phone
            | PiiKind::Ssn
            | PiiKind::NationalInsurance
            | PiiKind::Passport
            | PiiKind::DriversLicense
            | PiiKind::Password
            | PiiKind::DateOfBirth
    )
}
