//! Finds what the atoms of a file look for in one utterance: all phrases of all rules in one automaton.

use std::collections::HashMap;
use std::ops::Range;

use super::condition::{Atom, AtomId, AtomKind};
use super::signals::SignalDetector;
use super::utterance::Utterance;
use crate::live::{SegmentId, Speaker};
use crate::phrases::{PhraseSet, Words};
use crate::signals::Signal;

/// A moment at which an atom happened, with its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Occurrence {
    /// The time at which the last word was said, in milliseconds since the epoch.
    pub(super) at: i64,
    pub(super) segment: SegmentId,
    /// Character offsets in the text of the segment.
    pub(super) from: u16,
    pub(super) to: u16,
    pub(super) atom: AtomId,
    pub(super) speaker: Speaker,
}

/// An atom that a phrase belongs to.
#[derive(Debug, Clone, Copy)]
struct PhraseUse {
    atom: AtomId,
    /// Whether the phrase takes back what it shares a word with.
    is_exception: bool,
}

/// A text of which others are like, with its vector.
#[derive(Debug, Clone)]
struct Prototype {
    atom: AtomId,
    text: String,
    above: f64,
    vector: Option<Vec<f32>>,
}

/// The automaton of a file.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    phrases: PhraseSet,
    uses: Vec<Vec<PhraseUse>>,
    prototypes: Vec<Prototype>,
    signals: Vec<(AtomId, Vec<Signal>)>,
    emotions: Vec<(AtomId, Vec<String>)>,
    sides: Vec<super::condition::Side>,
}

impl Scanner {
    /// Builds the automaton of atoms whose phrases were checked.
    pub(super) fn new(atoms: &[Atom], real_words: &[String]) -> Self {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut texts: Vec<&str> = Vec::new();
        let mut uses: Vec<Vec<PhraseUse>> = Vec::new();
        let (mut prototypes, mut signals, mut emotions) = (Vec::new(), Vec::new(), Vec::new());
        for (atom, Atom { kind, .. }) in atoms.iter().enumerate() {
            match kind {
                AtomKind::Said { phrases, unless } => {
                    for (list, is_exception) in [(phrases, false), (unless, true)] {
                        for phrase in list {
                            let number = *numbers.entry(phrase).or_insert_with(|| {
                                texts.push(phrase);
                                uses.push(Vec::new());
                                texts.len() - 1
                            });
                            uses[number].push(PhraseUse { atom, is_exception });
                        }
                    }
                }
                AtomKind::SaidLike { prototype, above } => prototypes.push(Prototype {
                    atom,
                    text: prototype.clone(),
                    above: *above,
                    vector: None,
                }),
                AtomKind::Signal(wanted) => signals.push((atom, wanted.clone())),
                AtomKind::Emotion(wanted) => emotions.push((atom, wanted.clone())),
                _ => {}
            }
        }
        Self {
            // Each phrase was parsed alone when the file was read.
            phrases: PhraseSet::parse(&texts, real_words).unwrap_or_default(),
            uses,
            prototypes,
            signals,
            emotions,
            sides: atoms.iter().map(|atom| atom.by).collect(),
        }
    }

    pub(super) fn prototypes(&self) -> Vec<&str> {
        self.prototypes
            .iter()
            .map(|prototype| prototype.text.as_str())
            .collect()
    }

    pub(super) fn set_vectors(&mut self, vectors: Vec<Vec<f32>>) {
        for (prototype, vector) in self.prototypes.iter_mut().zip(vectors) {
            prototype.vector = Some(vector);
        }
    }

    /// Returns whether an atom that compares with a prototype cannot be answered, because there is no model.
    pub(super) fn lacks_model(&self, atom: AtomId) -> bool {
        self.prototypes
            .iter()
            .any(|prototype| prototype.atom == atom && prototype.vector.is_none())
    }

    /// Returns whether an atom compares utterances with a prototype.
    pub(super) fn compares(&self, atom: AtomId) -> bool {
        self.prototypes
            .iter()
            .any(|prototype| prototype.atom == atom)
    }

