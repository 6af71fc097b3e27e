//! One automaton for all phrases of a set.
//!
//! The automaton is not deterministic and is run over all of its states at once (Thompson 1968), so there is no
//! backtracking: a text of `n` words costs at most `n` times the longest phrase times the states that are open at a time.

use std::collections::HashMap;
use std::ops::Range;

use rustc_hash::FxBuildHasher;

use super::syntax::{InvalidPhrase, Node, parse};
use super::vocabulary::{PatternId, Vocabulary};
use super::words::{Word, Words};

type StateId = u32;

/// A state, or a step from one state to others that reads no word.
#[derive(Debug, Clone)]
enum State {
    /// Reads a word that matches a pattern.
    Word(PatternId, StateId),
    /// Reads a word that matches one of these patterns, which are in order.
    OneOf(Box<[PatternId]>, StateId),
    /// Reads any word of the same clause.
    Any(StateId),
    /// Goes on with each of these.
    Split(Vec<StateId>),
    /// Goes on where a clause begins.
    ClauseStart(StateId),
    /// Goes on where a clause ends.
    ClauseEnd(StateId),
    /// Goes on, and the next word may be the first one of a clause.
    Loosen(StateId),
    /// The phrase with this number is complete.
    Complete(usize),
}

/// Where a phrase begins: after its first word was read.
#[derive(Debug, Clone, Copy)]
struct Beginning {
    next: StateId,
    at_clause_start: bool,
}

/// A phrase that occurs in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The number of the phrase in its set.
    pub phrase: usize,
    /// The words of the text that the phrase covers.
    pub words: Range<usize>,
}

/// A set of phrases that is looked for in a text at once.
///
/// ```
/// use insights_core::phrases::{PhraseSet, Words};
///
/// let set = PhraseSet::parse(&["cancel * (account|contract)", "=urgent"], &[]).unwrap();
/// let text = Words::new("I'm cancelling my curent contract");
/// assert_eq!(set.occurrences(&text)[0].words, 2..6, "\"I'm\" is two words");
/// assert!(set.occurrences(&Words::new("I cancel. Which contract?")).is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct PhraseSet {
    vocabulary: Vocabulary,
    states: Vec<State>,
    beginnings: HashMap<PatternId, Vec<Beginning>, FxBuildHasher>,
    phrases: usize,
    /// The number of words of the longest phrase.
    longest: usize,
}

impl PhraseSet {
    /// Parses phrases into a set. `real_words` are never taken for misspelled words of a phrase.
    ///
    /// # Errors
    /// [`InvalidPhrase`] with the number of the phrase that is wrong, from 0.
    pub fn parse<P: AsRef<str>>(
        phrases: &[P],
        real_words: &[String],
    ) -> Result<Self, (usize, InvalidPhrase)> {
        let mut set = Self::with_real_words(real_words);
        for (number, phrase) in phrases.iter().enumerate() {
            let node = parse(phrase.as_ref()).map_err(|error| (number, error))?;
            set.add(&node).map_err(|error| (number, error))?;
        }
        Ok(set)
    }

    /// Creates an empty set.
    pub(super) fn with_real_words(real_words: &[String]) -> Self {
        Self {
            vocabulary: Vocabulary::new(real_words),
            ..Self::default()
        }
    }

    /// Adds a phrase to the automaton.
    pub(super) fn add(&mut self, phrase: &Node) -> Result<(), InvalidPhrase> {
        let complete = self.push(State::Complete(self.phrases));
        let first = self.compile(phrase, complete);
        self.collect_beginnings(first, false)?;
        self.phrases += 1;
        self.longest = self.longest.max(phrase.max_words());
        Ok(())
    }

