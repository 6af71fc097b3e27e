//! Emoji become their descriptions before anything else is read.

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

/// The text with each known emoji replaced by its description. A space goes before the description unless one is there,
/// none after it: the next character is glued on, as the reference does.
pub(super) fn described(text: &str) -> Cow<'_, str> {
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
