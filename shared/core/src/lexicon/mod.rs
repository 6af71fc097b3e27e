//! Sentiment by a small lexicon of contact-center language: a score in microseconds that can be explained word by word.
//!
//! Each known word or phrase has a weight from -3 to 3. A negator before the word in the same clause turns the weight over,
//! an intensifier strengthens it, and words after "but" count more than words before it. The sum `s` of the weights is
//! brought to the score scale by `0.5 + 0.5 * s / sqrt(s^2 + 6)`: the normalization of VADER (Hutto & Gilbert 2014), with a
//! constant that suits these weights.
//!
//! ```
//! let result = insights_core::lexicon::score("great agent, slow app");
//! assert_eq!((result.positive, result.negative, result.matched), (2.0, 1.0, 2));
//! assert!(result.score.get() > 0.5);
//! ```

mod entries;

use serde::Serialize;

use crate::negation::{RuleSet, is_negator};
use crate::scale::Score;
use crate::words::{Token, tokenize};

/// Constant of the normalization. One word of weight 2 scores 0.82 (or 0.18), two of them score 0.93 (or 0.07).
const NORMALIZATION: f64 = 6.0;
/// Factor of a negated weight: the sign turns over and the strength shrinks, because "not good" is less than "bad".
const NEGATION_FACTOR: f64 = -0.75;
/// Factors of an intensifier's effect one, two and three words before the word it strengthens.
const INTENSIFIER_FADING: [f64; 3] = [1.0, 0.6, 0.3];
/// Largest distance of a negator or an intensifier before a weighted word, in words.
const MAX_MODIFIER_DISTANCE: usize = INTENSIFIER_FADING.len();
/// Factor of the weights before "but": the speaker takes half of them back.
const BEFORE_BUT_FACTOR: f64 = 0.5;
/// Factor of the weights after "but": the speaker means them.
const AFTER_BUT_FACTOR: f64 = 1.5;

/// The lexicon's score of a text, with the sums that explain it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LexiconScore {
    /// The score; 0.5 if the lexicon knows no word of the text.
    pub score: Score,
    /// The sum of the positive weights.
    pub positive: f64,
    /// The sum of the negative weights, as a positive number.
    pub negative: f64,
    /// The number of known words and phrases in the text.
    pub matched: usize,
}

/// Scores a text of any length, in time linear in the length.
#[must_use]
pub fn score(text: &str) -> LexiconScore {
    let tokens = tokenize(text);
    let (mut positive, mut negative) = (0.0, 0.0);
    let (mut at, mut emphasis, mut matched) = (0, 1.0, 0);
    while at < tokens.len() {
        if tokens[at].word() == Some("but") {
            // Each "but" takes back half of all that was said before it, so the sums are halved rather than each weight.
            positive *= BEFORE_BUT_FACTOR;
            negative *= BEFORE_BUT_FACTOR;
            emphasis = AFTER_BUT_FACTOR;
        }
        let (weight, length) = entries::match_longest(&tokens[at..]);
        if let Some(weight) = weight {
            let before = &tokens[at.saturating_sub(MAX_MODIFIER_DISTANCE)..at];
            let weight: f64 = weight * emphasis * context_factor(before, weight);
            if weight > 0.0 {
                positive += weight;
            } else {
                negative -= weight;
            }
            matched += 1;
        }
        at += length;
    }
    let total: f64 = positive - negative;
    let normalized = 0.5 + 0.5 * total / (total * total + NORMALIZATION).sqrt();
    LexiconScore {
        score: Score::from_probabilities(0.0, normalized),
        positive,
        negative,
        matched,
    }
}

/// Returns the factor by which negators and intensifiers before a weighted word change its weight.
fn context_factor(before: &[Token], weight: f64) -> f64 {
    let mut factor = 1.0;
    for (distance, token) in before.iter().rev().enumerate() {
        let Some(word) = token.word() else { break };
        if is_negator(word, RuleSet::Lexicon) {
            // "no" before praise is an answer ("no thanks"); right before a complaint it denies it ("no problem").
            if word != "no" || (weight < 0.0 && distance == 0) {
                factor *= NEGATION_FACTOR;
            }
        } else {
            factor *= 1.0 + (entries::intensity(word) - 1.0) * INTENSIFIER_FADING[distance];
        }
    }
    factor
}

#[cfg(test)]
mod tests;