    /// Returns the number of phrases in the set.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.phrases
    }

    /// Returns whether the set has no phrases.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.phrases == 0
    }

    fn push(&mut self, state: State) -> StateId {
        self.states.push(state);
        StateId::try_from(self.states.len() - 1).unwrap_or(StateId::MAX)
    }

    /// Adds the states of a node that goes on with `next`, and returns the first of them.
    fn compile(&mut self, node: &Node, next: StateId) -> StateId {
        match node {
            Node::Word(pattern) => {
                let pattern = self.vocabulary.add(pattern);
                self.push(State::Word(pattern, next))
            }
            Node::Gap(words) => (0..*words).fold(next, |more, _| {
                let any = self.push(State::Any(more));
                self.push(State::Split(vec![any, next]))
            }),
            Node::Comma => self.push(State::Loosen(next)),
            Node::ClauseStart => self.push(State::ClauseStart(next)),
            Node::ClauseEnd => self.push(State::ClauseEnd(next)),
            Node::Sequence(nodes) => nodes
                .iter()
                .rev()
                .fold(next, |next, node| self.compile(node, next)),
            Node::Either(nodes) => {
                // A long list of words is one state: each word of a text is compared with the list once.
                let mut patterns = Vec::new();
                let mut first = Vec::new();
                for node in nodes {
                    match node {
                        Node::Word(pattern) => patterns.push(self.vocabulary.add(pattern)),
                        node => first.push(self.compile(node, next)),
                    }
                }
                patterns.sort_unstable();
                patterns.dedup();
                if !patterns.is_empty() {
                    first.push(self.push(State::OneOf(patterns.into_boxed_slice(), next)));
                }
                self.push(State::Split(first))
            }
            Node::Optional(node) => {
                let inside = self.compile(node, next);
                self.push(State::Split(vec![inside, next]))
            }
        }
    }

    /// Lists a phrase under each of its possible first words.
    fn collect_beginnings(
        &mut self,
        state: StateId,
        at_clause_start: bool,
    ) -> Result<(), InvalidPhrase> {
        match self.states[state as usize].clone() {
            State::Word(pattern, next) => {
                self.beginnings.entry(pattern).or_default().push(Beginning {
                    next,
                    at_clause_start,
                });
                Ok(())
            }
            State::OneOf(patterns, next) => {
                for pattern in patterns {
                    self.beginnings.entry(pattern).or_default().push(Beginning {
                        next,
                        at_clause_start,
                    });
                }
                Ok(())
            }
            State::Split(states) => states
                .into_iter()
                .try_for_each(|state| self.collect_beginnings(state, at_clause_start)),
            State::ClauseStart(next) => self.collect_beginnings(next, true),
            State::Any(_) | State::ClauseEnd(_) | State::Loosen(_) | State::Complete(_) => {
                Err(InvalidPhrase::NoFirstWord)
            }
        }
    }

    /// Finds every place of every phrase in the order of their first words.
    #[must_use]
    pub fn occurrences(&self, words: &Words) -> Vec<Occurrence> {
        self.occurrences_in(words, 0..words.len())
    }

    /// Finds every place of every phrase that shares a word with these words, and perhaps others nearby.
    #[must_use]
    pub fn occurrences_near(&self, words: &Words, near: Range<usize>) -> Vec<Occurrence> {
        let first = near.start.saturating_sub(self.longest);
        self.occurrences_in(words, first..near.end.min(words.len()))
    }

    /// Finds every place of every phrase that begins with one of these words.
    fn occurrences_in(&self, words: &Words, starts: Range<usize>) -> Vec<Occurrence> {
        let words = words.as_slice();
        if self.is_empty() || starts.is_empty() {
            return Vec::new();
        }
        let mut patterns = Vec::new();
        let last = (starts.end + self.longest).min(words.len());
        let mut ends = Vec::with_capacity(last - starts.start);
        for word in &words[starts.start..last] {
            self.vocabulary.look_up(word, &mut patterns);
            ends.push(patterns.len());
        }
        let patterns_at = |at: usize| {
            let at = at - starts.start;
            let start = if at == 0 { 0 } else { ends[at - 1] };
            &patterns[start..ends[at]]
        };
        let mut run = Run {
            states: &self.states,
            words,
            open: Vec::new(),
            opened: vec![0; self.states.len()],
            round: 0,
            found: Vec::new(),
        };
        for start in starts.clone() {
            run.begin();
            for pattern in patterns_at(start) {
                for beginning in self.beginnings.get(pattern).into_iter().flatten() {
                    if words[start].starts_clause || !beginning.at_clause_start {
                        run.open(beginning.next, start..start + 1, false);
                    }
                }
            }
            let mut at = start + 1;
            while at < last && !run.open.is_empty() && !words[at].starts_sentence {
                run.step(start..at, patterns_at(at));
                at += 1;
            }
        }
        run.found
    }
}

/// The open states of one run over a text.
struct Run<'a> {
    states: &'a [State],
    words: &'a [Word],
    /// The states that wait for the next word, and whether that word may be the first one of a clause.
    open: Vec<(StateId, bool)>,
    /// The last round in which each state was opened, strictly (even) or loosely (odd).
    opened: Vec<u32>,
    round: u32,
    found: Vec<Occurrence>,
}

impl Run<'_> {
    fn begin(&mut self) {
        self.open.clear();
        self.round += 2;
    }

    /// Opens a state after the words of `read`.
    fn open(&mut self, state: StateId, read: Range<usize>, is_loose: bool) {
        let opened = &mut self.opened[state as usize];
        let round = self.round + u32::from(is_loose);
        if *opened >= round {
            return;
        }
        *opened = round;
        let is_boundary = self
            .words
            .get(read.end)
            .is_none_or(|word| word.starts_clause);
        let states = self.states;
        match &states[state as usize] {
            State::Word(..) | State::OneOf(..) | State::Any(_) => self.open.push((state, is_loose)),
            State::Split(next) => {
                for next in next {
                    self.open(*next, read.clone(), is_loose);
                }
            }
            State::Loosen(next) => self.open(*next, read, true),
            State::ClauseStart(next) | State::ClauseEnd(next) => {
                if is_boundary {
                    self.open(*next, read, is_loose);
                }
            }
            State::Complete(phrase) => self.found.push(Occurrence {
                phrase: *phrase,
                words: read,
            }),
        }
    }

    /// Reads the word after the words of `read`, which matches `patterns`.
    fn step(&mut self, read: Range<usize>, patterns: &[PatternId]) {
        let waiting = std::mem::take(&mut self.open);
        self.round += 2;
        let starts_clause = self.words[read.end].starts_clause;
        let read = read.start..read.end + 1;
        for (state, is_loose) in &waiting {
            if starts_clause && !is_loose {
                continue;
            }
            match &self.states[*state as usize] {
                State::Word(pattern, next) if patterns.contains(pattern) => {
                    self.open(*next, read.clone(), false);
                }
                State::OneOf(one_of, next)
                    if patterns.iter().any(|it| one_of.binary_search(it).is_ok()) =>
                {
                    self.open(*next, read.clone(), false);
                }
                State::Any(next) => self.open(*next, read.clone(), false),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
