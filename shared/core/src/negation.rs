//! Negators: the one list of the words that deny what follows them.
//!
//! Two rule sets look for negators, and each uses its own subset of the list:
//!
//! - [`RuleSet::Vader`] is the list of the reference program (vaderSentiment 3.3.2, `NEGATE`). Its words stand without
//!   an apostrophe, because VADER treats every word that contains "n't" as a negator anyway. Adding a word here changes
//!   VADER's scores, which the fixtures of the reference program check.
//! - [`RuleSet::Lexicon`] turns over the weight of a word of the contact center's lexicon ("not helpful").

use std::collections::HashMap;
use std::sync::LazyLock;

use rustc_hash::FxBuildHasher;

/// The rules that ask whether a word is a negator; each rule set has its own subset of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleSet {
    /// The rules of VADER ([`crate::vader`]).
    Vader,
    /// The rules of the contact center's lexicon ([`crate::lexicon`]).
    Lexicon,
}

/// Returns whether a rule set treats a lower-case word as a negator.
///
/// ```
/// use insights_core::negation::{RuleSet, is_negator};
///
/// assert!(is_negator("never", RuleSet::Vader));
/// assert!(is_negator("can't", RuleSet::Lexicon));
/// assert!(!is_negator("can't", RuleSet::Vader));
/// ```
#[must_use]
pub fn is_negator(word: &str, rule_set: RuleSet) -> bool {
    static INDEX: LazyLock<HashMap<&str, u8, FxBuildHasher>> =
        LazyLock::new(|| NEGATORS.iter().copied().collect());
    INDEX
        .get(word)
        .is_some_and(|rule_sets| rule_sets & rule_set.bit() != 0)
}

/// Returns all negators of a rule set in code point order.
pub fn negators(rule_set: RuleSet) -> impl Iterator<Item = &'static str> {
    NEGATORS
        .iter()
        .filter(move |(_, rule_sets)| rule_sets & rule_set.bit() != 0)
        .map(|(word, _)| *word)
}

impl RuleSet {
    const fn bit(self) -> u8 {
        match self {
            Self::Vader => VADER,
            Self::Lexicon => LEXICON,
        }
    }
}

const VADER: u8 = 1;
const LEXICON: u8 = 2;

/// Every negator in code point order, with the rule sets that use it.
const NEGATORS: &[(&str, u8)] = &[
    ("ain't", LEXICON),
    ("aint", VADER),
    ("aren't", LEXICON),
    ("arent", VADER | LEXICON),
    ("barely", LEXICON),
    ("can't", LEXICON),
    ("cannot", VADER | LEXICON),
    ("cant", VADER | LEXICON),
    ("couldn't", LEXICON),
    ("couldnt", VADER | LEXICON),
    ("darent", VADER),
    ("despite", VADER),
    ("didn't", LEXICON),
    ("didnt", VADER | LEXICON),
    ("doesn't", LEXICON),
    ("doesnt", VADER | LEXICON),
    ("don't", LEXICON),
    ("dont", VADER | LEXICON),
    ("hadn't", LEXICON),
    ("hadnt", VADER),
    ("hardly", LEXICON),
    ("hasn't", LEXICON),
    ("hasnt", VADER | LEXICON),
    ("haven't", LEXICON),
    ("havent", VADER | LEXICON),
    ("isn't", LEXICON),
    ("isnt", VADER | LEXICON),
    ("mightnt", VADER),
    ("mustnt", VADER),
    ("neednt", VADER),
    ("neither", VADER | LEXICON),
    ("never", VADER | LEXICON),
    ("no", LEXICON),
    ("nobody", LEXICON),
    ("none", VADER),
    ("nope", VADER),
    ("nor", VADER | LEXICON),
    ("not", VADER | LEXICON),
    ("nothing", VADER | LEXICON),
    ("nowhere", VADER),
    ("oughtnt", VADER),
    ("rarely", VADER),
    ("seldom", VADER),
    ("shant", VADER),
    ("shouldn't", LEXICON),
    ("shouldnt", VADER),
    ("uh-uh", VADER),
    ("uhuh", VADER),
    ("wasn't", LEXICON),
    ("wasnt", VADER | LEXICON),
    ("weren't", LEXICON),
    ("werent", VADER),
    ("without", VADER | LEXICON),
    ("won't", LEXICON),
    ("wont", VADER | LEXICON),
    ("wouldn't", LEXICON),
    ("wouldnt", VADER),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_negator_is_listed_twice_or_without_a_rule_set() {
        assert!(NEGATORS.is_sorted_by(|one, other| one.0 < other.0));
        assert!(NEGATORS.iter().all(|(_, rule_sets)| *rule_sets != 0));
    }

    #[test]
    fn the_subset_of_vader_is_the_list_of_the_reference_program() {
        let reference = "aint arent cannot cant couldnt darent didnt doesnt dont hadnt hasnt havent isnt mightnt \
            mustnt neednt neither oughtnt shant shouldnt wasnt werent wont wouldnt never none nope nor not nothing \
            nowhere uhuh uh-uh without rarely seldom despite";
        let mut reference: Vec<&str> = reference
            .split(' ')
            .filter(|word| !word.is_empty())
            .collect();
        reference.sort_unstable();
        assert_eq!(negators(RuleSet::Vader).collect::<Vec<_>>(), reference);
    }

    #[test]
    fn the_subset_of_the_lexicon_has_its_size() {
        assert_eq!(negators(RuleSet::Lexicon).count(), 38);
    }
}
