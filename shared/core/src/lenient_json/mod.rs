//! A lenient JSON reader: one odd character or number does not make a whole body unreadable.
//!
//! Other systems cut texts in the middle of an emoji, put a byte order mark in front, and write numbers that no machine
//! can hold. A strict parser refuses the whole body for one of them, although nobody needs the odd place. This reader
//! repairs the text first:
//!
//! - a byte order mark at the beginning is skipped;
//! - an escape of half a surrogate pair (`\ud83d` without its other half) and a character whose bytes are cut off are
//!   read as U+FFFD, the replacement character;
//! - a number beyond the range of `f64` (`1e400`), and the words `NaN`, `Infinity` and `-Infinity`, are read as `null`.
//!
//! [`LenientList`] does the same for the elements of a list: an element of the wrong shape is counted and left out.
//!
//! Everything else stays as strict as `serde_json` is, with its limit of 128 levels. The caller bounds the size. A repair
//! keeps the position of what follows it, except after `NaN` and a byte order mark.
//!
//! ```
//! use insights_core::lenient_json::{self, LenientList};
//!
//! let body = "\u{feff}[{\"text\": \"so angry \\ud83d\", \"offset\": 1e400}, null]";
//! #[derive(serde::Deserialize)]
//! struct Line {
//!     text: String,
//! }
//! let lines: LenientList<Line> = lenient_json::from_str(body).unwrap();
//! assert_eq!(lines.elements[0].text, "so angry \u{fffd}");
//! assert_eq!(lines.skipped, 1);
//! ```

mod list;
mod repair;

use std::borrow::Cow;

use serde::de::DeserializeOwned;

pub use list::LenientList;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text is not UTF-8, and not because a character was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not UTF-8 (byte {at})")]
pub struct NotUtf8 {
    /// The offset of the first byte that is not UTF-8.
    pub at: usize,
}

/// Parses a `T` from a text of JSON.
///
/// # Errors
/// As `serde_json::from_str`, for what stays wrong after the repairs. The error may quote a value of the text.
pub fn from_str<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(&repair::repair(without_byte_order_mark(text)))
}

/// Parses a `T` from bytes of JSON; bytes that are not UTF-8 are read as U+FFFD.
///
/// # Errors
/// As [`from_str`].
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    from_str(&String::from_utf8_lossy(bytes))
}

/// Returns bytes as text, without a byte order mark, and with U+FFFD for characters whose last bytes were cut off.
///
/// This is for the bodies of callers who should learn that they send another encoding. A byte that begins no character, or
/// a character of which only the first byte is there in the middle of the text, is such a sign.
///
/// # Errors
/// [`NotUtf8`] with the place of the first byte that is not UTF-8.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, NotUtf8> {
    let mut decoded: Option<String> = None;
    let mut rest = bytes;
    loop {
        let error = match std::str::from_utf8(rest) {
            Ok(valid) => {
                return Ok(match decoded {
                    None => Cow::Borrowed(without_byte_order_mark(valid)),
                    Some(mut text) => {
                        text.push_str(valid);
                        Cow::Owned(without_byte_order_mark(&text).to_owned())
                    }
                });
            }
            Err(error) => error,
        };
        let (valid, invalid) = rest.split_at(error.valid_up_to());
        let cut = match error.error_len() {
            None => invalid.len(),
            Some(length) if length > 1 => length,
            Some(_) => {
                return Err(NotUtf8 {
                    at: bytes.len() - invalid.len(),
                });
            }
        };
        let text = decoded.get_or_insert_with(|| String::with_capacity(bytes.len() + 2));
        text.push_str(std::str::from_utf8(valid).unwrap_or_default());
        text.push(char::REPLACEMENT_CHARACTER);
        rest = &invalid[cut..];
    }
}

fn without_byte_order_mark(text: &str) -> &str {
    text.trim_start_matches(BYTE_ORDER_MARK)
}

#[cfg(test)]
mod tests;
