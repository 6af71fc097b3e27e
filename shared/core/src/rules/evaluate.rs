//! Answers conditions at one moment, from the time lines of their atoms.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::condition::{Atom, AtomId, AtomKind, AtomUse, Comparison, Condition, Window};
use super::facts::Facts;
use super::possible::Possible;
use super::timeline::{Span, Timeline};

/// Largest number of quotes of one hit.
pub(super) const MAX_QUOTES: usize = 8;

/// What conditions are answered from.
pub(super) struct Scene<'a> {
    pub(super) atoms: &'a [Atom],
    pub(super) timelines: &'a [Timeline],
    pub(super) facts: &'a Facts,
    pub(super) start: i64,
    /// The end of the conversation; `None` while it goes on.
    pub(super) end: Option<i64>,
}

/// The time of a window, seen from a moment.
struct Range {
    /// The first moment of the window.
    from: i64,
    /// The last moment of the window that has come.
    to: i64,
    /// Whether nothing more can happen in the window.
    is_closed: bool,
}

impl Scene<'_> {
    /// Answers a condition at a moment.
    pub(super) fn answer(&self, condition: &Condition, now: i64) -> Possible {
        match condition {
            Condition::Atom(atom) => self.answer_atom(atom, now),
            Condition::All(parts) => parts
                .iter()
                .fold(Possible::TRUE, |all, part| all.and(self.answer(part, now))),
            Condition::Any(parts) => parts
                .iter()
                .fold(Possible::FALSE, |any, part| any.or(self.answer(part, now))),
            Condition::Not(part) => self.answer(part, now).negated(),
            Condition::Sequence(steps) => Chain::new(self, steps, now).answer(0, self.start - 1),
            Condition::Count {
                atom,
                window,
                comparison,
            } => self.answer_count(*atom, *window, *comparison, now),
        }
    }

    /// Answers `when` unless `unless` holds at the same moment.
    pub(super) fn answer_rule(
        &self,
        when: &Condition,
        unless: Option<&Condition>,
        now: i64,
    ) -> Possible {
        let holds = self.answer(when, now);
        match unless.filter(|_| !holds.is_false()) {
            Some(unless) => holds.unless(self.answer(unless, now)),
            None => holds,
        }
    }

    fn answer_atom(&self, atom: &AtomUse, now: i64) -> Possible {
        let kind = &self.atoms[atom.atom].kind;
        let holds = if kind.is_moment() || atom.window != Window::Default {
            match self.range(atom.window, now) {
                Some(range) => self.answer_range(atom.atom, &range),
                None => Possible::OPEN,
            }
        } else {
            self.answer_state(atom.atom, now)
        };
        if atom.is_negated {
            holds.negated()
        } else {
            holds
        }
    }

    /// Answers a state at the present moment.
    fn answer_state(&self, atom: AtomId, now: i64) -> Possible {
        if self.is_state_unknown(atom, now, now) {
            Possible::UNKNOWN
        } else {
            Possible::known(self.timelines[atom].span_at(now).is_some())
        }
    }

    /// Returns whether a gap makes a state unknown somewhere between two moments.
    fn is_state_unknown(&self, atom: AtomId, from: i64, to: i64) -> bool {
        let timeline = &self.timelines[atom];
        let kind = &self.atoms[atom].kind;
        let Some(over) = kind.look_back() else {
            return timeline.is_unanswerable;
        };
        // A figure lasts until it is measured again, and a trend compares the last two of them.
        let measured = match kind {
            AtomKind::Average { .. } | AtomKind::TalkShare { .. } => {
                timeline.change_before(from, 1)
            }
            AtomKind::Trend { .. } => timeline.change_before(from, 2),
            _ => Some(from),
        };
        let since = measured.map_or(i64::MIN, |measured| measured.saturating_sub(over));
        let is_forgotten = self
            .facts
            .spoken_forgotten
            .is_some_and(|until| until >= since);
        is_forgotten || self.facts.has_gap(since, to)
    }

    /// Answers whether an atom happens in the part of a window that has come.
    fn answer_range(&self, atom: AtomId, range: &Range) -> Possible {
        let is_moment = self.atoms[atom].kind.is_moment();
        let may_lack = if is_moment {
            self.timelines[atom].is_unanswerable || self.facts.may_lack(atom, range.from, range.to)
        } else {
            self.is_state_unknown(atom, range.from, range.to)
        };
        let happened = self.timelines[atom]
            .first_in(range.from, range.to)
            .is_some();
        // A moment that was heard did happen; a state that was measured over a gap is not known.
        match (happened, may_lack) {
            (true, false) => Possible::TRUE,
            (true, true) if is_moment => Possible::TRUE,
            (_, true) if !range.is_closed => Possible::OPEN_OR_TRUE,
            _ if !range.is_closed => Possible::OPEN,
            (_, true) => Possible::UNKNOWN,
            (false, false) => Possible::FALSE,
        }
    }

    fn answer_count(
        &self,
        atom: AtomId,
        window: Window,
        comparison: Comparison,
        now: i64,
    ) -> Possible {
        let Some(range) = self.range(window, now) else {
            return Possible::OPEN;
        };
        let count = self.timelines[atom]
            .begun_in(range.from - 1, range.to)
            .len();
        let holds = comparison.holds(count as f64);
        let may_lack = self.may_lack_begun(atom, range.from - 1, range.to);
        let is_known = self.atoms[atom].kind.is_moment() || !may_lack;
        // More may happen or may have been missed, which only makes the count greater.
        if holds == comparison.is_lower_bound() && is_known {
            return Possible::known(holds);
        }
        match (range.is_closed, may_lack) {
            (false, false) => Possible::OPEN,
            (false, true) if !is_known => Possible::ANY,
            (false, true) if comparison.is_lower_bound() => Possible::OPEN_OR_TRUE,
            (false, true) => Possible::OPEN_OR_TRUE.negated(),
            (true, true) => Possible::UNKNOWN,
            (true, false) => Possible::known(holds),
        }
    }

    /// Returns whether beginnings of an atom after a moment may be missing.
    fn may_lack_begun(&self, atom: AtomId, after: i64, until: i64) -> bool {
        self.timelines[atom].is_unanswerable
            || if self.atoms[atom].kind.is_moment() {
                self.facts.may_lack(atom, after + 1, until)
            } else {
                self.is_state_unknown(atom, after, until)
            }
    }

    /// Returns the time of a window as far as it has come; `None` if the window is known only after the conversation.
    fn range(&self, window: Window, now: i64) -> Option<Range> {
        let is_over = self.end.is_some();
        let part = |percent: f64| {
            let end = self.end?;
            Some(((end - self.start) as f64 * percent / 100.0).round() as i64)
        };
        let up_to = |limit: i64| Range {
            from: self.start,
            to: limit.min(now),
            is_closed: is_over || now >= limit,
        };
        let whole = |from: i64, to: i64| Range {
            from,
            to,
            is_closed: true,
        };
        Some(match window {
            Window::Default | Window::After(_) => Range {
                from: self.start,
                to: now,
                is_closed: is_over,
            },
            Window::First(length) => up_to(self.start.saturating_add(length)),
            Window::Over(length) => whole(now.saturating_sub(length) + 1, now),
            Window::Last(length) => whole((self.end? - length).max(self.start), self.end?),
            Window::FirstPercent(percent) => whole(self.start, self.start + part(percent)?),
            Window::LastPercent(percent) => whole(self.end? - part(percent)?, self.end?),
        })
    }

    /// Collects the occurrences that make a condition hold, in the order of the conditions.
    pub(super) fn collect_evidence(&self, condition: &Condition, now: i64, found: &mut Vec<usize>) {
        match condition {
            Condition::Atom(atom) if !atom.is_negated => {
                if let Some(range) = self.range(atom.window, now)
                    && let Some(span) = self.timelines[atom.atom].first_in(range.from, range.to)
                {
                    found.extend(span.occurrence);
                }
            }
            Condition::Atom(_) | Condition::Not(_) => {}
            Condition::All(parts) => {
                for part in parts {
                    self.collect_evidence(part, now, found);
                }
            }
            Condition::Any(parts) => {
                for part in parts {
                    if self.answer(part, now).is_true() {
                        self.collect_evidence(part, now, found);
                    }
                }
            }
            Condition::Sequence(steps) => {
                Chain::new(self, steps, now).collect(0, self.start - 1, found);
            }
            Condition::Count { atom, window, .. } => {
                if let Some(range) = self.range(*window, now) {
                    let spans = self.timelines[*atom].begun_in(range.from - 1, range.to);
                    found.extend(spans.iter().filter_map(|span| span.occurrence));
                }
            }
        }
    }
}

