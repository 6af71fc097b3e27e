//! Replaces emoji by their descriptions before any rule reads the text, as the reference program does.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use rustc_hash::FxBuildHasher;

static DESCRIPTIONS: LazyLock<HashMap<char, &'static str, FxBuildHasher>> = LazyLock::new(|| {
    include_str!("../../data/vader/emoji.tsv")
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(emoji, description)| Some((emoji.chars().next()?, description)))
        .collect()
});

/// Returns the text with each known emoji replaced by its description.
///
/// A space goes before the description unless one is there already. No space goes after it: the next character is glued
/// to the description, as in the reference program.
pub(super) fn replace_emoji(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let descriptions = &*DESCRIPTIONS;
    let mut plain = String::with_capacity(text.len() + 32);
    let mut after_space = true;
    for character in text.chars() {
        match descriptions.get(&character) {
            Some(description) => {
                if !after_space {
                    plain.push(' ');
                }
                plain.push_str(description);
                after_space = false;
            }
            None => {
                plain.push(character);
                after_space = character == ' ';
            }
        }
    }
    Cow::Owned(plain)
}
