//! Splits a text into its terms: lower-case alphabetic words of at least two letters, without stop words.

use super::stop_words::is_stop_word;

/// Calls `visit` with every term of the text, in order.
///
/// A term is a whole word (a run of letters, digits and underscores) that consists of letters only: scikit-learn's
/// `token_pattern=r"(?u)\b[^\W\d_]{2,}\b"` with `lowercase=True`. Words of one letter are left out, as in scikit-learn's
/// default pattern.
pub(super) fn for_each_term(text: &str, mut visit: impl FnMut(&str)) {
    let lower = text.to_lowercase();
    for word in lower.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
        if is_alphabetic(word) && !is_stop_word(word) {
            visit(word);
        }
    }
}

/// Returns whether a word has at least two characters and consists of letters only.
fn is_alphabetic(word: &str) -> bool {
    if word.is_ascii() {
        word.len() >= 2 && word.bytes().all(|b| b.is_ascii_alphabetic())
    } else {
        word.chars().nth(1).is_some() && word.chars().all(char::is_alphabetic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for_each_term(text, |term| found.push(term.to_owned()));
        found
    }

    #[test]
    fn only_whole_alphabetic_words_are_terms() {
        assert_eq!(
            terms("Invoice #4711, A4 page; my_file I x don't REFUND we've Größe счёт"),
            ["invoice", "page", "refund", "größe", "счёт"]
        );
    }

    #[test]
    fn stop_words_digits_and_emoji_alone_leave_nothing() {
        assert!(terms("It is what it is, 100 % 😀 !!").is_empty());
    }
}
