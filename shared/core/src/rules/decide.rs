//! Decides at which moments the rules of a file hit: tries each moment at which an answer may change, in order.

use super::condition::{AtomKind, Condition, Window};
use super::evaluate::{MAX_QUOTES, Scene};
use super::facts::Facts;
use super::hit::{QuotePlace, RuleHit};
use super::rule_file::{RuleDefinition, RuleFile};
use super::timeline::{FOREVER, Timeline};
use super::truth::Truth;
use super::utterance::TimeSource;

/// Allows for the rounding errors of averages, which are quotients.
const ROUNDING_ERROR: f64 = 1e-9;

/// What is remembered of a rule that has hit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct RuleProgress {
    /// The number of hits so far.
    pub(super) hits: u32,
    pub(super) last_hit_at: i64,
    /// The average that the last hit was decided by.
    pub(super) last_figure: f64,
    /// Whether what allows another hit has happened since the last one.
    pub(super) has_rearmed: bool,
    /// Whether the answer was unknown at some moment.
    pub(super) was_unknown: bool,
}

/// The time that is to be decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecidedTime {
    pub(super) start: i64,
    /// The last moment that was decided before.
    pub(super) after: i64,
    /// The earliest moment, up to `after`, whose facts have changed since.
    pub(super) changed_from: Option<i64>,
    /// The last moment that can be decided now.
    pub(super) until: i64,
    /// Whether the conversation ends at `until`.
    pub(super) is_over: bool,
}

/// Returns whether a rule can hit again.
pub(super) fn is_finished(rule: &RuleDefinition, progress: &RuleProgress) -> bool {
    rule.repetition.is_none() && progress.hits > 0
}

/// Decides all rules, and returns the hits in the order of their times and rules. At the end of the conversation also returns the
/// answer of each rule.
pub(super) fn decide(
    file: &RuleFile,
    facts: &Facts,
    progress: &mut [RuleProgress],
    time: DecidedTime,
) -> (Vec<RuleHit>, Vec<Truth>) {
    let mut is_needed = vec![false; file.atoms.len()];
    for (rule, progress) in file.rules().iter().zip(&*progress) {
        if !is_finished(rule, progress) {
            for_each_condition(rule, &mut |condition| {
                condition.for_each_atom(&mut |atom, _| is_needed[atom] = true);
            });
        }
    }
    let mut timelines = Timeline::all(&file.atoms, facts, time.start, |atom| is_needed[atom]);
    for (atom, timeline) in timelines.iter_mut().enumerate() {
        timeline.is_unanswerable |=
            file.scanner.lacks_model(atom) || facts.lacks_vectors && file.scanner.compares(atom);
    }
    let scene = Scene {
        atoms: &file.atoms,
        timelines: &timelines,
        facts,
        start: time.start,
        end: time.is_over.then_some(time.until),
    };
    // While the conversation goes on, and at each of its moments, its end is not known.
    let live = Scene { end: None, ..scene };
    let mut hits = Vec::new();
    let mut answers = Vec::new();
    for (rule, progress) in file.rules().iter().zip(progress.iter_mut()) {
        let moments = if is_finished(rule, progress) {
            Vec::new()
        } else {
            moments_of(rule, &live, time)
        };
        for now in moments {
            let is_last = time.is_over && now == time.until;
            let scene = if is_last { &scene } else { &live };
            if let Some(hit) = try_moment(rule, progress, scene, now) {
                hits.push(hit);
                if rule.repetition.is_none() {
                    break;
                }
            }
        }
        if time.is_over {
            answers.push(if progress.hits > 0 {
                Truth::True
            } else {
                let last = scene.answer_rule(&rule.when, rule.unless.as_ref(), time.until);
                match last.truth() {
                    // It may have held at the moment that is not known.
                    Truth::False if progress.was_unknown => Truth::Unknown,
                    answer => answer,
                }
            });
        }
    }
    // The rules of one moment keep the order of their file.
    hits.sort_by_key(|hit| hit.at);
    (hits, answers)
}

fn for_each_condition<'r>(rule: &'r RuleDefinition, visit: &mut dyn FnMut(&'r Condition)) {
    visit(&rule.when);
    if let Some(unless) = &rule.unless {
        visit(unless);
    }
    if let Some(once) = rule
        .repetition
        .as_ref()
        .and_then(|again| again.once.as_ref())
    {
        visit(once);
    }
}