    /// Finds every moment of every atom in an utterance, in order.
    pub(super) fn find(&self, utterance: &Utterance) -> Vec<Occurrence> {
        let mut found = Vec::new();
        if utterance.text.trim().is_empty() {
            return found;
        }
        self.find_phrases(utterance, &mut found);
        let whole = || 0..utterance.text.chars().count();
        let heard = |atom: AtomId| self.sides[atom].includes(utterance.speaker);
        if let Some(embedding) = &utterance.embedding {
            for prototype in self
                .prototypes
                .iter()
                .filter(|prototype| heard(prototype.atom))
            {
                let is_like = prototype
                    .vector
                    .as_ref()
                    .is_some_and(|vector| cosine(vector, embedding) >= prototype.above);
                if is_like {
                    found.push(occurrence(utterance, prototype.atom, whole()));
                }
            }
        }
        for (atom, wanted) in self.emotions.iter().filter(|(atom, _)| heard(*atom)) {
            let is_felt = |emotion: &String| {
                wanted
                    .iter()
                    .any(|wanted| emotion.eq_ignore_ascii_case(wanted))
            };
            if utterance.emotions.iter().any(is_felt) {
                found.push(occurrence(utterance, *atom, whole()));
            }
        }
        if self.signals.iter().any(|(atom, _)| heard(*atom)) {
            let signaled = SignalDetector::shared().find(&utterance.text);
            for (atom, wanted) in self.signals.iter().filter(|(atom, _)| heard(*atom)) {
                let is_given = |signal: &Signal| {
                    signaled.contains(signal) || utterance.signals.contains(*signal)
                };
                if wanted.iter().any(is_given) {
                    found.push(occurrence(utterance, *atom, whole()));
                }
            }
        }
        found.sort_unstable();
        found
    }

    fn find_phrases(&self, utterance: &Utterance, found: &mut Vec<Occurrence>) {
        if self.phrases.is_empty() {
            return;
        }
        let words = Words::new(&utterance.text);
        let mut said: Vec<(AtomId, Range<usize>)> = Vec::new();
        let mut taken_back: Vec<(AtomId, Range<usize>)> = Vec::new();
        for place in self.phrases.occurrences(&words) {
            for PhraseUse { atom, is_exception } in &self.uses[place.phrase] {
                if self.sides[*atom].includes(utterance.speaker) {
                    let list = if *is_exception {
                        &mut taken_back
                    } else {
                        &mut said
                    };
                    list.push((*atom, place.words.clone()));
                }
            }
        }
        said.retain(|(atom, words)| {
            !taken_back
                .iter()
                .any(|(of, other)| of == atom && other.start < words.end && words.start < other.end)
        });
        said.sort_unstable_by_key(|(atom, words)| (*atom, words.start, words.end));
        // Several phrases over the same words are said once.
        let mut last: Option<(AtomId, usize)> = None;
        for (atom, place) in said {
            if last.is_some_and(|(of, end)| of == atom && place.start < end) {
                continue;
            }
            last = Some((atom, place.end));
            let characters = utterance.characters(words.place(place));
            found.push(occurrence(utterance, atom, characters));
        }
    }
}

fn occurrence(utterance: &Utterance, atom: AtomId, characters: Range<usize>) -> Occurrence {
    let offset = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
    Occurrence {
        at: utterance.time_at(characters.end),
        segment: utterance.id,
        from: offset(characters.start),
        to: offset(characters.end),
        atom,
        speaker: utterance.speaker,
    }
}

/// Returns the cosine of two vectors; vectors of different lengths, and zero vectors, are not alike.
pub(crate) fn cosine(one: &[f32], other: &[f32]) -> f64 {
    if one.len() != other.len() {
        return 0.0;
    }
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    let length = (dot(one, one) * dot(other, other)).sqrt();
    if length > 0.0 {
        dot(one, other) / length
    } else {
        0.0
    }
}
