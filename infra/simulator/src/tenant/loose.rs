//! Answers whose numbers are sometimes texts, and whose lists are sometimes elsewhere.

use serde_json::{Number, Value};

/// Members whose type never changes: texts that people said, and what a client sends back as it is.
const KEPT: [&str; 9] = [
    "text",
    "value",
    "name",
    "cursor",
    "fromAddress",
    "toAddress",
    "fromAddr",
    "toAddr",
    "contactNo",
];

/// Turns numbers into texts, and texts of digits into numbers, wherever `toss` says so.
pub(super) fn loosen(value: &mut Value, toss: &mut impl FnMut() -> bool) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if !KEPT.contains(&name.as_str()) {
                    loosen(member, toss);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| loosen(item, toss)),
        Value::Number(number) => {
            if toss() {
                *value = Value::String(number.to_string());
            }
        }
        Value::String(text) => {
            if let Some(number) = plain_number(text)
                && toss()
            {
                *value = Value::Number(number);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Returns the number that a text of digits says without loss.
fn plain_number(text: &str) -> Option<Number> {
    let is_plain = !text.is_empty()
        && text.len() <= 15
        && !(text.len() > 1 && text.starts_with('0'))
        && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain
        .then(|| text.parse::<u64>().ok().map(Number::from))
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_texts_of_digits_change_places_and_words_stay() {
        let mut value = json!({"id": 7, "list": [{"n": "12", "text": "12", "date": "2026"}], "zip": "007", "on": true});
        loosen(&mut value, &mut || true);
        assert_eq!(
            value,
            json!({"id": "7", "list": [{"n": 12, "text": "12", "date": 2026}], "zip": "007", "on": true})
        );
        let before = value.clone();
        loosen(&mut value, &mut || false);
        assert_eq!(value, before);
    }
}
