//! Straightens the apostrophes that phones and office programs write.

use std::borrow::Cow;

/// Characters that are written for an apostrophe: curly quotes, the modifier letter, accents, the prime, and the full-width
/// form.
const CURLY: [char; 7] = [
    '\u{2019}', '\u{2018}', '\u{02bc}', '\u{00b4}', '`', '\u{2032}', '\u{ff07}',
];

/// Returns the text with a straight apostrophe wherever another one stands between two letters; quotes around words stay.
pub(crate) fn straighten_apostrophes(text: &str) -> Cow<'_, str> {
    if !text.contains(CURLY) {
        return Cow::Borrowed(text);
    }
    let mut straightened = String::with_capacity(text.len());
    let mut characters = text.chars();
    let mut after_letter = false;
    while let Some(character) = characters.next() {
        let before_letter = || characters.clone().next().is_some_and(char::is_alphabetic);
        if CURLY.contains(&character) && after_letter && before_letter() {
            straightened.push('\'');
        } else {
            straightened.push(character);
        }
        // The modifier letter is alphabetic to Unicode, and no letter here.
        after_letter = character.is_alphabetic() && !CURLY.contains(&character);
    }
    Cow::Owned(straightened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apostrophes_inside_words_are_straightened_and_quotes_stay() {
        for (text, straight) in [
            ("I don\u{2019}t", "I don't"),
            ("DON\u{2018}T", "DON'T"),
            (
                "can\u{00b4}t, won`t, isn\u{02bc}t, ain\u{ff07}t",
                "can't, won't, isn't, ain't",
            ),
            (
                "\u{2018}good\u{2019} they said\u{2019}",
                "\u{2018}good\u{2019} they said\u{2019}",
            ),
            (
                "they said \u{2018}good\u{2019}, 5\u{2018}a",
                "they said \u{2018}good\u{2019}, 5\u{2018}a",
            ),
            ("the customers\u{2019} view", "the customers\u{2019} view"),
            ("`code` 5\u{2032}", "`code` 5\u{2032}"),
            ("plain", "plain"),
        ] {
            assert_eq!(straighten_apostrophes(text), straight);
        }
    }
}
