//! Looks for rules in a text: what is said, where it must be said, and what takes it back.

use std::ops::Range;
use std::sync::Arc;

use super::automaton::{Occurrence, PhraseSet};
use super::rules::{Exception, Rule, RuleFile};
use super::words::Words;

/// A rule that holds for a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleHit {
    /// The number of the rule in its set.
    pub rule: usize,
    /// The words that the rule's phrase covers.
    pub words: Range<usize>,
}

/// Rules that are looked for in a text at once.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// The phrases of all rules.
    said: PhraseSet,
    /// The rule of each phrase.
    rule_of_phrase: Vec<usize>,
    /// What decides about the places of each rule.
    conditions: Vec<Conditions>,
}

/// What decides whether a place where a rule's phrase is said counts.
#[derive(Debug, Clone)]
struct Conditions {
    only: PhraseSet,
    exceptions: Arc<[Exception]>,
}

impl RuleSet {
    /// Builds a set of the rules of one file; rules without words match nothing.
    #[must_use]
    pub fn new(file: &RuleFile, rules: Vec<Rule>) -> Self {
        let mut set = Self {
            said: PhraseSet::with_real_words(file.real_words()),
            ..Self::default()
        };
        for (number, rule) in rules.into_iter().enumerate() {
            for phrase in &rule.said {
                if set.said.add(phrase).is_ok() {
                    set.rule_of_phrase.push(number);
                }
            }
            set.conditions.push(Conditions {
                only: rule.only,
                exceptions: rule.exceptions,
            });
        }
        set
    }

    /// Returns the numbers of the rules of which an exception takes back what was said, in order; some of them may hold
    /// nevertheless, for another place of the text.
    #[must_use]
    pub fn rules_taken_back(&self, words: &Words) -> Vec<usize> {
        let said = self.places_by_rule(words);
        said.chunk_by(|one, other| one.0 == other.0)
            .filter(|places| {
                let said: Vec<&Occurrence> = places.iter().map(|(_, place)| place).collect();
                let exceptions = &self.conditions[places[0].0].exceptions;
                exceptions.iter().any(|exception| {
                    let taken_back = TakenBack::new(exception, words, span(&said));
                    said.iter().any(|place| taken_back.covers(place))
                })
            })
            .map(|places| places[0].0)
            .collect()
    }

    /// Returns the first rule of the set that holds for a text, with the first place where it does.
    #[must_use]
    pub fn find_first(&self, words: &Words) -> Option<RuleHit> {
        let said = self.places_by_rule(words);
        said.chunk_by(|one, other| one.0 == other.0)
            .find_map(|places| {
                let rule = places[0].0;
                let place = self.conditions[rule].first_place(words, places)?;
                Some(RuleHit {
                    rule,
                    words: place.words.clone(),
                })
            })
    }

    /// Returns every place where a phrase of a rule is said, with the rule, in the order of the rules and then of the places.
    fn places_by_rule(&self, words: &Words) -> Vec<(usize, Occurrence)> {
        let mut said: Vec<(usize, Occurrence)> = self
            .said
            .occurrences(words)
            .into_iter()
            .map(|occurrence| (self.rule_of_phrase[occurrence.phrase], occurrence))
            .collect();
        // The sort keeps the order of the places of each rule.
        said.sort_by_key(|(rule, _)| *rule);
        said
    }
}

impl Conditions {
    /// Returns the first of a rule's places that stands where the rule demands and that no exception takes back. This is looked
    /// for in the rules that are said only, because nearly all texts say nothing of a rule.
    fn first_place<'a>(
        &self,
        words: &Words,
        places: &'a [(usize, Occurrence)],
    ) -> Option<&'a Occurrence> {
        let mut left: Vec<&Occurrence> = places.iter().map(|(_, place)| place).collect();
        if !self.only.is_empty() {
            let only = self.only.occurrences_near(words, span(&left));
            left.retain(|place| shares_words(&only, place));
        }
        for exception in self.exceptions.iter() {
            if left.is_empty() {
                return None;
            }
            let taken_back = TakenBack::new(exception, words, span(&left));
            left.retain(|place| !taken_back.covers(place));
        }
        left.first().copied()
    }
}

/// Returns the words from the first of some places to the end of the last one.
fn span(places: &[&Occurrence]) -> Range<usize> {
    let start = places.iter().map(|place| place.words.start).min();
    let end = places.iter().map(|place| place.words.end).max();
    start.unwrap_or(0)..end.unwrap_or(0)
}

/// Returns whether one of the places has a word in common with another place.
fn shares_words(places: &[Occurrence], other: &Occurrence) -> bool {
    places
        .iter()
        .any(|place| place.words.start < other.words.end && other.words.start < place.words.end)
}

/// The places of a text where an exception holds.
struct TakenBack {
    unless: Vec<Occurrence>,
    still: Vec<Occurrence>,
}

impl TakenBack {
    fn new(exception: &Exception, words: &Words, near: Range<usize>) -> Self {
        let unless = exception.unless.occurrences_near(words, near.clone());
        let still = if unless.is_empty() {
            Vec::new()
        } else {
            exception.still.occurrences_near(words, near)
        };
        Self { unless, still }
    }

    /// Returns whether the exception takes a place back.
    fn covers(&self, said: &Occurrence) -> bool {
        shares_words(&self.unless, said) && !shares_words(&self.still, said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> RuleSet {
        let file = RuleFile::from_toml(
            r#"
            [[rule]]
            id = "somebody in charge"
            severity = "complaint"
            said = ["manager"]
            only = ["(=want|=need) *3 {said}", "=no {said}"]
            unless = ["=store {said}"]
            still = ["{said} =now"]
            "#,
        )
        .unwrap();
        let rule = file.compile(&file.rules()[0]).unwrap();
        RuleSet::new(&file, vec![rule])
    }

    #[test]
    fn what_is_said_counts_only_where_the_rule_demands() {
        let rules = rules();
        for (text, holds, is_taken_back) in [
            ("I want to see the manager", true, false),
            ("no manager called", true, false),
            ("the manager has the key", false, false),
            ("the store manager has the key", false, true),
            ("I want the store manager", false, true),
            ("I want the store manager now", true, false),
            ("the store manager now", false, false),
            ("the manager is out. I want the manager", true, false),
            ("the store manager is out. I want the manager", true, true),
            ("I want a refund", false, false),
        ] {
            let words = Words::new(text);
            assert_eq!(rules.find_first(&words).is_some(), holds, "{text}");
            let taken_back = rules.rules_taken_back(&words);
            assert_eq!(taken_back == [0], is_taken_back, "{text}");
        }
    }
}
