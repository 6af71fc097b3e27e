//! What the answer of a condition at one moment may be, where a gap leaves more than one possibility.

use super::truth::Truth;

/// A set of the answers that a condition may have at one moment: it holds, it does not hold, or it waits and does not hold so far.
///
/// A set and not one word, because "waits" must not hide what a gap may hide: of "said until the end, or silent right now", the first
/// waits, and the second may have held in the gap. Whether it did is unknown for ever, although the whole still waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Possible(u8);

const HOLDS: u8 = 1;
const FAILS: u8 = 2;
const WAITS: u8 = 4;

impl Possible {
    pub(super) const TRUE: Self = Self(HOLDS);
    pub(super) const FALSE: Self = Self(FAILS);
    pub(super) const OPEN: Self = Self(WAITS);
    pub(super) const UNKNOWN: Self = Self(HOLDS | FAILS);
    /// It waits, unless what makes it hold was in a gap.
    pub(super) const OPEN_OR_TRUE: Self = Self(WAITS | HOLDS);
    /// It waits, unless what decides it in either way was in a gap.
    pub(super) const ANY: Self = Self(WAITS | HOLDS | FAILS);

    /// Returns the answers of something that is known.
    pub(super) const fn known(holds: bool) -> Self {
        if holds { Self::TRUE } else { Self::FALSE }
    }

    /// Returns whether the condition holds for certain.
    pub(super) const fn is_true(self) -> bool {
        self.0 == HOLDS
    }

    /// Returns whether the condition for certain does not hold and waits for nothing.
    pub(super) const fn is_false(self) -> bool {
        self.0 == FAILS
    }

    /// Returns whether the condition may hold at this moment.
    pub(super) const fn may_hold(self) -> bool {
        self.0 & HOLDS != 0
    }

    const fn has(self, answers: u8) -> bool {
        self.0 & answers != 0
    }

    /// Returns the answers of the opposite condition; what waits still waits.
    pub(super) const fn negated(self) -> Self {
        let holds = if self.has(FAILS) { HOLDS } else { 0 };
        let fails = if self.has(HOLDS) { FAILS } else { 0 };
        Self(holds | fails | (self.0 & WAITS))
    }

    /// Returns the answers of "both hold".
    pub(super) const fn and(self, other: Self) -> Self {
        let holds = self.0 & other.0 & HOLDS;
        let fails = (self.0 | other.0) & FAILS;
        let waits = (self.has(WAITS) && other.has(WAITS | HOLDS))
            || (other.has(WAITS) && self.has(WAITS | HOLDS));
        Self(holds | fails | if waits { WAITS } else { 0 })
    }

    /// Returns the answers of "at least one holds".
    pub(super) const fn or(self, other: Self) -> Self {
        self.negated().and(other.negated()).negated()
    }

    /// Returns the answers of "this holds unless the other holds now". What has not happened so far takes nothing back.
    pub(super) const fn unless(self, other: Self) -> Self {
        let taken_back = if other.may_hold() { FAILS } else { 0 };
        let kept = if other.has(FAILS | WAITS) { self.0 } else { 0 };
        Self(taken_back | kept)
    }

    /// Returns the answer in one word; what may wait is open.
    pub(super) const fn truth(self) -> Truth {
        match self.0 {
            HOLDS => Truth::True,
            FAILS => Truth::False,
            answers if answers & WAITS != 0 => Truth::Open,
            _ => Truth::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Possible; 4] = [
        Possible::TRUE,
        Possible::FALSE,
        Possible::OPEN,
        Possible::UNKNOWN,
    ];

    #[test]
    fn a_known_answer_decides_and_a_missing_one_does_not() {
        let [holds, fails, open, unknown] = ALL;
        assert_eq!(fails.and(unknown), fails);
        assert_eq!(holds.and(unknown), unknown);
        assert_eq!(holds.or(open), holds);
        assert_eq!(fails.or(unknown), unknown);
        assert_eq!(unknown.negated(), unknown);
        assert_eq!((holds.and(holds), fails.or(fails)), (holds, fails));
    }

    #[test]
    fn what_waits_hides_nothing_that_may_hold() {
        let either = Possible::OPEN.or(Possible::UNKNOWN);
        assert!(either.may_hold() && !either.is_true());
        assert_eq!(either.truth(), Truth::Open);
        assert!(!Possible::OPEN.and(Possible::UNKNOWN).may_hold());
    }

    #[test]
    fn sets_combine_as_each_of_their_answers_does() {
        let answers = |set: Possible| [FAILS, WAITS, HOLDS].map(|answer| set.has(answer));
        let sets = (1..8).map(Possible);
        for (one, other) in sets
            .clone()
            .flat_map(|one| sets.clone().map(move |other| (one, other)))
        {
            let mut both = [false; 3];
            for a in (0..3).filter(|a| answers(one)[*a]) {
                for b in (0..3).filter(|b| answers(other)[*b]) {
                    both[a.min(b)] = true;
                }
            }
            assert_eq!(answers(one.and(other)), both, "{one:?} {other:?}");
        }
    }

    #[test]
    fn what_takes_back_counts_only_if_it_has_happened() {
        let [holds, fails, open, unknown] = ALL;
        assert_eq!(holds.unless(holds), fails);
        assert_eq!(holds.unless(open), holds);
        assert_eq!(holds.unless(fails), holds);
        assert_eq!(holds.unless(unknown), unknown);
        assert_eq!(fails.unless(unknown), fails);
    }
}
