//! The words and figures of one turn, each looked up once.

use std::ops::Range;

use super::vocabulary::{LANGUAGE, MAX_WORD_BYTES, NumberWord, WordRoles};

/// The shape of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Figures alone, without letters.
    Figures,
    /// Letters alone, perhaps with apostrophes.
    Alphabetic,
    /// Letters and figures together: "4th", "A20481".
    Mixed,
}

/// A word or a number of a turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// The place in the text, in bytes.
    pub(super) start: usize,
    /// The end in the text, in bytes.
    pub(super) end: usize,
    /// The shape of the token.
    pub(super) shape: Shape,
    /// Whether the token begins with a capital letter.
    pub(super) is_capitalized: bool,
    /// Number of characters of the token.
    pub(super) chars: usize,
    /// The number of the word in the vocabulary, or [`UNKNOWN`].
    pub(super) word: u16,
    /// What the word can be.
    pub(super) roles: WordRoles,
    /// What the word says about a number.
    pub(super) number: Option<NumberWord>,
    /// Whether the word ends in an "is" that was drawn to it: "code's".
    pub(super) is_linking: bool,
}

/// The number of a word that is in no phrase.
pub(super) const UNKNOWN: u16 = u16::MAX;

impl Token {
    /// Returns the place in the text.
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Returns whether the word can be any of the given things.
    pub(super) const fn is(&self, roles: WordRoles) -> bool {
        self.roles.has(roles)
    }

    /// Returns whether the token carries no value of its own.
    pub(super) const fn is_empty_talk(&self) -> bool {
        self.roles.has(WordRoles::EMPTY_TALK)
    }

    /// Returns whether the token is a single letter.
    pub(super) fn is_letter(&self) -> bool {
        self.shape == Shape::Alphabetic && self.chars == 1
    }

    /// Returns whether the token is a day such as "4th".
    pub(super) fn is_numeric_ordinal(&self, text: &str) -> bool {
        self.shape == Shape::Mixed
            && self.chars <= 4
            && matches!(
                text[self.range()].trim_start_matches(|letter: char| letter.is_ascii_digit()),
                "st" | "nd" | "rd" | "th"
            )
    }
}

/// Returns the value of a figure, in the digits of any of the scripts that callers write in.
pub(super) fn digit_value(letter: char) -> Option<u8> {
    let code = u32::from(letter);
    // Latin, full-width, Arabic, Persian, Devanagari, Bengali.
    [0x30, 0xff10, 0x660, 0x6f0, 0x966, 0x9e6]
        .iter()
        .find(|zero| (**zero..**zero + 10).contains(&code))
        .map(|zero| (code - zero) as u8)
}

/// Cuts a text into tokens. Words inside brackets that are a mask are no tokens, so that a redacted text stays as it is.
pub(super) fn read_tokens(text: &str, tokens: &mut Vec<Token>) {
    tokens.clear();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte < 0x80 && !byte.is_ascii_alphanumeric() {
            if byte == b'['
                && let Some(length) = mask_length(&bytes[at..])
            {
                at += length;
                continue;
            }
            at += 1;
            continue;
        }
        let Some(token) = read_token(text, at) else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        at = token.end;
        tokens.push(token);
    }
}

/// Returns the length of a mask such as `[CARD]` at the beginning of the bytes.
fn mask_length(bytes: &[u8]) -> Option<usize> {
    let letters = bytes[1..]
        .iter()
        .take(24)
        .take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_')
        .count();
    (letters >= 3 && bytes.get(letters + 1) == Some(&b']')).then_some(letters + 2)
}

fn read_token(text: &str, start: usize) -> Option<Token> {
    let mut lower = [0_u8; MAX_WORD_BYTES];
    let mut length = 0;
    let mut is_known_form = true;
    let (mut letters, mut figures) = (0, 0);
    let mut is_capitalized = false;
    let mut end = start;
    let mut rest = text[start..].char_indices().peekable();
    while let Some((offset, letter)) = rest.next() {
        if digit_value(letter).is_some() {
            figures += 1;
            is_known_form &= letter.is_ascii();
        } else if letter.is_alphabetic() {
            if letters == 0 && figures == 0 {
                is_capitalized = letter.is_uppercase();
            }
            letters += 1;
        } else if matches!(letter, '\'' | '’')
            && letters > 0
            && rest.peek().is_some_and(|(_, next)| next.is_alphabetic())
        {
            if length < MAX_WORD_BYTES {
                lower[length] = b'\'';
                length += 1;
            }
            continue;
        } else {
            break;
        }
        end = start + offset + letter.len_utf8();
        for small in letter.to_lowercase() {
            let size = small.len_utf8();
            if length + size <= MAX_WORD_BYTES {
                small.encode_utf8(&mut lower[length..]);
                length += size;
            } else {
                is_known_form = false;
            }
        }
    }
    if letters + figures == 0 {
        return None;
    }
    let shape = match (letters, figures) {
        (_, 0) => Shape::Alphabetic,
        (0, _) => Shape::Figures,
        _ => Shape::Mixed,
    };
    let word = std::str::from_utf8(&lower[..length])
        .ok()
        .filter(|_| is_known_form);
    // "The code's 421": the word before the "'s" counts, and the value follows.
    let mut is_linking = false;
    let known = word.and_then(|word| {
        let find = |word: &str| LANGUAGE.vocabulary.find(word);
        find(word).or_else(|| {
            let known = find(word.strip_suffix("'s")?)?;
            is_linking = true;
            Some(known)
        })
    });
    Some(Token {
        start,
        end,
        shape,
        is_capitalized,
        chars: letters + figures,
        word: known.map_or(UNKNOWN, |known| known.id),
        roles: known.map(|known| known.roles).unwrap_or_default(),
        number: known.and_then(|known| known.number),
        is_linking,
    })
}

/// Returns whether a word is one of others with blanks between them, in any case and with any apostrophe.
pub(super) fn is_one_of(word: &str, others: &str) -> bool {
    // Few words have a typographic apostrophe, so that the lengths can be compared first.
    if word.contains('’') {
        return is_one_of(&word.replace('’', "'"), others);
    }
    others
        .split(' ')
        .any(|other| other.len() == word.len() && other.eq_ignore_ascii_case(word))
}
