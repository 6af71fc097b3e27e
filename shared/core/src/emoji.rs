//! Descriptions of emoji in words, by which a text with emoji is read as a sentence.
//!
//! The table is the one that comes with VADER (`data/vader/emoji.tsv`), and it is the only one of the workspace: VADER and the
//! sentiment model read the same words.

use std::collections::HashMap;
use std::sync::LazyLock;

use rustc_hash::FxBuildHasher;

static DESCRIPTIONS: LazyLock<HashMap<char, &'static str, FxBuildHasher>> = LazyLock::new(|| {
    include_str!("../data/vader/emoji.tsv")
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(emoji, description)| Some((emoji.chars().next()?, description)))
        .collect()
});

/// Returns the description of an emoji in words, or `None` for a character that is no emoji of the table.
///
/// Every emoji of the table is one character; what is written as several (a family, a flag) is described character by
/// character.
#[must_use]
pub fn describe_emoji(character: char) -> Option<&'static str> {
    // No emoji of the table is below the punctuation of Unicode, where nearly all characters of texts are.
    (character >= '\u{a9}')
        .then(|| DESCRIPTIONS.get(&character).copied())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_emoji_of_the_table_is_one_character_and_has_a_description() {
        let mut count = 0;
        for line in include_str!("../data/vader/emoji.tsv").lines() {
            let Some((emoji, description)) = line.split_once('\t') else {
                continue;
            };
            let mut characters = emoji.chars().filter(|c| *c != '\u{fe0f}');
            let character = characters.next().expect("an emoji");
            assert_eq!(characters.next(), None, "{emoji} is several characters");
            assert_eq!(describe_emoji(character), Some(description), "{emoji}");
            count += 1;
        }
        assert!(count > 1000, "{count}");
    }

    #[test]
    fn letters_digits_and_punctuation_are_no_emoji() {
        assert!((' '..='~').all(|character| describe_emoji(character).is_none()));
        assert_eq!(describe_emoji('\u{1f621}'), Some("pouting face"));
    }
}
