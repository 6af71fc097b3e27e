//! The time line of an atom: the spans of time in which it holds, and the moments at which it changes.

use super::condition::{Atom, AtomId, AtomKind, Comparison, Side};
use super::facts::{Facts, Spoken};
use crate::live::{Speaker, Trend};

/// The end of a span that goes on.
pub(super) const FOREVER: i64 = i64::MAX;
/// The unit of scores in the facts.
const SCORE_UNITS: f64 = 10_000.0;

/// A span of time in which an atom holds; both ends are included. A moment has the same start and end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) to: i64,
    /// The number of the occurrence, if the span is one.
    pub(super) occurrence: Option<usize>,
    /// The average that the span was decided by.
    pub(super) figure: f64,
}

/// The time line of one atom.
#[derive(Debug, Clone, Default)]
pub(super) struct Timeline {
    /// The spans in order of their starts.
    pub(super) spans: Vec<Span>,
    /// The moments at which the atom was measured or happened, in order.
    pub(super) changes: Vec<i64>,
    /// Whether nothing in this conversation can answer the atom.
    pub(super) is_unanswerable: bool,
}

impl Timeline {
    /// Computes the time lines of all atoms from the facts. The atoms for which `is_needed` says no stay empty.
    pub(super) fn all(
        atoms: &[Atom],
        facts: &Facts,
        start: i64,
        is_needed: impl Fn(AtomId) -> bool,
    ) -> Vec<Self> {
        let speech = SpeechIntervals::new(facts);
        let mut timelines: Vec<Self> = atoms
            .iter()
            .enumerate()
            .map(|(id, atom)| {
                if is_needed(id) && !atom.kind.is_moment() {
                    Self::of_state(atom, facts, &speech, start)
                } else {
                    Self::default()
                }
            })
            .collect();
        for (number, occurrence) in facts.occurrences.iter().enumerate() {
            if let Some(timeline) = timelines.get_mut(occurrence.atom) {
                timeline.add_moment(occurrence.at, number);
            }
        }
        timelines
    }

    fn of_state(atom: &Atom, facts: &Facts, speech: &SpeechIntervals, start: i64) -> Self {
        let mut timeline = Self::default();
        match &atom.kind {
            AtomKind::Said { .. }
            | AtomKind::SaidLike { .. }
            | AtomKind::Signal(_)
            | AtomKind::Emotion(_) => {}
            AtomKind::Average { comparison, over } => {
                let averages = moving_averages(&facts.spoken, atom.by, *over);
                timeline.add_steps(&averages, |_, average| comparison.holds(average));
            }
            AtomKind::Trend {
                direction,
                delta,
                over,
            } => {
                let averages = moving_averages(&facts.spoken, atom.by, *over);
                // Before anything was said the average is neutral, as for the suggestions to agents.
                timeline.add_steps(&averages, |before, average| {
                    let before = before.unwrap_or(0.5);
                    Trend::between(before, average, *delta) == *direction
                });
            }
            AtomKind::Silence(comparison) => {
                timeline.add_silences(*comparison, facts, speech, start)
            }
            AtomKind::Overtalk(comparison) => timeline.add_overtalk(*comparison, speech),
            AtomKind::TalkShare { comparison, over } => {
                let shares = talk_shares(&facts.spoken, speech, atom.by, *over, start);
                timeline.add_steps(&shares, |_, share| comparison.holds(share));
            }
            AtomKind::Duration(comparison) => {
                timeline.add_span(
                    start.saturating_add(comparison.first_millisecond()),
                    FOREVER,
                );
            }
            AtomKind::Hold(comparison) => {
                timeline.is_unanswerable = !facts.conversation.knows_holds;
                for (from, to) in &facts.holds {
                    timeline.add_span(from.saturating_add(comparison.first_millisecond()), *to);
                }
            }
            AtomKind::Skill(skills) => match &facts.conversation.skill {
                Some(skill) => timeline.add_fact(skills.iter().any(|it| it == skill), start),
                None => timeline.is_unanswerable = true,
            },
            AtomKind::Attribute { name, values } => {
                let attributes = facts.conversation.attributes.as_ref();
                match attributes.and_then(|attributes| attributes.get(name)) {
                    Some(value) => timeline.add_fact(values.contains(value), start),
                    None => timeline.is_unanswerable = true,
                }
            }
        }
        timeline
    }

