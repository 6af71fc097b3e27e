//! The surroundings of a number: what stands before, after and right beside it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Compiles a constant pattern. No pattern comes from outside, and a test compiles each of them.
pub(super) fn compile_pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// Length of the text before a number in which a label is looked for, in bytes.
const LABEL_BYTES: usize = 48;

/// Returns whether a word right before `at` says that the number there is an order, a ticket or the like.
pub(super) fn is_labeled_otherwise(text: &str, at: usize) -> bool {
    static LABEL: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(
            r"(?i)\b(?:order|ticket|case|reference|ref|invoice|tracking|confirmation|booking|serial|model|part|sku|item|error|imei|claim|rma)s?(?:\s(?:number|no|num|id|code))?\.?(?:\s(?:is|was))?\s?[:#]?\s?$",
        )
    });
    LABEL.is_match(text_before(text, at, LABEL_BYTES))
}

/// Returns at most `bytes` bytes before `at`, beginning at the start of a character.
pub(super) fn text_before(text: &str, at: usize, bytes: usize) -> &str {
    &text[text.ceil_char_boundary(at.saturating_sub(bytes))..at]
}

/// Returns at most `bytes` bytes from `at` on, ending at the end of a character.
pub(super) fn text_after(text: &str, at: usize, bytes: usize) -> &str {
    &text[at..text.floor_char_boundary(text.len().min(at + bytes))]
}

/// Returns whether a range touches a letter, a digit or an underscore outside itself and so is part of a longer token.
pub(super) fn is_within_token(text: &str, range: &Range<usize>) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text[..range.start].ends_with(part) || text[range.end..].starts_with(part)
}
