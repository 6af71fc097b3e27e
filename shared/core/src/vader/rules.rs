//! VADER's rules: they turn words into valences, the signed strengths of the words' sentiment.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use rustc_hash::FxBuildHasher;

use super::lexicon::Marker;
use super::token::Token;

/// Mean rise of a word's intensity by writing the word in capitals among words that are not (Hutto & Gilbert 2014).
const CAPITALS_BOOST: f64 = 0.733;
/// Factor of a negated valence (Hutto & Gilbert 2014, empirical).
const NEGATION_FACTOR: f64 = -0.74;
/// Factor of a valence after "never so" or "never this", which praise rather than negate.
const NEVER_SO_FACTOR: f64 = 1.25;
/// Factors of a boost one, two and three places before the boosted word.
const BOOST_FADING: [f64; 3] = [1.0, 0.95, 0.9];
/// Amount that the phrases "just enough", "kind of" and "sort of" add to a valence.
const PHRASE_BOOST: f64 = -0.293;

/// Appends the valence of each token to `valences`; most tokens have the valence 0.
pub(super) fn append_valences(tokens: &[Token], valences: &mut Vec<f64>) {
    let capitals = tokens.iter().filter(|token| token.is_upper_case).count();
    let capitals_differ = capitals < tokens.len();
    valences.extend((0..tokens.len()).map(|at| match tokens[at].rating {
        Some(rating) if !is_kind_of(tokens, at) => valence(tokens, at, rating, capitals_differ),
        _ => 0.0,
    }));
}

/// Returns whether the token is the "kind" of "kind of", which says nothing about kindness.
fn is_kind_of(tokens: &[Token], at: usize) -> bool {
    tokens[at].marker == Marker::Kind
        && tokens
            .get(at + 1)
            .is_some_and(|next| next.marker == Marker::Of)
}

/// Returns the valence of a rated token in its context.
fn valence(tokens: &[Token], at: usize, rating: f64, capitals_differ: bool) -> f64 {
    let mut valence = rating;
    // "no" before a word of the lexicon negates that word and says nothing by itself.
    if tokens[at].marker == Marker::No
        && tokens.get(at + 1).is_some_and(|next| next.rating.is_some())
    {
        valence = 0.0;
    }
    if follows_no(&tokens[..at]) {
        valence = rating * NEGATION_FACTOR;
    }
    if tokens[at].is_upper_case && capitals_differ {
        valence += if valence > 0.0 {
            CAPITALS_BOOST
        } else {
            -CAPITALS_BOOST
        };
    }
    for back in 1..=3.min(at) {
        let before = &tokens[at - back];
        if before.rating.is_some() {
            continue;
        }
        valence += boost(before, valence, capitals_differ) * BOOST_FADING[back - 1];
        valence = apply_negation(valence, tokens, at, back);
        if back == 3 {
            valence = apply_phrases(valence, tokens, at);
        }
    }
    if follows_least(&tokens[..at]) {
        valence * NEGATION_FACTOR
    } else {
        valence
    }
}

/// Returns whether "no" applies to the next word: "no good", "no very good", "no better or good".
fn follows_no(before: &[Token]) -> bool {
    let marker = |back: usize| before.len().checked_sub(back).map(|at| before[at].marker);
    marker(1) == Some(Marker::No)
        || marker(2) == Some(Marker::No)
        || (marker(3) == Some(Marker::No) && matches!(marker(1), Some(Marker::Or | Marker::Nor)))
}

/// Returns the amount that a booster or dampener adds to a valence.
fn boost(token: &Token, valence: f64, capitals_differ: bool) -> f64 {
    if token.boost == 0.0 {
        return 0.0;
    }
    let boost = if valence < 0.0 {
        -token.boost
    } else {
        token.boost
    };
    match (token.is_upper_case && capitals_differ, valence > 0.0) {
        (true, true) => boost + CAPITALS_BOOST,
        (true, false) => boost - CAPITALS_BOOST,
        (false, _) => boost,
    }
}

/// Returns the valence of a word after the token `back` places before it has negated it, or left it alone.
fn apply_negation(valence: f64, tokens: &[Token], at: usize, back: usize) -> f64 {
    let marker = |back: usize| tokens[at - back].marker;
    let so = |back: usize| matches!(marker(back), Marker::So | Marker::This);
    let (never_so, without_doubt) = match back {
        1 => (false, false),
        2 => (
            marker(2) == Marker::Never && so(1),
            marker(2) == Marker::Without && marker(1) == Marker::Doubt,
        ),
        // "so" or "this" right before the word counts whatever stands three places back: that is the operator precedence in
        // the reference program.
        _ => (
            (marker(3) == Marker::Never && so(2)) || so(1),
            marker(3) == Marker::Without
                && (marker(2) == Marker::Doubt || marker(1) == Marker::Doubt),
        ),
    };
    if never_so {
        valence * NEVER_SO_FACTOR
    } else if !without_doubt && tokens[at - back].negates {
        valence * NEGATION_FACTOR
    } else {
        valence
    }
}

