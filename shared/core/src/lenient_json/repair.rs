//! Repairs what a strict JSON parser would refuse a whole text for.

use std::borrow::Cow;

/// A number with fewer bytes than this and without an exponent is below the largest `f64`.
const SHORTEST_HUGE_NUMBER: usize = 300;
/// Numbers from here on are taken as out of range. The strict parser rounds the last digits in its own way, so the limit
/// keeps a distance from the largest `f64`.
const LARGEST_NUMBER: f64 = 1.79e308;

/// Returns the text with half surrogate pairs and numbers out of range replaced, outside and inside of strings as fits.
///
/// The function reads each byte once and copies nothing as long as there is nothing to repair.
pub(super) fn repair(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut repaired = String::new();
    let mut copied = 0;
    let mut replace = |from: usize, to: usize, replacement: &str| {
        repaired.push_str(&text[copied..from]);
        repaired.push_str(replacement);
        copied = to;
    };
    let (mut at, mut in_string) = (0, false);
    while at < bytes.len() {
        at += match (in_string, bytes[at]) {
            (_, b'"') => {
                in_string = !in_string;
                1
            }
            (true, b'\\') => match surrogate(&bytes[at..]) {
                None => 2,
                Some(Half::Leading) if surrogate(&bytes[at + 6..]) == Some(Half::Trailing) => 12,
                Some(_) => {
                    replace(at, at + 6, "\\ufffd");
                    6
                }
            },
            (false, b'-' | b'0'..=b'9') => {
                let length = number_length(&bytes[at..]);
                if is_out_of_range(&text[at..at + length]) {
                    replace(at, at + length, &format!("{:length$}", "null"));
                }
                length
            }
            (false, b'N' | b'I') => match word_length(&bytes[at..]) {
                Some(length) => {
                    let from = if at > 0 && bytes[at - 1] == b'-' {
                        at - 1
                    } else {
                        at
                    };
                    replace(from, at + length, "null");
                    length
                }
                None => 1,
            },
            _ => 1,
        };
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    repaired.push_str(&text[copied..]);
    Cow::Owned(repaired)
}

/// One half of the two escapes that write a character beyond U+FFFF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Leading,
    Trailing,
}

/// Returns which half of a surrogate pair the escape at the beginning of the bytes is.
fn surrogate(bytes: &[u8]) -> Option<Half> {
    let [b'\\', b'u', digits @ ..] = bytes else {
        return None;
    };
    let [b'd' | b'D', second, third, fourth, ..] = digits else {
        return None;
    };
    if !third.is_ascii_hexdigit() || !fourth.is_ascii_hexdigit() {
        return None;
    }
    match second {
        b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => Some(Half::Leading),
        b'c'..=b'f' | b'C'..=b'F' => Some(Half::Trailing),
        _ => None,
    }
}

/// Returns the length of the number at the beginning of the bytes; a lone minus has the length 1.
fn number_length(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
        .unwrap_or(bytes.len())
}

fn is_out_of_range(number: &str) -> bool {
    let may_be_huge = matches!(number.len(), SHORTEST_HUGE_NUMBER..) || number.contains(['e', 'E']);
    may_be_huge
        && number
            .parse::<f64>()
            .is_ok_and(|value| value.abs() > LARGEST_NUMBER)
}

/// Returns the length of the word at the beginning of the bytes if it is a number that JSON does not know.
fn word_length(bytes: &[u8]) -> Option<usize> {
    ["NaN", "Infinity"]
        .into_iter()
        .find(|word| bytes.starts_with(word.as_bytes()))
        .map(str::len)
}
