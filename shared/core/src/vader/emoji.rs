//! Replaces emoji by their descriptions before any rule reads the text, as the reference program does.

use std::borrow::Cow;

use crate::emoji::describe_emoji;

/// Returns the text with each known emoji replaced by its description.
///
/// A space goes before the description unless one is there already. No space goes after it: the next character is glued
/// to the description, as in the reference program.
pub(super) fn replace_emoji(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 32);
    let mut after_space = true;
    for character in text.chars() {
        match describe_emoji(character) {
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
