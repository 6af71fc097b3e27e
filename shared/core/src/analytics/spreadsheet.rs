//! Cells of a CSV file: what a spreadsheet would run as a formula, and how much text fits a cell.

use std::borrow::Cow;

/// Largest number of UTF-16 units in a cell of Excel. A longer text is cut or spilled into other cells by Excel; other programs
/// have no such limit, so that the files of the report hold the whole text.
pub const EXCEL_CELL_UNITS: usize = 32_767;

/// Returns whether a text fits a cell of Excel.
#[must_use]
pub fn fits_a_cell(text: &str) -> bool {
    text.len() <= EXCEL_CELL_UNITS || text.encode_utf16().count() <= EXCEL_CELL_UNITS
}

/// Puts an apostrophe before everything in a text that a spreadsheet would run as a formula, so that the spreadsheet shows the
/// text.
///
/// A formula begins with `=`, `+`, `-`, `@` or a full-width form of these, possibly after white space, and at the beginning of
/// a cell also with a tab or a carriage return. A cell does not only begin where the file says so: a spreadsheet that splits
/// lines at another character than the file's comma begins cells behind every `;`, comma, tab, line break or quote. A whole
/// text that is a number stays unchanged. Source: OWASP, "CSV Injection".
///
/// ```
/// use insights_core::analytics::spreadsheet::escape_formula;
///
/// assert_eq!(escape_formula("=1+1"), "'=1+1");
/// assert_eq!(escape_formula("Good morning;=1+1"), "Good morning;'=1+1");
/// assert_eq!(escape_formula("-0.5"), "-0.5");
/// ```
#[must_use]
pub fn escape_formula(text: &str) -> Cow<'_, str> {
    if text.parse::<f64>().is_ok() {
        return Cow::Borrowed(text);
    }
    let begins = text.starts_with(['\t', '\r']) || begins_formula(text.trim_start());
    let mut apostrophes: Vec<usize> = text
        .match_indices(is_separator)
        .map(|(at, separator)| at + separator.len())
        .filter(|start| begins_formula(skip_blanks(&text[*start..])))
        .collect();
    if begins {
        apostrophes.insert(0, 0);
    }
    if apostrophes.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + apostrophes.len());
    let mut from = 0;
    for at in apostrophes {
        escaped.push_str(&text[from..at]);
        escaped.push('\'');
        from = at;
    }
    escaped.push_str(&text[from..]);
    Cow::Owned(escaped)
}

/// Returns whether a text begins with the sign of a formula.
fn begins_formula(text: &str) -> bool {
    text.starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ])
}

/// Returns whether some spreadsheet begins a new cell or a new text behind this character.
fn is_separator(c: char) -> bool {
    matches!(c, ';' | ',' | '\t' | '\n' | '\r' | '"')
}

/// Returns the text without the white space at its beginning; a separator is not skipped, since a cell of its own begins there.
fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() && !is_separator(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            "  =HYPERLINK(x)",
            "\u{ff1d}1",
            "-1e",
        ] {
            assert_eq!(escape_formula(text), format!("'{text}"), "{text:?}");
        }
    }

    #[test]
    fn a_formula_behind_a_separator_is_put_behind_an_apostrophe_too() {
        for (text, escaped) in [
            (
                "Good morning;=1+1;@SUM(A1:A9) thanks",
                "Good morning;'=1+1;'@SUM(A1:A9) thanks",
            ),
            ("x;=cmd|'/C calc'!A0", "x;'=cmd|'/C calc'!A0"),
            ("a, =1", "a,' =1"),
            ("a\t=1", "a\t'=1"),
            ("a\n-1", "a\n'-1"),
            ("a\r\n+1", "a\r\n'+1"),
            ("she said \"=1\"", "she said \"'=1\""),
            ("a;\t@x", "a;\t'@x"),
            ("a;\u{a0}\u{ff0b}1", "a;'\u{a0}\u{ff0b}1"),
            ("\n=1", "'\n'=1"),
            ("-1,=2", "'-1,'=2"),
        ] {
            assert_eq!(escape_formula(text), escaped, "{text:?}");
        }
    }

    #[test]
    fn other_text_and_numbers_stay_as_they_are() {
        for text in [
            "",
            "hello",
            "a=b",
            "12",
            "-0.5",
            "+3",
            "😀",
            "'quoted",
            "1-2",
            "yes; no, \"thanks\"\nand left",
            "a;",
        ] {
            assert_eq!(escape_formula(text), text);
        }
    }

    #[test]
    fn a_cell_holds_as_many_units_as_excel_counts() {
        assert!(fits_a_cell(&"x".repeat(EXCEL_CELL_UNITS)));
        assert!(!fits_a_cell(&"x".repeat(EXCEL_CELL_UNITS + 1)));
        assert!(fits_a_cell(&"ü".repeat(EXCEL_CELL_UNITS)));
        assert!(!fits_a_cell(&"😀".repeat(EXCEL_CELL_UNITS / 2 + 1)));
    }

    proptest! {
        #[test]
        fn no_cell_begins_with_a_formula_whatever_separates_cells(text in "[=+@;,\t\n\r\" a1-]{0,24}") {
            let escaped = escape_formula(&text);
            if text.parse::<f64>().is_err() {
                for separator in [';', ',', '\t', '\n', '\r', '"'] {
                    for cell in escaped.split(separator) {
                        prop_assert!(!begins_formula(cell.trim_start()), "{escaped:?} at {separator:?}");
                    }
                }
            }
        }
    }
}
