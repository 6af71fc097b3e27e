//! The rules of one conversation while it goes on: facts are added as they arrive, and hits are returned once.
//!
//! Live and afterwards are the same computation: a conversation that is over is one whose facts are all added before the first
//! decision. A moment is decided when every utterance that began before it has arrived, which the caller says with
//! `complete_until`. Therefore neither the order of arrival nor repeats change a hit. A fact that comes later than that still
//! counts: a rule that has not hit is decided again from its time on, and a hit stays a hit.

use serde::{Deserialize, Serialize};

use super::decide::{DecidedTime, RuleProgress, decide, is_finished};
use super::facts::{Facts, Spoken};
use super::hit::RuleHit;
use super::packed::PackedRules;
use super::rule_file::RuleFile;
use super::truth::Truth;
use super::utterance::{ConversationFacts, Dialogue, Utterance};

/// Largest number of moments of one atom that a live conversation remembers.
const MAX_MOMENTS_OF_ATOM: usize = 16;
/// Largest number of moments that a live conversation remembers.
const MAX_MOMENTS: usize = 128;
/// Largest number of spoken intervals that a live conversation remembers.
const MAX_SPOKEN: usize = 256;
/// Largest number of gaps that a live conversation remembers; more become one.
const MAX_GAPS: usize = 16;

/// The answer of one rule for a conversation that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleAnswer {
    /// The id of the rule.
    pub rule: String,
    /// The version of the rule.
    pub version: String,
    /// The answer: true, false or unknown.
    pub answer: Truth,
}

/// The hits and answers of a conversation that is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The hits in the order of their times.
    pub hits: Vec<RuleHit>,
    /// The answer of each rule in the order of the file.
    pub answers: Vec<RuleAnswer>,
}

impl Evaluation {
    /// Returns the answer of a rule.
    #[must_use]
    pub fn answer(&self, rule: &str) -> Option<Truth> {
        self.answers
            .iter()
            .find(|answer| answer.rule == rule)
            .map(|answer| answer.answer)
    }
}

/// The state of the rules of one live conversation. It holds no words, and its size is bounded: what does not fit is forgotten, and
/// what depends on it becomes unknown.
///
/// ```
/// use insights_core::live::Speaker;
/// use insights_core::rules::{LiveRules, RuleFile, Utterance};
///
/// let file = RuleFile::from_toml(
///     r#"
///     [[rule]]
///     id = "recording-notice-missing"
///     severity = "warn"
///     when = { not_said = ["this call (is|may be) recorded"], by = "agent", within = "first 60s" }
///     "#,
/// )
/// .unwrap();
/// let mut call = LiveRules::default();
/// call.add(&file, &Utterance::new(Speaker::Agent, 0, 4000, "Hello, how can I help?"));
/// assert!(call.advance(&file, 59_000).is_empty(), "the window is open");
/// let hits = call.advance(&file, 61_000);
/// assert_eq!((hits[0].rule.as_str(), hits[0].at), ("recording-notice-missing", 60_000));
/// assert!(call.advance(&file, 90_000).is_empty(), "a hit is returned once");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PackedRules", into = "PackedRules")]
pub struct LiveRules {
    pub(super) version: String,
    pub(super) facts: Facts,
    /// The last moment that was decided.
    pub(super) decided_until: Option<i64>,
    /// What is remembered of rules, by their ids.
    pub(super) progress: Vec<(String, RuleProgress)>,
    /// The earliest fact since the last decision.
    pub(super) changed_from: Option<i64>,
    /// The latest end of an utterance.
    pub(super) last_end: Option<i64>,
    pub(super) is_unbounded: bool,
}

impl LiveRules {
    /// Adds an utterance; a repeat changes nothing.
    pub fn add(&mut self, file: &RuleFile, utterance: &Utterance) {
        self.use_file(file);
        let (start, end) = (utterance.start.min(utterance.end), utterance.end);
        self.facts.note_time_source(utterance.time_source());
        if self.facts.conversation.start.is_none() {
            self.facts.start = Some(self.facts.start.map_or(start, |known| known.min(start)));
        }
        self.last_end = self.last_end.max(Some(end));
        if self.is_unbounded || file.atoms.iter().any(|atom| atom.kind.needs_utterances()) {
            let spoken = Spoken {
                end,
                start,
                speaker: utterance.speaker,
                // The identity is a digest, so any part of it is one.
                tag: utterance.id.0 as u16,
                score: utterance.score.map(|score| score.to_ten_thousandths()),
            };
            if self
                .facts
                .spoken_forgotten
                .is_some_and(|forgotten| end <= forgotten)
            {
                // Whether the utterance is a repeat is not known any more.
            } else if self.facts.add_spoken(spoken) {
                self.note_change(start);
            }
        }
        self.facts.lacks_vectors |=
            utterance.embedding.is_none() && !utterance.text.trim().is_empty();
        for occurrence in file.scanner.find(utterance) {
            let is_forgotten = self
                .facts
                .forgotten
                .iter()
                .any(|(atom, until)| *atom == occurrence.atom && occurrence.at <= *until);
            if !is_forgotten && self.facts.add_occurrence(occurrence) {
                self.note_change(occurrence.at);
            }
        }
    }