/// Returns the valence of a word with three others before it after idioms around it and boosting phrases before it.
fn apply_phrases(valence: f64, tokens: &[Token], at: usize) -> f64 {
    let word = |offset: isize| {
        at.checked_add_signed(offset)
            .and_then(|at| tokens.get(at))
            .map(|token| token.marker)
    };
    let pair = |first: isize| idiom_of_two(word(first)?, word(first + 1)?);
    let triple = |first: isize| idiom_of_three(word(first)?, word(first + 1)?, word(first + 2)?);
    let mut valence = pair(-1)
        .or_else(|| triple(-2))
        .or_else(|| pair(-2))
        .or_else(|| triple(-3))
        .or_else(|| pair(-3))
        .unwrap_or(valence);
    valence = triple(0).or_else(|| pair(0)).unwrap_or(valence);
    for first in [-3, -2] {
        if matches!(
            (word(first), word(first + 1)),
            (Some(Marker::Just), Some(Marker::Enough))
                | (Some(Marker::Kind | Marker::Sort), Some(Marker::Of))
        ) {
            valence += PHRASE_BOOST;
        }
    }
    valence
}

/// Returns the valence of an idiom of two words.
fn idiom_of_two(first: Marker, second: Marker) -> Option<f64> {
    match (first, second) {
        (Marker::The, Marker::Shit | Marker::Bomb) => Some(3.0),
        (Marker::Bad, Marker::Ass) => Some(1.5),
        (Marker::Bus, Marker::Stop) => Some(0.0),
        (Marker::Yeah, Marker::Right) => Some(-2.0),
        (Marker::Beating, Marker::Heart) => Some(3.5),
        _ => None,
    }
}

/// Returns the valence of an idiom of three words.
fn idiom_of_three(first: Marker, second: Marker, third: Marker) -> Option<f64> {
    match (first, second, third) {
        (Marker::Kiss, Marker::Of, Marker::Death) => Some(-1.5),
        (Marker::To, Marker::Die, Marker::For) => Some(3.0),
        _ => None,
    }
}

/// Returns whether "least" negates the next word: "least helpful" does, "at least" and "very least helpful" do not.
fn follows_least(before: &[Token]) -> bool {
    match before {
        [.., second, last] => {
            last.marker == Marker::Least && !matches!(second.marker, Marker::At | Marker::Very)
        }
        [last] => last.marker == Marker::Least,
        [] => false,
    }
}

/// Halves the valences before the first "but" and raises the valences after it by half.
///
/// The reference program looks each valence up by value while it changes the list. Of equal valences it therefore changes
/// the first one, perhaps twice, and this function does the same. Zeros stay zeros and are left out. The places of each
/// value are kept in order, so that the first one is found without a search: `n` valences take `n log n` steps.
pub(super) fn weigh_around_but(valences: &mut [f64], but: usize) {
    let mut places: HashMap<u64, BTreeSet<usize>, FxBuildHasher> = HashMap::default();
    for (at, valence) in valences.iter().enumerate() {
        if *valence != 0.0 {
            places.entry(valence.to_bits()).or_default().insert(at);
        }
    }
    for turn in 0..valences.len() {
        let valence = valences[turn];
        let Some(equal) = places.get_mut(&valence.to_bits()) else {
            continue;
        };
        let Some(first) = equal.pop_first() else {
            continue;
        };
        let weighed = match first.cmp(&but) {
            Ordering::Less => valence * 0.5,
            Ordering::Equal => valence,
            Ordering::Greater => valence * 1.5,
        };
        valences[first] = weighed;
        places.entry(weighed.to_bits()).or_default().insert(first);
    }
}

/// Returns what exclamation marks (0.292 each, at most four) and question marks (from the second on) add to the sum.
pub(super) fn punctuation_emphasis(text: &str) -> f64 {
    let mut exclamations: u32 = 0;
    let mut questions: u32 = 0;
    for byte in text.bytes() {
        exclamations += u32::from(byte == b'!');
        questions += u32::from(byte == b'?');
    }
    let exclaimed = f64::from(exclamations.min(4)) * 0.292;
    let questioned = match questions {
        0 | 1 => 0.0,
        2 | 3 => f64::from(questions) * 0.18,
        _ => 0.96,
    };
    exclaimed + questioned
}