/// The steps of a sequence, answered at one moment. Each answer is computed once, so that many anchors cost no more than their
/// number.
struct Chain<'s, 'a> {
    scene: &'s Scene<'a>,
    steps: &'s [AtomUse],
    now: i64,
    answers: HashMap<(usize, i64), Possible, FxBuildHasher>,
}

impl<'s, 'a> Chain<'s, 'a> {
    fn new(scene: &'s Scene<'a>, steps: &'s [AtomUse], now: i64) -> Self {
        Self {
            scene,
            steps,
            now,
            answers: HashMap::default(),
        }
    }

    /// Returns the last moment of a step's window that has come, and whether the window has ended.
    fn limit(&self, step: &AtomUse, anchor: i64) -> (i64, bool) {
        let is_over = self.scene.end.is_some();
        match step.window {
            Window::After(length) => {
                let limit = anchor.saturating_add(length);
                (limit.min(self.now), is_over || self.now >= limit)
            }
            _ => (self.now, is_over),
        }
    }

    /// Answers whether the steps from a number on happen after an anchor.
    fn answer(&mut self, number: usize, anchor: i64) -> Possible {
        let Some(step) = self.steps.get(number) else {
            return Possible::TRUE;
        };
        if let Some(known) = self.answers.get(&(number, anchor)) {
            return *known;
        }
        let (until, is_closed) = self.limit(step, anchor);
        let scene = self.scene;
        let timeline = &scene.timelines[step.atom];
        let may_lack = scene.may_lack_begun(step.atom, anchor, until);
        // Where a state is not known, neither is whether it begins.
        let is_known = scene.atoms[step.atom].kind.is_moment() || !may_lack;
        let spans: &[Span] = if is_known {
            timeline.begun_in(anchor, until)
        } else {
            &[]
        };
        let nothing_more = match (is_closed, may_lack) {
            (false, false) => Possible::OPEN,
            (false, true) => Possible::OPEN_OR_TRUE,
            (true, true) => Possible::UNKNOWN,
            (true, false) => Possible::FALSE,
        };
        let answer = if step.is_negated {
            let silent = if spans.is_empty() {
                nothing_more.negated()
            } else {
                Possible::FALSE
            };
            let next = match step.window {
                Window::After(length) => anchor.saturating_add(length),
                _ => anchor,
            };
            silent.and(self.answer(number + 1, next))
        } else {
            let mut any = nothing_more;
            for span in spans {
                any = any.or(self.answer(number + 1, span.from));
                if any.is_true() {
                    break;
                }
            }
            any
        };
        self.answers.insert((number, anchor), answer);
        answer
    }

    /// Collects the occurrences of the first chain that holds.
    fn collect(&mut self, number: usize, anchor: i64, found: &mut Vec<usize>) {
        let Some(step) = self.steps.get(number) else {
            return;
        };
        let (until, _) = self.limit(step, anchor);
        if step.is_negated {
            let next = match step.window {
                Window::After(length) => anchor.saturating_add(length),
                _ => anchor,
            };
            return self.collect(number + 1, next, found);
        }
        let spans = self.scene.timelines[step.atom].begun_in(anchor, until);
        let first = spans
            .iter()
            .find(|span| self.answer(number + 1, span.from).is_true());
        if let Some(span) = first {
            let from = span.from;
            found.extend(span.occurrence);
            self.collect(number + 1, from, found);
        }
    }
}