    fn add_span(&mut self, from: i64, to: i64) {
        if from <= to {
            self.spans.push(Span {
                from,
                to,
                occurrence: None,
                figure: 0.0,
            });
            self.changes.push(from);
            if to < FOREVER {
                self.changes.push(to + 1);
            }
        }
    }

    fn add_fact(&mut self, holds: bool, start: i64) {
        if holds {
            self.add_span(start, FOREVER);
        }
    }

    fn add_moment(&mut self, at: i64, occurrence: usize) {
        self.spans.push(Span {
            from: at,
            to: at,
            occurrence: Some(occurrence),
            figure: 0.0,
        });
        self.changes.push(at);
    }

    /// Adds a figure that is measured at moments and stays until the next one.
    fn add_steps(&mut self, steps: &[(i64, f64)], holds: impl Fn(Option<f64>, f64) -> bool) {
        let mut before = None;
        for (number, &(at, figure)) in steps.iter().enumerate() {
            self.changes.push(at);
            if holds(before, figure) {
                let to = steps.get(number + 1).map_or(FOREVER, |(next, _)| next - 1);
                self.spans.push(Span {
                    from: at,
                    to,
                    occurrence: None,
                    figure,
                });
            }
            before = Some(figure);
        }
    }

    fn add_silences(
        &mut self,
        comparison: Comparison,
        facts: &Facts,
        speech: &SpeechIntervals,
        start: i64,
    ) {
        // Before what was forgotten nothing is known.
        let mut quiet_since = facts.spoken_forgotten.unwrap_or(start);
        for &(from, to) in &speech.busy {
            self.add_span(
                quiet_since.saturating_add(comparison.first_millisecond()),
                from - 1,
            );
            quiet_since = quiet_since.max(to);
        }
        self.add_span(
            quiet_since.saturating_add(comparison.first_millisecond()),
            FOREVER,
        );
    }

    fn add_overtalk(&mut self, comparison: Comparison, speech: &SpeechIntervals) {
        for (from, to) in intersect(&speech.agent, &speech.customer) {
            self.add_span(from.saturating_add(comparison.first_millisecond()), to);
        }
    }

    /// Returns the span that covers a moment.
    pub(super) fn span_at(&self, time: i64) -> Option<&Span> {
        let until = self.spans.partition_point(|span| span.from <= time);
        // Spans of a state do not overlap, so the last one that began is the only one that may still last.
        self.spans[..until].last().filter(|span| span.to >= time)
    }

    /// Returns the last change up to a moment, or the one before that for `back` 2, and so on.
    pub(super) fn change_before(&self, time: i64, back: usize) -> Option<i64> {
        let until = self.changes.partition_point(|change| *change <= time);
        Some(self.changes[until.checked_sub(back)?])
    }

    /// Returns the first span that shares a moment with the time from `from` to `to`, both included.
    pub(super) fn first_in(&self, from: i64, to: i64) -> Option<&Span> {
        self.spans
            .iter()
            .find(|span| span.to >= from)
            .filter(|span| span.from <= to)
    }

    /// Returns the spans that begin after `after` and not after `until`.
    pub(super) fn begun_in(&self, after: i64, until: i64) -> &[Span] {
        let from = self.spans.partition_point(|span| span.from <= after);
        let to = self.spans.partition_point(|span| span.from <= until);
        &self.spans[from..to.max(from)]
    }
}