/// Returns the moments, in order, at which the answer of a rule may change.
fn moments_of(rule: &RuleDefinition, scene: &Scene<'_>, time: DecidedTime) -> Vec<i64> {
    let after = match time.changed_from {
        // A rule that hits again was decided with what was known; a late word does not rewrite that.
        Some(changed) if rule.repetition.is_none() => time.after.min(changed - 1),
        _ => time.after,
    };
    let mut moments = Vec::new();
    let mut add = |moment: i64| {
        if moment > after && moment <= time.until {
            moments.push(moment);
        }
    };
    add(time.start);
    let mut has_window = false;
    for_each_condition(rule, &mut |condition| {
        condition.for_each_atom(&mut |atom, window| {
            has_window |= window != Window::Default || scene.atoms[atom].kind.is_moment();
        });
        has_window |= condition.counts_or_orders();
    });
    // The end of the conversation closes windows, and says nothing new of a state.
    if time.is_over && has_window {
        add(time.until);
    }
    for_each_condition(rule, &mut |condition| {
        let mut lengths = Vec::new();
        condition.for_each_atom(&mut |_, window| {
            if let Window::After(length) = window {
                lengths.push(length);
            }
        });
        condition.for_each_atom(&mut |atom, window| {
            let timeline = &scene.timelines[atom];
            timeline.changes.iter().for_each(|change| add(*change));
            if let Window::First(length) = window {
                add(time.start.saturating_add(length));
            }
            let over = match window {
                Window::Over(length) => length,
                _ => 0,
            };
            for span in &timeline.spans {
                for length in &lengths {
                    // Negated steps in a row end one after the other.
                    let mut end = span.from;
                    for _ in 0..lengths.len() {
                        end = end.saturating_add(*length);
                        add(end);
                    }
                }
                if over > 0 && span.to < FOREVER {
                    add(span.to.saturating_add(over));
                }
            }
            if over > 0 {
                // What begins a span, or measures a figure, leaves the window too.
                let changes = timeline.changes.iter();
                changes.for_each(|change| add(change.saturating_add(over)));
            }
            let look_back = scene.atoms[atom].kind.look_back().unwrap_or(0);
            for (from, to) in &scene.facts.gaps {
                add(*from);
                add(to.saturating_add(look_back + 1));
                add(to.saturating_add(over));
                add(to.saturating_add(over).saturating_add(look_back + 1));
            }
        });
        // Windows of different lengths in one sequence end at the sums of their lengths.
        if lengths.len() > 1 {
            let whole: i64 = lengths
                .iter()
                .fold(0, |sum, length| sum.saturating_add(*length));
            condition.for_each_atom(&mut |atom, _| {
                for span in &scene.timelines[atom].spans {
                    add(span.from.saturating_add(whole));
                }
            });
        }
    });
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// Decides a rule at one moment.
fn try_moment(
    rule: &RuleDefinition,
    progress: &mut RuleProgress,
    scene: &Scene<'_>,
    now: i64,
) -> Option<RuleHit> {
    let answer = scene.answer_rule(&rule.when, rule.unless.as_ref(), now);
    let figure = first_average(&rule.when, scene, now);
    if let Some(again) = &rule.repetition {
        progress.has_rearmed |= match &again.once {
            Some(once) => scene.answer(once, now).is_true(),
            None => answer.is_false(),
        };
        if progress.hits > 0 {
            let is_cooled_down = now.saturating_sub(progress.last_hit_at) >= again.after;
            let has_worsened = again.worse_by.is_some_and(|by| {
                figure.is_some_and(|figure| figure <= progress.last_figure - by + ROUNDING_ERROR)
            });
            if !is_cooled_down || !(progress.has_rearmed || has_worsened) {
                return None;
            }
        }
    }
    if !answer.is_true() {
        progress.was_unknown |= answer.may_hold();
        return None;
    }
    *progress = RuleProgress {
        hits: progress.hits + 1,
        last_hit_at: now,
        last_figure: figure.unwrap_or_default(),
        has_rearmed: false,
        was_unknown: progress.was_unknown,
    };
    let mut evidence = Vec::new();
    scene.collect_evidence(&rule.when, now, &mut evidence);
    let mut quotes: Vec<QuotePlace> = Vec::new();
    for number in evidence {
        let occurrence = &scene.facts.occurrences[number];
        let place = QuotePlace {
            segment: occurrence.segment.to_string(),
            speaker: occurrence.speaker,
            from: u32::from(occurrence.from),
            to: u32::from(occurrence.to),
            at: occurrence.at,
        };
        if quotes.len() < MAX_QUOTES && !quotes.contains(&place) {
            quotes.push(place);
        }
    }
    Some(RuleHit {
        rule: rule.id.clone(),
        version: rule.version.clone(),
        severity: rule.severity,
        number: progress.hits,
        at: now,
        offset_ms: now - scene.start,
        time_source: scene.facts.time_source.unwrap_or(TimeSource::Utterance),
        quotes,
    })
}

/// Returns the figure of the first average of a condition that holds at a moment.
fn first_average(condition: &Condition, scene: &Scene<'_>, now: i64) -> Option<f64> {
    let mut figure = None;
    condition.for_each_atom(&mut |atom, _| {
        if figure.is_none() && matches!(scene.atoms[atom].kind, AtomKind::Average { .. }) {
            figure = scene.timelines[atom].span_at(now).map(|span| span.figure);
        }
    });
    figure
}