    /// Notes a time in which words may be missing, in milliseconds since the epoch.
    pub fn add_gap(&mut self, from: i64, to: i64) {
        self.facts.add_gap(from, to);
        while !self.is_unbounded && self.facts.gaps.len() > MAX_GAPS {
            let (second_from, second_to) = self.facts.gaps.remove(1);
            let (first_from, first_to) = self.facts.gaps[0];
            self.facts.gaps[0] = (first_from.min(second_from), first_to.max(second_to));
        }
    }

    /// Notes what is known beside the words.
    pub fn set_facts(&mut self, facts: ConversationFacts) {
        if facts == self.facts.conversation {
            return;
        }
        if facts.start.is_some() {
            self.facts.start = facts.start;
        }
        self.facts.conversation = facts;
        // What is known now may answer moments that were decided without it.
        if let Some(start) = self.facts.start.filter(|_| self.decided_until.is_some()) {
            self.note_change(start);
        }
    }

    /// Decides every moment up to `complete_until`, in milliseconds since the epoch, and returns the new hits. Every utterance that
    /// began before `complete_until` must have been added, or counts as late.
    pub fn advance(&mut self, file: &RuleFile, complete_until: i64) -> Vec<RuleHit> {
        self.use_file(file);
        let until = self.decided_until.unwrap_or(i64::MIN).max(complete_until);
        self.decide(file, until, false).hits
    }

    /// Ends the conversation: closes every window, and returns the new hits and the answer of each rule.
    pub fn finish(&mut self, file: &RuleFile, end: Option<i64>) -> Evaluation {
        self.use_file(file);
        let known = [self.decided_until, self.last_end, end, self.facts.start];
        let until = known.into_iter().flatten().max().unwrap_or(0);
        self.decide(file, until, true)
    }

    /// Returns whether nothing was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the time up to which hits are decided, in milliseconds since the epoch.
    #[must_use]
    pub fn decided_until(&self) -> Option<i64> {
        self.decided_until
    }

    /// Returns the end of the newest utterance, in milliseconds since the epoch.
    #[must_use]
    pub const fn last_end(&self) -> Option<i64> {
        self.last_end
    }

    /// Returns the ids of the rules that have not hit and whose answer was unknown at some moment: words may be missing, or the
    /// conversation lacks what the rule asks for.
    pub fn unknown_rules(&self) -> impl Iterator<Item = &str> {
        self.progress
            .iter()
            .filter(|(_, progress)| progress.hits == 0 && progress.was_unknown)
            .map(|(id, _)| id.as_str())
    }

    /// Returns the times in which words may be missing, in milliseconds since the epoch.
    #[must_use]
    pub fn gaps(&self) -> &[(i64, i64)] {
        &self.facts.gaps
    }

    fn note_change(&mut self, at: i64) {
        self.changed_from = Some(self.changed_from.map_or(at, |known| known.min(at)));
    }

    /// Prepares for a file. If the conversation was decided by another one, what it found is forgotten, and what was said so far is a
    /// gap for the new rules. A rule that has hit does not hit again.
    fn use_file(&mut self, file: &RuleFile) {
        if self.version == file.version() {
            return;
        }
        if !self.version.is_empty()
            && let Some(start) = self.facts.start
        {
            let heard_until = self.last_end.max(self.decided_until).unwrap_or(start);
            self.facts.occurrences.clear();
            self.facts.forgotten.clear();
            self.facts.spoken.clear();
            self.facts.spoken_forgotten = None;
            self.facts.add_gap(start, heard_until);
        }
        self.version = file.version().to_owned();
        self.progress.retain(|(id, _)| file.rule(id).is_some());
    }

