//! Windows: what the conversation expects next, because somebody asked for it or announced it.

use super::finding::PiiKind;

/// Number of turns of the customer for which a window stays open without an answer.
const OPEN_TURNS: u8 = 3;
/// Number of turns of the customer for which a window stays open after a complete answer, for a correction.
const TURNS_AFTER_ANSWER: u8 = 2;
/// Time for which a window stays open at least, however many turns pass, in milliseconds.
const OPEN_MS: i64 = 30_000;
/// Number of turns of anybody after which a window without progress closes in any case.
const MAX_TURNS: u64 = 16;
/// Largest number of windows at a time.
const MAX_WINDOWS: usize = 16;

/// What the next turns may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Data of a kind.
    Data(PiiKind),
    /// A number that is nobody's secret.
    Harmless,
}

/// An expectation that is open.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// What the window is open for.
    pub(super) expected: Expected,
    /// Whether the kind was named, and not only hinted at.
    pub(super) is_named: bool,
    /// Whether something was masked because of the window.
    pub(super) is_answered: bool,
    /// Number of digits that were masked because of the window.
    pub(super) digits: usize,
    turns_left: u8,
    until_ms: Option<i64>,
    last_turn: u64,
}

impl Window {
    /// Returns whether what was expected was given completely.
    pub(super) const fn is_complete(&self) -> bool {
        match self.expected {
            Expected::Data(kind) => self.is_answered && self.digits >= complete_at(kind),
            Expected::Harmless => false,
        }
    }
}

/// The open windows, of which the last one was opened last.
#[derive(Debug, Clone, Default)]
pub(super) struct Windows {
    open: Vec<Window>,
}

impl Windows {
    /// Opens a window, or opens it anew.
    pub(super) fn open(
        &mut self,
        expected: Expected,
        is_named: bool,
        turn: u64,
        at_ms: Option<i64>,
    ) {
        self.open.retain(|window| window.expected != expected);
        if self.open.len() == MAX_WINDOWS {
            self.open.remove(0);
        }
        self.open.push(Window {
            expected,
            is_named,
            is_answered: false,
            digits: 0,
            turns_left: if expected == Expected::Harmless {
                2
            } else {
                OPEN_TURNS
            },
            until_ms: at_ms.map(|at| at.saturating_add(OPEN_MS)),
            last_turn: turn,
        });
    }

    /// Opens the windows for words again that were answered, because the answer is to be spelled or said again.
    pub(super) fn reopen_words(&mut self, turn: u64, at_ms: Option<i64>) {
        let is_word = |window: &Window| {
            matches!(
                window.expected,
                Expected::Data(
                    PiiKind::Name | PiiKind::Password | PiiKind::Address | PiiKind::Email
                )
            )
        };
        for window in self
            .open
            .iter_mut()
            .filter(|window| is_word(window) && window.is_answered)
        {
            window.is_answered = false;
            window.digits = 0;
            window.turns_left = OPEN_TURNS;
            window.last_turn = turn;
            window.until_ms = at_ms.map(|at| at.saturating_add(OPEN_MS));
        }
    }

    /// Closes what was answered before, because something else is asked for now.
    pub(super) fn close_answered(&mut self) {
        self.open.retain(|window| !window.is_answered);
    }

    /// Closes the windows whose time is over before a turn is read.
    pub(super) fn close_overdue(&mut self, turn: u64, at_ms: Option<i64>) {
        self.open.retain(|window| {
            let in_time = window.expected != Expected::Harmless
                && at_ms
                    .zip(window.until_ms)
                    .is_some_and(|(now, until)| now <= until);
            (window.turns_left > 0 || in_time && !window.is_answered)
                && turn.saturating_sub(window.last_turn) <= MAX_TURNS
        });
    }

    /// Counts a turn of somebody who was asked.
    pub(super) fn count_turn(&mut self) {
        for window in &mut self.open {
            window.turns_left = window.turns_left.saturating_sub(1);
        }
    }

    /// Notes that something of so many digits was masked because of a window, and whether that was all that was expected.
    pub(super) fn note_answer(
        &mut self,
        kind: PiiKind,
        digits: usize,
        turn: u64,
        at_ms: Option<i64>,
    ) {
        for window in self
            .open
            .iter_mut()
            .filter(|window| window.expected == Expected::Data(kind))
        {
            window.is_answered = true;
            window.digits += digits;
            window.last_turn = turn;
            window.until_ms = at_ms.map(|at| at.saturating_add(OPEN_MS));
            // The turn in which the answer was given is counted afterwards.
            window.turns_left = 1 + if window.digits >= complete_at(kind) {
                TURNS_AFTER_ANSWER
            } else {
                OPEN_TURNS
            };
        }
    }

    /// Closes the window for something harmless once it was answered.
    pub(super) fn close_harmless(&mut self) {
        self.open
            .retain(|window| window.expected != Expected::Harmless);
    }

    /// Returns the open windows, the one that was opened last first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Window> {
        self.open.iter().rev()
    }

    /// Returns the window for a kind.
    pub(super) fn of(&self, kind: PiiKind) -> Option<&Window> {
        self.open
            .iter()
            .find(|window| window.expected == Expected::Data(kind))
    }
}

/// What a whole e-mail address counts as, beside pieces of one, which count less.
pub(super) const WHOLE_ADDRESS: usize = 100;

/// Returns the number of digits with which data of a kind is complete.
const fn complete_at(kind: PiiKind) -> usize {
    match kind {
        PiiKind::CreditCard => 15,
        PiiKind::SecurityCode => 3,
        PiiKind::CardExpiry | PiiKind::Pin => 4,
        PiiKind::BankAccount | PiiKind::DateOfBirth => 8,
        PiiKind::RoutingNumber => 6,
        PiiKind::Iban => 20,
        PiiKind::Phone => 10,
        PiiKind::Ssn => 9,
        PiiKind::NationalInsurance => 6,
        PiiKind::Passport | PiiKind::DriversLicense => 7,
        PiiKind::Password | PiiKind::Address | PiiKind::Name | PiiKind::SpokenDigits => 1,
        PiiKind::Email => WHOLE_ADDRESS,
    }
}
