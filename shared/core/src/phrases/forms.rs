//! The inflected forms of an English word.
//!
//! A general stemmer is too coarse here: it takes "manager" and "managed", "emergency" and "emerging", or "acceptable" and
//! "accepted" for the same word. The forms below change number and tense and never the word itself.

/// Shortest word that has forms; shorter ones are articles, pronouns and particles.
const MIN_LETTERS: usize = 3;
/// Longest word whose last consonant is doubled before an ending: "stopped".
const MAX_DOUBLING_LETTERS: usize = 5;

/// Returns the word and its forms: plural, third person, past and "-ing".
pub(super) fn inflect(word: &str) -> Vec<String> {
    let mut forms = vec![word.to_owned()];
    let letters = word.as_bytes();
    if letters.len() < MIN_LETTERS || !letters.iter().all(u8::is_ascii_lowercase) {
        return forms;
    }
    let (last, second) = (letters[letters.len() - 1], letters[letters.len() - 2]);
    let stem = &word[..word.len() - 1];
    let mut add = |stem: &str, ending: &str| forms.push(format!("{stem}{ending}"));
    match last {
        b'e' => {
            add(word, "s");
            add(word, "d");
            add(stem, "ing");
        }
        b'y' if !is_vowel(second) => {
            add(stem, "ies");
            add(stem, "ied");
            add(word, "ing");
        }
        b's' | b'x' | b'z' => {
            add(word, "es");
            add(word, "ed");
            add(word, "ing");
        }
        b'h' if matches!(second, b'c' | b's') => {
            add(word, "es");
            add(word, "ed");
            add(word, "ing");
        }
        _ => {
            add(word, "s");
            add(word, "ed");
            add(word, "ing");
            let third = letters[letters.len() - 3];
            let doubles = letters.len() <= MAX_DOUBLING_LETTERS
                && !is_vowel(last)
                && !matches!(last, b'w' | b'y')
                && is_vowel(second)
                && !is_vowel(third);
            if doubles {
                let doubled = format!("{word}{}", char::from(last));
                add(&doubled, "ed");
                add(&doubled, "ing");
            }
        }
    }
    forms
}

const fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u')
}

#[cfg(test)]
mod tests {
    use super::inflect;

    #[test]
    fn forms_keep_the_word() {
        assert_eq!(
            inflect("complain"),
            ["complain", "complains", "complained", "complaining"]
        );
        assert_eq!(
            inflect("escalate"),
            ["escalate", "escalates", "escalated", "escalating"]
        );
        assert_eq!(
            inflect("emergency"),
            ["emergency", "emergencies", "emergencied", "emergencying"]
        );
        assert!(inflect("stop").contains(&"stopped".to_owned()));
        assert_eq!(inflect("to"), ["to"]);
        for (word, other) in [
            ("manager", "managed"),
            ("escalate", "escalator"),
            ("emergency", "emerging"),
        ] {
            assert!(!inflect(word).contains(&other.to_owned()), "{other}");
        }
    }
}
