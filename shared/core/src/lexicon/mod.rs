//! Sentiment by a small lexicon of contact-centre language: a score in microseconds that can be explained word by word.
//!
//! Each known word or phrase has a weight from -3 to 3. A negator before it in the same clause turns it over, an
//! intensifier strengthens it, and what follows "but" counts more than what stands before it. The sum `s` is brought to the
//! scale by `0.5 + 0.5 * s / sqrt(s^2 + 6)`, the form VADER uses (Hutto & Gilbert 2014) with a constant for these weights.

mod entries;
pub(crate) mod words;

use serde::Serialize;

use crate::negation::{RuleSet, is_negator};
use crate::scale::Score;
use words::{Piece, pieces};

/// Brings one word of weight 2 to 0.82 or 0.18 and two of them to 0.93 or 0.07.
const ALPHA: f64 = 6.0;
/// A negated word keeps this much of its strength, on the other side: "not good" is less than "bad".
const NEGATED: f64 = -0.75;
/// How far before a word a negator or an intensifier is looked for.
const REACH: usize = 3;

/// What the lexicon makes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LexiconScore {
    /// The score, 0.5 if no word is known.
    pub score: Score,
    /// Sum of the positive weights.
    pub positive: f64,
    /// Sum of the negative weights, as a positive number.
    pub negative: f64,
    /// How many words and phrases were known.
    pub matched: usize,
}

/// Scores a text of any length, in time linear in it.
#[must_use]
pub fn score(text: &str) -> LexiconScore {
    let pieces = pieces(text);
    let mut weights: Vec<f64> = Vec::new();
    let (mut at, mut emphasis) = (0, 1.0);
    while at < pieces.len() {
        if pieces[at].word() == Some("but") {
            // What was said before "but" is taken back by half, what follows is meant.
            weights.iter_mut().for_each(|weight| *weight *= 0.5);
            emphasis = 1.5;
        }
        let (weight, length) = entries::longest(&pieces[at..]);
        if let Some(weight) = weight {
            weights
                .push(weight * emphasis * context(&pieces[at.saturating_sub(REACH)..at], weight));
        }
        at += length;
    }
    let sum = |side: fn(&f64) -> bool| weights.iter().filter(|weight| side(weight)).sum::<f64>();
    let (positive, negative) = (sum(|weight| *weight > 0.0), -sum(|weight| *weight < 0.0));
    let total = positive - negative;
    let share = 0.5 + 0.5 * total / (total * total + ALPHA).sqrt();
    let score = Score::from_probabilities(0.0, share);
    LexiconScore {
        score,
        positive,
        negative: negative.abs(),
        matched: weights.len(),
    }
}

/// What the words before a weighted one do to it.
fn context(before: &[Piece], weight: f64) -> f64 {
    let mut factor = 1.0;
    for (distance, piece) in before.iter().rev().enumerate() {
        let Some(word) = piece.word() else { break };
        if is_negator(word, RuleSet::Lexicon) {
            // "no" before something good is an answer ("no thanks"); before something bad it denies it ("no problem").
            if word != "no" || (weight < 0.0 && distance == 0) {
                factor *= NEGATED;
            }
        } else {
            // An intensifier two words away has less to do with it.
            factor *= 1.0 + (entries::intensity(word) - 1.0) * [1.0, 0.6, 0.3][distance];
        }
    }
    factor
}

#[cfg(test)]
mod tests;
