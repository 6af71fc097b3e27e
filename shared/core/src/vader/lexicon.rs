//! The word table of VADER: what each known word's rating is, and whether it boosts, negates or belongs to a phrase.

use std::collections::HashMap;
use std::sync::LazyLock;

use rustc_hash::FxBuildHasher;

use crate::negation::{RuleSet, negators};

/// Mean rise of a word's intensity by a degree adverb before it (Hutto & Gilbert 2014, empirical); a dampener lowers the
/// intensity by as much.
const BOOST: f64 = 0.293;

/// Words that raise the intensity of the word after them.
const BOOSTERS: &str = "absolutely amazingly awfully completely considerable considerably decidedly deeply effing \
    enormous enormously entirely especially exceptional exceptionally extreme extremely fabulously flipping flippin \
    frackin fracking fricking frickin frigging friggin fully fuckin fucking fuggin fugging greatly hella highly hugely \
    incredible incredibly intensely major majorly more most particularly purely quite really remarkably so \
    substantially thoroughly total totally tremendous tremendously uber unbelievably unusually utter utterly very";

/// Words that lower the intensity of the word after them; "just enough", "kind of" and "sort of" are phrases, in [`super::rules`].
const DAMPENERS: &str = "almost barely hardly kinda kindof kind-of less little marginal marginally occasional \
    occasionally partly scarce scarcely slight slightly somewhat sorta sortof sort-of";

/// A word that some rule asks for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Marker {
    #[default]
    Other,
    Ass,
    At,
    Bad,
    Beating,
    Bomb,
    Bus,
    But,
    Death,
    Die,
    Doubt,
    Enough,
    For,
    Heart,
    Just,
    Kind,
    Kiss,
    Least,
    Never,
    No,
    Nor,
    Of,
    Or,
    Right,
    Shit,
    So,
    Sort,
    Stop,
    The,
    This,
    To,
    Very,
    Without,
    Yeah,
}

const MARKERS: [(&str, Marker); 33] = [
    ("ass", Marker::Ass),
    ("at", Marker::At),
    ("bad", Marker::Bad),
    ("beating", Marker::Beating),
    ("bomb", Marker::Bomb),
    ("bus", Marker::Bus),
    ("but", Marker::But),
    ("death", Marker::Death),
    ("die", Marker::Die),
    ("doubt", Marker::Doubt),
    ("enough", Marker::Enough),
    ("for", Marker::For),
    ("heart", Marker::Heart),
    ("just", Marker::Just),
    ("kind", Marker::Kind),
    ("kiss", Marker::Kiss),
    ("least", Marker::Least),
    ("never", Marker::Never),
    ("no", Marker::No),
    ("nor", Marker::Nor),
    ("of", Marker::Of),
    ("or", Marker::Or),
    ("right", Marker::Right),
    ("shit", Marker::Shit),
    ("so", Marker::So),
    ("sort", Marker::Sort),
    ("stop", Marker::Stop),
    ("the", Marker::The),
    ("this", Marker::This),
    ("to", Marker::To),
    ("very", Marker::Very),
    ("without", Marker::Without),
    ("yeah", Marker::Yeah),
];

/// What the word lists say about a word in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct WordEntry {
    /// The mean rating of the word, -4 to 4, if the lexicon rates it.
    pub(super) rating: Option<f64>,
    /// The amount by which the word raises (or lowers) the intensity of the next word; 0 for most words.
    pub(super) boost: f64,
    /// Whether the word negates the words after it.
    pub(super) negates: bool,
    /// The marker of the word, if some rule asks for the word by name.
    pub(super) marker: Marker,
}

/// Every word of any list, keyed by its bytes in lower case.
pub(super) type WordTable = HashMap<&'static [u8], WordEntry, FxBuildHasher>;

/// Length of the longest word in the table, in bytes; a longer token need not be looked up.
pub(super) const MAX_WORD_BYTES: usize = 24;

/// Returns the word table, which the first call builds.
pub(super) fn word_table() -> &'static WordTable {
    static TABLE: LazyLock<WordTable> = LazyLock::new(build_word_table);
    &TABLE
}

fn build_word_table() -> WordTable {
    let mut table = WordTable::with_capacity_and_hasher(16_384, FxBuildHasher);
    for line in include_str!("../../data/vader/lexicon.tsv").lines() {
        if let Some((word, rating)) = line.split_once('\t') {
            table.entry(word.as_bytes()).or_default().rating = rating.parse().ok();
        }
    }
    for (words, boost) in [(BOOSTERS, BOOST), (DAMPENERS, -BOOST)] {
        for word in words.split_ascii_whitespace() {
            table.entry(word.as_bytes()).or_default().boost = boost;
        }
    }
    for word in negators(RuleSet::Vader) {
        table.entry(word.as_bytes()).or_default().negates = true;
    }
    for (word, marker) in MARKERS {
        table.entry(word.as_bytes()).or_default().marker = marker;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_lexicon_is_read() {
        let rated = word_table()
            .values()
            .filter(|word| word.rating.is_some())
            .count();
        assert_eq!(rated, 7506);
        assert!(word_table().keys().all(|word| word.len() <= MAX_WORD_BYTES));
    }

    #[test]
    fn no_word_both_carries_sentiment_and_boosts() {
        assert!(
            word_table()
                .values()
                .all(|word| word.rating.is_none() || word.boost == 0.0)
        );
    }
}
