//! Tries the rules of a file with their examples.
//!
//! An example is a text, or a small conversation: lines that begin with `agent:` or `customer:`, and lines like `(25s)` for a pause.
//! A text without a speaker is said by the speaker whom the rule is about. Words take as long as people usually need for them, and
//! scores are those of the lexicon.

use super::asked_source::AskedSource;
use super::condition::Side;
use super::located::RuleFault;
use super::read_condition::duration;
use super::rule_file::{RuleDefinition, RuleFile};
use super::truth::Truth;
use super::utterance::{Dialogue, Utterance};
use crate::lexicon;
use crate::live::Speaker;

/// Time that a word takes at the usual rate of English conversation, 150 words per minute.
const WORD_MS: i64 = 400;

/// The result of one example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleResult {
    /// The text of the example.
    pub text: String,
    /// Whether the rule should match the example.
    pub should_match: bool,
    /// The answer of the rule.
    pub answer: Truth,
}

impl ExampleResult {
    /// Returns whether the rule answers as the example says.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        (self.answer == Truth::True) == self.should_match
    }
}

impl RuleFile {
    /// Tries a rule of this file with its examples.
    #[must_use]
    pub fn try_examples(&self, rule: &RuleDefinition) -> Vec<ExampleResult> {
        let lists = [
            (&rule.examples.matching, true),
            (&rule.examples.differ, false),
        ];
        lists
            .into_iter()
            .flat_map(|(texts, should_match)| {
                texts.iter().map(move |(text, _)| (text, should_match))
            })
            .map(|(text, should_match)| ExampleResult {
                text: text.clone(),
                should_match,
                answer: self
                    .evaluate(&example_dialogue(text, self.example_speaker(rule)))
                    .answer(&rule.id)
                    .unwrap_or(Truth::Unknown),
            })
            .collect()
    }

    /// Returns who says the examples of a rule: the side of the first condition that names one.
    fn example_speaker(&self, rule: &RuleDefinition) -> Speaker {
        let mut side = Side::Anyone;
        rule.when.for_each_atom(&mut |atom, _| {
            if side == Side::Anyone {
                side = self.atoms[atom].by;
            }
        });
        match side {
            Side::Agent => Speaker::Agent,
            Side::Customer | Side::Anyone => Speaker::Customer,
        }
    }

    /// Returns whether a rule asks something that an example does not have: a model, a skill, an attribute, holds.
    fn asks_beyond_words(&self, rule: &RuleDefinition) -> bool {
        let sources = self.sources_of(rule);
        sources
            .iter()
            .any(|source| *source != AskedSource::Emotions)
    }
}

/// Returns a fault for each example that its rule does not answer as it should.
pub(super) fn check_examples(file: &RuleFile) -> Vec<RuleFault> {
    let mut faults = Vec::new();
    for rule in file.rules() {
        let places = rule.examples.matching.iter().chain(&rule.examples.differ);
        for (result, (_, fault)) in file.try_examples(rule).iter().zip(places) {
            // Without the model nobody knows what the rule says.
            let is_unknowable = result.answer == Truth::Unknown && file.asks_beyond_words(rule);
            if !result.is_as_expected() && !is_unknowable {
                let mut fault = fault.clone();
                fault.found = format!(
                    "{}, for which the rule is {}",
                    fault.found,
                    result.answer.name()
                );
                faults.push(fault);
            }
        }
    }
    faults
}

/// Reads an example as a conversation that begins at the epoch.
#[must_use]
pub fn example_dialogue(text: &str, speaker: Speaker) -> Dialogue {
    let mut dialogue = Dialogue::default();
    let mut now = 0;
    dialogue.facts.start = Some(0);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let pause = line
            .strip_prefix('(')
            .and_then(|line| line.strip_suffix(')'))
            .and_then(duration);
        if let Some(pause) = pause {
            now += pause;
            continue;
        }
        let (speaker, said) = match line.split_once(':') {
            Some((name, said)) if name.trim().eq_ignore_ascii_case("agent") => {
                (Speaker::Agent, said)
            }
            Some((name, said)) if name.trim().eq_ignore_ascii_case("customer") => {
                (Speaker::Customer, said)
            }
            _ => (speaker, line),
        };
        let said = said.trim();
        let words = i64::try_from(said.split_whitespace().count()).unwrap_or(0);
        let end = now + words.max(1) * WORD_MS;
        let utterance = Utterance::new(speaker, now, end, said);
        dialogue
            .utterances
            .push(utterance.with_score(lexicon::score(said).score));
        now = end;
    }
    dialogue.facts.end = Some(now);
    dialogue
}