/// Returns the average score at the end of each scored utterance of a side, over the time before it.
///
/// The window is that of [`live::window`](crate::live::window): it is counted back from the newest utterance of the side itself.
fn moving_averages(spoken: &[Spoken], side: Side, over: i64) -> Vec<(i64, f64)> {
    let scored: Vec<(i64, u32)> = spoken
        .iter()
        .filter(|spoken| side.includes(spoken.speaker))
        .filter_map(|spoken| Some((spoken.end, u32::from(spoken.score?))))
        .collect();
    let (mut first, mut sum) = (0, 0);
    let mut averages: Vec<(i64, f64)> = Vec::with_capacity(scored.len());
    for (number, &(end, score)) in scored.iter().enumerate() {
        sum += score;
        while scored[first].0 < end.saturating_sub(over) {
            sum -= scored[first].1;
            first += 1;
        }
        let average = f64::from(sum) / ((number + 1 - first) as f64 * SCORE_UNITS);
        // Of several utterances that end at once, the last one sees all of them.
        if averages.last().is_some_and(|(last, _)| *last == end) {
            averages.pop();
        }
        averages.push((end, average));
    }
    averages
}

/// Returns the share of the time in which a side spoke, at the end of each utterance, over the time before it.
fn talk_shares(
    spoken: &[Spoken],
    speech: &SpeechIntervals,
    side: Side,
    over: i64,
    start: i64,
) -> Vec<(i64, f64)> {
    let own = match side {
        Side::Agent => &speech.agent,
        _ => &speech.customer,
    };
    let mut shares: Vec<(i64, f64)> = Vec::with_capacity(spoken.len());
    for spoken in spoken {
        let from = spoken.end.saturating_sub(over).max(start);
        let length = spoken.end - from;
        if length <= 0 || shares.last().is_some_and(|(last, _)| *last == spoken.end) {
            continue;
        }
        let talked: i64 = own
            .iter()
            .map(|(start, end)| ((*end).min(spoken.end) - (*start).max(from)).max(0))
            .sum();
        shares.push((spoken.end, talked as f64 / length as f64));
    }
    shares
}

/// When who spoke, computed once for all atoms; each list is sorted, and its intervals do not touch.
#[derive(Default)]
struct SpeechIntervals {
    agent: Vec<(i64, i64)>,
    customer: Vec<(i64, i64)>,
    /// When anybody spoke, or the conversation was on hold.
    busy: Vec<(i64, i64)>,
}

impl SpeechIntervals {
    fn new(facts: &Facts) -> Self {
        let of = |speaker| {
            facts
                .spoken
                .iter()
                .filter(move |spoken| spoken.speaker == speaker)
                .map(|spoken| (spoken.start, spoken.end))
        };
        let agent = join(of(Speaker::Agent));
        let customer = join(of(Speaker::Customer));
        let everything = agent.iter().chain(&customer).chain(&facts.holds);
        let busy = join(everything.copied());
        Self {
            agent,
            customer,
            busy,
        }
    }
}

/// Joins intervals that touch or overlap, in whole milliseconds.
fn join(intervals: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    let mut sorted: Vec<(i64, i64)> = intervals.collect();
    sorted.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::with_capacity(sorted.len());
    for (from, to) in sorted {
        match joined.last_mut() {
            Some((_, end)) if from <= end.saturating_add(1) => *end = (*end).max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// Returns the times that two sorted lists of intervals share.
fn intersect(one: &[(i64, i64)], other: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut shared = Vec::new();
    let (mut a, mut b) = (one.iter().peekable(), other.iter().peekable());
    while let (Some(&&(a_start, a_end)), Some(&&(b_start, b_end))) = (a.peek(), b.peek()) {
        let (from, to) = (a_start.max(b_start), a_end.min(b_end));
        if from <= to {
            shared.push((from, to));
        }
        if a_end < b_end {
            a.next();
        } else {
            b.next();
        }
    }
    shared
}