    fn decide(&mut self, file: &RuleFile, until: i64, is_over: bool) -> Evaluation {
        let Some(start) = self.facts.start else {
            // Nobody has said anything, and when the conversation began is not known.
            return Evaluation::default();
        };
        let until = if is_over { until.max(start) } else { until };
        let mut progress: Vec<RuleProgress> = file
            .rules()
            .iter()
            .map(|rule| self.progress_of(&rule.id))
            .collect();
        let time = DecidedTime {
            start,
            after: self.decided_until.unwrap_or(start - 1),
            changed_from: self.changed_from.take(),
            until,
            is_over,
        };
        let (hits, answers) = decide(file, &self.facts, &mut progress, time);
        self.decided_until = Some(until.max(start - 1));
        self.progress = file
            .rules()
            .iter()
            .zip(&progress)
            .filter(|(_, progress)| **progress != RuleProgress::default())
            .map(|(rule, progress)| (rule.id.clone(), *progress))
            .collect();
        if !self.is_unbounded {
            self.forget(file, &progress);
        }
        let answers = file
            .rules()
            .iter()
            .zip(answers)
            .map(|(rule, answer)| RuleAnswer {
                rule: rule.id.clone(),
                version: rule.version.clone(),
                answer,
            })
            .collect();
        Evaluation { hits, answers }
    }

    fn progress_of(&self, id: &str) -> RuleProgress {
        self.progress
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, progress)| *progress)
            .unwrap_or_default()
    }

    /// Forgets what no rule needs any more, and what is too much.
    fn forget(&mut self, file: &RuleFile, progress: &[RuleProgress]) {
        let mut is_needed = vec![false; file.atoms.len()];
        for (rule, progress) in file.rules().iter().zip(progress) {
            if !is_finished(rule, progress) {
                let mut mark = |atom: usize, _| is_needed[atom] = true;
                rule.when.for_each_atom(&mut mark);
                if let Some(unless) = &rule.unless {
                    unless.for_each_atom(&mut mark);
                }
                if let Some(once) = rule
                    .repetition
                    .as_ref()
                    .and_then(|again| again.once.as_ref())
                {
                    once.for_each_atom(&mut mark);
                }
            }
        }
        self.facts
            .occurrences
            .retain(|occurrence| is_needed[occurrence.atom]);
        let mut counts = vec![0; file.atoms.len()];
        for occurrence in &self.facts.occurrences {
            counts[occurrence.atom] += 1;
        }
        loop {
            let most = counts
                .iter()
                .copied()
                .enumerate()
                .max_by_key(|(_, count)| *count);
            let Some((atom, count)) = most else { break };
            if count <= MAX_MOMENTS_OF_ATOM && self.facts.occurrences.len() <= MAX_MOMENTS {
                break;
            }
            // The first moment of an atom decides most rules, so the second one goes.
            let second = self
                .facts
                .occurrences
                .iter()
                .enumerate()
                .filter(|(_, occurrence)| occurrence.atom == atom)
                .map(|(at, _)| at)
                .nth(usize::from(count > 1));
            let Some(second) = second else { break };
            let forgotten = self.facts.occurrences.remove(second);
            counts[atom] -= 1;
            match self.facts.forgotten.iter_mut().find(|(of, _)| *of == atom) {
                Some((_, until)) => *until = (*until).max(forgotten.at),
                None => self.facts.forgotten.push((atom, forgotten.at)),
            }
        }
        let needs_spoken = file
            .atoms
            .iter()
            .zip(&is_needed)
            .any(|(atom, is_needed)| *is_needed && atom.kind.needs_utterances());
        if !needs_spoken {
            self.facts.spoken.clear();
            return;
        }
        let too_many = self.facts.spoken.len().saturating_sub(MAX_SPOKEN);
        if let Some(last) = self.facts.spoken.drain(..too_many).next_back() {
            self.facts.spoken_forgotten = Some(last.end);
        }
    }
}

impl RuleFile {
    /// Evaluates a conversation that is over.
    #[must_use]
    pub fn evaluate(&self, dialogue: &Dialogue) -> Evaluation {
        let mut rules = LiveRules {
            is_unbounded: true,
            ..LiveRules::default()
        };
        rules.set_facts(dialogue.facts.clone());
        for utterance in &dialogue.utterances {
            rules.add(self, utterance);
        }
        for (from, to) in &dialogue.gaps {
            rules.add_gap(*from, *to);
        }
        rules.facts.holds.clone_from(&dialogue.holds);
        rules.facts.holds.sort_unstable();
        rules.facts.conversation.knows_holds |= !dialogue.holds.is_empty();
        // Everything is known, so all moments are decided at once.
        rules.decided_until = None;
        rules.finish(self, dialogue.facts.end)
    }
}
