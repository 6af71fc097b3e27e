//! How the report writes numbers of things. Scores are formatted by `insights_core::scale`.

/// Formats a number of conversations, for example `1,200 conversations`.
pub(crate) fn format_conversations(count: usize) -> String {
    format!(
        "{} conversation{}",
        format_count(count),
        if count == 1 { "" } else { "s" }
    )
}

/// Formats a count with separated thousands, for example `1,200`.
pub(crate) fn format_count(count: usize) -> String {
    let digits = count.to_string();
    let mut formatted = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            formatted.push(',');
        }
        formatted.push(digit);
    }
    formatted
}
