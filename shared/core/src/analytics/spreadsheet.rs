//! Cells of a CSV file that a spreadsheet would run as formulas.

use std::borrow::Cow;

/// Puts an apostrophe before a text that a spreadsheet would run as a formula, so that the spreadsheet shows the text.
///
/// A formula begins with `=`, `+`, `-`, `@`, a tab, a carriage return or a full-width form of these, possibly after white
/// space. A number stays unchanged. Source: OWASP, "CSV Injection".
///
/// ```
/// use insights_core::analytics::spreadsheet::escape_formula;
///
/// assert_eq!(escape_formula("=1+1"), "'=1+1");
/// assert_eq!(escape_formula("-0.5"), "-0.5");
/// ```
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
    fn a_formula_is_put_behind_an_apostrophe() {
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
