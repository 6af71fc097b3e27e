//! The named parts of phrases, and the distance that a phrase allows.

use std::collections::BTreeMap;

/// Largest number of named parts inside named parts.
const MAX_PART_DEPTH: usize = 8;
/// Largest length of a phrase in bytes, after its parts were filled in.
const MAX_BYTES: usize = 100_000;

/// Parts of phrases by their names.
#[derive(Debug, Clone, Default)]
pub(super) struct PhraseParts(pub(super) BTreeMap<String, String>);

impl PhraseParts {
    /// Returns the names of the parts as a fault lists them.
    pub(super) fn names(&self) -> String {
        if self.0.is_empty() {
            return "there are none".to_owned();
        }
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.join(", ")
    }

    /// Replaces `{name}` by the part with this name, and gives each `*` the distance `near`. The error is the name of a part that
    /// does not exist, or that is made of itself.
    pub(super) fn fill_in(&self, phrase: &str, near: Option<u8>) -> Result<String, String> {
        let filled = self.fill(phrase, 0)?;
        Ok(match near {
            Some(near) => widen_gaps(&filled, near),
            None => filled,
        })
    }

    fn fill(&self, phrase: &str, depth: usize) -> Result<String, String> {
        let mut filled = String::with_capacity(phrase.len());
        let mut rest = phrase;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let part = self.0.get(name).filter(|_| depth < MAX_PART_DEPTH);
            let part = self.fill(part.ok_or_else(|| name.to_owned())?, depth + 1)?;
            filled.push_str(before);
            filled.push_str(&format!("({part})"));
            if filled.len() > MAX_BYTES {
                return Err(name.to_owned());
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// Gives every `*` that stands for words, and that names no number, a number.
fn widen_gaps(phrase: &str, near: u8) -> String {
    let is_edge = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "()[]|".contains(c));
    let characters: Vec<char> = phrase.chars().collect();
    let mut widened = String::with_capacity(phrase.len() + 4);
    for (at, &character) in characters.iter().enumerate() {
        widened.push(character);
        let before = at.checked_sub(1).map(|before| characters[before]);
        if character == '*' && is_edge(before) && is_edge(characters.get(at + 1).copied()) {
            widened.push_str(&near.to_string());
        }
    }
    widened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_filled_in_and_gaps_widened() {
        let parts = PhraseParts(BTreeMap::from([
            ("end".to_owned(), "cancel|close".to_owned()),
            ("own".to_owned(), "my {end}".to_owned()),
            ("loop".to_owned(), "{loop}".to_owned()),
        ]));
        assert_eq!(
            parts.fill_in("{own} * account", Some(4)),
            Ok("(my (cancel|close)) *4 account".to_owned())
        );
        assert_eq!(
            parts.fill_in("law* *5 (a|*)", Some(2)),
            Ok("law* *5 (a|*2)".to_owned())
        );
        assert_eq!(parts.fill_in("{loop}", None), Err("loop".to_owned()));
        assert_eq!(parts.fill_in("{other", None), Err("other".to_owned()));
    }
}
