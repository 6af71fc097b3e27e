//! Writes contractions and short forms of chats out, so that a phrase names one form of each.

/// Words that are written out as several words, or as another word, in the order of their letters.
const WRITTEN_OUT: &[(&str, &str)] = &[
    ("aint", "is not"),
    ("arent", "are not"),
    ("cannot", "can not"),
    ("cant", "can not"),
    ("couldnt", "could not"),
    ("didnt", "did not"),
    ("doesnt", "does not"),
    ("dont", "do not"),
    ("dunno", "do not know"),
    ("gimme", "give me"),
    ("gonna", "going to"),
    ("gotta", "got to"),
    ("hadnt", "had not"),
    ("hasnt", "has not"),
    ("havent", "have not"),
    ("im", "i am"),
    ("isnt", "is not"),
    ("its", "it is"),
    ("ive", "i have"),
    ("lemme", "let me"),
    ("let's", "let us"),
    ("mustnt", "must not"),
    ("neednt", "need not"),
    ("pls", "please"),
    ("plz", "please"),
    ("shan't", "shall not"),
    ("shouldnt", "should not"),
    ("thats", "that is"),
    ("theres", "there is"),
    ("theyre", "they are"),
    ("theyve", "they have"),
    ("thx", "thanks"),
    ("tnx", "thanks"),
    ("u", "you"),
    ("ur", "your"),
    ("wanna", "want to"),
    ("wasnt", "was not"),
    ("werent", "were not"),
    ("weve", "we have"),
    ("whats", "what is"),
    ("won't", "will not"),
    ("wont", "will not"),
    ("wouldnt", "would not"),
    ("youre", "you are"),
    ("youve", "you have"),
];

/// Words after which "'s" is short for "is"; after all others it is a possessive.
const WORDS_BEFORE_IS: &[&str] = &[
    "he", "here", "how", "it", "she", "that", "there", "this", "what", "when", "where", "who",
    "why",
];

/// Returns the words that a short form in lower case stands for.
pub(super) fn expand(word: &str) -> Option<&'static str> {
    let at = WRITTEN_OUT.binary_search_by_key(&word, |(short, _)| *short);
    at.ok().map(|at| WRITTEN_OUT[at].1)
}

/// Splits a word into the word itself and what its contracted ending stands for.
pub(super) fn expand_ending(word: &str) -> (&str, Option<&'static str>) {
    const ENDINGS: &[(&str, &str)] = &[
        ("n't", "not"),
        ("'m", "am"),
        ("'re", "are"),
        ("'ve", "have"),
        ("'ll", "will"),
        ("'d", "would"),
    ];
    for (ending, written_out) in ENDINGS {
        if let Some(word) = word.strip_suffix(ending).filter(|word| !word.is_empty()) {
            return match word {
                // "can't" loses the letter that it shares with "not".
                "ca" => ("can", Some(written_out)),
                "ai" => ("is", Some(written_out)),
                word => (word, Some(written_out)),
            };
        }
    }
    match word.strip_suffix("'s") {
        Some(word) if WORDS_BEFORE_IS.contains(&word) => (word, Some("is")),
        Some(word) if !word.is_empty() => (word, None),
        _ => (word, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_and_has_no_word_twice() {
        assert!(WRITTEN_OUT.is_sorted_by(|one, other| one.0 < other.0));
    }

    #[test]
    fn endings_are_written_out_and_possessives_dropped() {
        assert_eq!(expand_ending("can't"), ("can", Some("not")));
        assert_eq!(expand_ending("isn't"), ("is", Some("not")));
        assert_eq!(expand_ending("it's"), ("it", Some("is")));
        assert_eq!(expand_ending("driver's"), ("driver", None));
        assert_eq!(expand_ending("'s"), ("'s", None));
        assert_eq!(expand_ending("plain"), ("plain", None));
    }
}
