//! VADER: rule-based sentiment of a text, a complete port of vaderSentiment 3.3.2.
//!
//! Every rule of the reference program is here, its oddities included, so that a score means the same as elsewhere (but for
//! curly apostrophes, which are straightened first, see [`Analyzer::polarity`]):
//! punctuation, capitals, boosters, negation, "no", "least", "but", idioms, emoticons and emoji. VADER reads the raw text;
//! stripping case, stop words or punctuation first would remove what the rules look at. The fixtures in
//! `tests/fixtures/vader.json` are the reference program's own answers, compared digit by digit.
//!
//! ```
//! let polarity = insights_core::vader::polarity("VADER is smart, handsome, and funny!");
//! assert_eq!(polarity.compound, 0.8439);
//! ```
//!
//! Source: Hutto, C.J. & Gilbert, E.E. (2014), "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
//! Media Text", ICWSM-14; lexicon and emoji descriptions in `data/vader` under their MIT license.

mod emoji;
mod lexicon;
mod rules;
mod token;

use serde::Serialize;

use crate::apostrophes::straighten_apostrophes;
use crate::scale::round_half_even;
use token::Token;

/// The sentiment that VADER finds in a text; the fields are named as in the reference program.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Polarity {
    /// The normalized sum of all valences, from -1 (most negative) to 1 (most positive), 4 decimals.
    pub compound: f64,
    /// The share of the text that is positive, 0..=1, 3 decimals.
    pub pos: f64,
    /// The share of the text that is neutral, 0..=1, 3 decimals.
    pub neu: f64,
    /// The share of the text that is negative, 0..=1, 3 decimals.
    pub neg: f64,
}

/// Scores texts one after the other and reuses its buffers; use [`polarity`] for a single text.
#[derive(Debug, Default)]
pub struct Analyzer {
    tokens: Vec<Token>,
    valences: Vec<f64>,
}

impl Analyzer {
    /// Scores a text; all figures of an empty text are 0.
    ///
    /// Apostrophes are straightened first. The reference program does not do so, and reads no negation in "don’t"
    /// as phones write it.
    pub fn polarity(&mut self, text: &str) -> Polarity {
        self.polarity_as_written(&straighten_apostrophes(text))
    }

    /// Scores a text exactly as the reference program does.
    fn polarity_as_written(&mut self, text: &str) -> Polarity {
        let text = emoji::replace_emoji(text);
        self.tokens.clear();
        let table = lexicon::word_table();
        self.tokens
            .extend(token::split_words(&text).map(|word| Token::look_up(table, word)));
        self.valences.clear();
        rules::append_valences(&self.tokens, &mut self.valences);
        if let Some(but) = self
            .tokens
            .iter()
            .position(|token| token.marker == lexicon::Marker::But)
        {
            rules::weigh_around_but(&mut self.valences, but);
        }
        sum_valences(&self.valences, rules::punctuation_emphasis(&text))
    }
}

/// Returns whether the lexicon or a rule knows a word in lower case.
pub(crate) fn is_in_lexicon(word: &str) -> bool {
    lexicon::word_table().contains_key(word.as_bytes())
}

/// Scores a single text; keep an [`Analyzer`] to score many texts.
#[must_use]
pub fn polarity(text: &str) -> Polarity {
    Analyzer::default().polarity(text)
}

/// Constant that brings the sum of valences to -1..=1; `alpha` in the reference program, where it approximates the largest
/// sum to be expected.
const NORMALIZATION: f64 = 15.0;

/// Turns the valences of a text into its figures. `emphasis` is the weight of the text's punctuation.
fn sum_valences(valences: &[f64], emphasis: f64) -> Polarity {
    if valences.is_empty() {
        return Polarity::default();
    }
    let mut sum: f64 = valences.iter().sum();
    if sum > 0.0 {
        sum += emphasis;
    } else if sum < 0.0 {
        sum -= emphasis;
    }
    let compound = (sum / (sum * sum + NORMALIZATION).sqrt()).clamp(-1.0, 1.0);

    // Each valence counts one more than its value, because a neutral word counts as 1.
    let mut positive: f64 = valences.iter().filter(|&&v| v > 0.0).map(|v| v + 1.0).sum();
    let mut negative: f64 = valences.iter().filter(|&&v| v < 0.0).map(|v| 1.0 - v).sum();
    let neutral = valences
        .iter()
        .filter(|&&v| v == 0.0)
        .fold(0.0, |count, _| count + 1.0);
    if positive > negative {
        positive += emphasis;
    } else if positive < negative {
        negative += emphasis;
    }
    let total = positive + negative + neutral;
    Polarity {
        compound: round_half_even(compound, 4),
        pos: round_half_even(positive / total, 3),
        neu: round_half_even(neutral / total, 3),
        neg: round_half_even(negative / total, 3),
    }
}

#[cfg(test)]
mod tests;
