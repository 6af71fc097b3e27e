//! VADER: the rule-based sentiment of a text, a complete port of vaderSentiment 3.3.2.
//!
//! Every rule of the reference program is here, its oddities included, so that a score means what it means elsewhere:
//! punctuation, capitals, boosters, negation, "no", "least", "but", idioms, emoticons and emoji. It reads the raw text;
//! stripping case, stop words or punctuation first removes what it looks at.
//!
//! Source: Hutto, C.J. & Gilbert, E.E. (2014), "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
//! Media Text", ICWSM-14; lexicon and emoji descriptions in `data/vader` under their MIT licence.

mod emoji;
mod lexicon;
mod rules;
mod token;

use serde::Serialize;

use token::Token;

/// What VADER says of a text.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Polarity {
    /// The sum of all valences on the scale -1 (most negative) to 1 (most positive), 4 decimals.
    pub compound: f64,
    /// The share of the text that is positive, 0..=1, 3 decimals.
    pub pos: f64,
    /// The share of the text that is neutral, 0..=1, 3 decimals.
    pub neu: f64,
    /// The share of the text that is negative, 0..=1, 3 decimals.
    pub neg: f64,
}

/// Scores texts one after the other, reusing its buffers; [`polarity`] is for a single text.
#[derive(Debug, Default)]
pub struct Analyzer {
    tokens: Vec<Token>,
    valences: Vec<f64>,
}

impl Analyzer {
    /// The polarity of a text; of an empty one all figures are 0.
    pub fn polarity(&mut self, text: &str) -> Polarity {
        let text = emoji::described(text);
        self.tokens.clear();
        let table = lexicon::table();
        self.tokens
            .extend(token::split(&text).map(|word| Token::read(table, word)));
        self.valences.clear();
        rules::valences(&self.tokens, &mut self.valences);
        if let Some(but) = self
            .tokens
            .iter()
            .position(|token| token.marker == lexicon::Marker::But)
        {
            rules::weigh_around_but(&mut self.valences, but);
        }
        summed(&self.valences, rules::punctuation_emphasis(&text))
    }
}

/// The polarity of one text. For many, keep an [`Analyzer`].
#[must_use]
pub fn polarity(text: &str) -> Polarity {
    Analyzer::default().polarity(text)
}

/// Approximates the largest sum of valences to be expected; the reference's `alpha`.
const NORMALIZATION: f64 = 15.0;

fn summed(valences: &[f64], emphasis: f64) -> Polarity {
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

    // Each valence counts one more than it is: neutral words are counted as 1.
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
        compound: rounded(compound, 4),
        pos: rounded(positive / total, 3),
        neu: rounded(neutral / total, 3),
        neg: rounded(negative / total, 3),
    }
}

/// The number with this many decimals, a half to the even neighbour of the exact binary value, as Python rounds.
fn rounded(value: f64, decimals: u8) -> f64 {
    let unit = 10_f64.powi(i32::from(decimals));
    let scaled = value * unit;
    // Away from a half the product's rounding error cannot matter; near one the exact decimal expansion decides.
    if (scaled - scaled.floor() - 0.5).abs() > 1e-6 {
        return scaled.round() / unit;
    }
    let decimals = usize::from(decimals);
    format!("{value:.decimals$}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests;
