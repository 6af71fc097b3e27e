//! Cells that a spreadsheet would run as formulas.

use std::borrow::Cow;

/// The text as a cell that a spreadsheet shows and does not run: behind an apostrophe if it begins as a formula does
/// (`=`, `+`, `-`, `@`, tab, carriage return, and their full-width forms), after white space or not.
///
/// Source: OWASP, "CSV Injection". A number stays as it is.
#[must_use]
pub fn escape_formula(text: &str) -> Cow<'_, str> {
    let dangerous = |c: char| {
        matches!(
            c,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠'
        )
    };
    let begins = text.starts_with(dangerous) || text.trim_start().starts_with(dangerous);
    if begins && text.parse::<f64>().is_err() {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_a_formula_is_put_behind_an_apostrophe() {
        for text in [
            "=1+1",
            "+44 20",
            "-cmd",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "  =HYPERLINK(\"x\")",
            "\n=1",
            "＝1",
            "-1e",
        ] {
            assert_eq!(escape_formula(text), format!("'{text}"), "{text:?}");
        }
    }

    #[test]
    fn other_text_and_numbers_stay_as_they_are() {
        for text in [
            "", "hello", "a=b", "12", "-0.5", "+3", "😀", "'quoted", "1-2",
        ] {
            assert_eq!(escape_formula(text), text);
        }
    }
}
