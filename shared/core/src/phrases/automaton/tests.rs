//! The automaton against the signs of the language, and against a matcher that tries everything.

use proptest::prelude::*;

use super::*;
use crate::phrases::syntax::WordPattern;

fn found(phrase: &str, text: &str) -> Vec<Range<usize>> {
    let set = PhraseSet::parse(&[phrase], &["manger".to_owned()]).unwrap();
    let mut places: Vec<_> = set
        .occurrences(&Words::new(text))
        .into_iter()
        .map(|occurrence| occurrence.words)
        .collect();
    places.dedup();
    places
}

#[test]
fn each_sign_matches_what_it_says() {
    for (phrase, text, place) in [
        ("complaint", "two complaints", Some(1..2)),
        ("complaint", "a complant", Some(1..2)),
        ("=complaint", "two complaints", None),
        ("=complaint", "a complant", None),
        ("manager", "in a manger", None),
        ("manager", "the mangaer", Some(1..2)),
        ("lawyer*", "lawyerly", Some(0..1)),
        ("arrived|*ed it", "you solved it", Some(1..3)),
        ("# (day|hour)", "in 14 days", Some(1..3)),
        ("sue/verb", "I will sue", Some(2..3)),
        ("sue/verb", "ask Sue please", None),
        (
            "cancel * account",
            "cancel my whole old account",
            Some(0..5),
        ),
        ("cancel *2 account", "cancel my whole old account", None),
        ("cancel * account", "cancel, my account", None),
        ("cancel , * account", "cancel, my account", Some(0..3)),
        ("cancel , * account", "cancel. My account", None),
        ("not [very] happy", "not happy", Some(0..2)),
        ("not [very] happy", "not very happy", Some(0..3)),
        ("^ manager", "the manager", None),
        ("^ manager", "please, manager", Some(1..2)),
        ("no manager $", "no manager, please", Some(0..2)),
        ("no manager $", "no manager called", None),
        ("no manager $", "no manager", Some(0..2)),
    ] {
        assert_eq!(
            found(phrase, text).first(),
            place.as_ref(),
            "{phrase}: {text}"
        );
    }
}

#[test]
fn a_phrase_begins_with_a_word() {
    for phrase in ["* a", "[a] $", "[a]", "[a] * b", "$ a", ", a"] {
        let error = PhraseSet::parse(&["fine", phrase], &[]).unwrap_err();
        assert_eq!(error, (1, InvalidPhrase::NoFirstWord), "{phrase}");
    }
}

#[test]
fn all_phrases_are_found_with_their_numbers_and_places() {
    let set = PhraseSet::parse(&["a b", "b|c", "a * d"], &[]).unwrap();
    let found: Vec<_> = set
        .occurrences(&Words::new("a b c d"))
        .into_iter()
        .map(|occurrence| (occurrence.phrase, occurrence.words))
        .collect();
    // Spelled letters are one word.
    assert!(found.is_empty());
    let set = PhraseSet::parse(&["aa bb", "bb|cc", "aa * dd"], &[]).unwrap();
    let mut found: Vec<_> = set
        .occurrences(&Words::new("aa bb cc dd"))
        .into_iter()
        .map(|occurrence| (occurrence.phrase, occurrence.words))
        .collect();
    found.sort_by_key(|(phrase, words)| (*phrase, words.start));
    assert_eq!(found, [(0, 0..2), (1, 1..2), (1, 2..3), (2, 0..4)]);
}

#[test]
fn the_steps_grow_with_the_text_and_not_with_its_ways() {
    // A backtracking matcher takes two to the power of thirty steps here.
    let phrase = format!("aa {} bb", "[aa] ".repeat(30));
    let set = PhraseSet::parse(&[phrase], &[]).unwrap();
    let words = Words::new(&"aa ".repeat(500));
    assert!(set.occurrences(&words).is_empty());
}

/// Returns all ends of a node that begins at a word, by trying everything.
fn ends(node: &Node, words: &[&str], at: usize) -> Vec<usize> {
    match node {
        Node::Word(WordPattern::Forms(word) | WordPattern::Exact(word)) => {
            let fits = words.get(at) == Some(&word.as_str());
            fits.then_some(at + 1).into_iter().collect()
        }
        Node::Gap(most) => (at..=(at + usize::from(*most)).min(words.len())).collect(),
        Node::Sequence(nodes) => nodes.iter().fold(vec![at], |starts, node| {
            starts
                .iter()
                .flat_map(|at| ends(node, words, *at))
                .collect()
        }),
        Node::Either(nodes) => nodes
            .iter()
            .flat_map(|node| ends(node, words, at))
            .collect(),
        Node::Optional(node) => [vec![at], ends(node, words, at)].concat(),
        _ => Vec::new(),
    }
}

fn any_node() -> impl Strategy<Value = Node> {
    let word = prop::sample::select(vec!["aa", "bb", "cc"])
        .prop_map(|word| Node::Word(WordPattern::Exact(word.to_owned())));
    let leaf = prop_oneof![4 => word, 1 => (1_u8..4).prop_map(Node::Gap)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Node::Sequence),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Node::Either),
            inner.prop_map(|node| Node::Optional(Box::new(node))),
        ]
    })
}

proptest! {
    #[test]
    fn the_places_are_those_that_trying_everything_finds(
        node in any_node(),
        words in prop::collection::vec(prop::sample::select(vec!["aa", "bb", "cc", "dd"]), 0..10),
    ) {
        let first = Node::Word(WordPattern::Exact("aa".to_owned()));
        let node = Node::Sequence(vec![first, node]);
        let mut set = PhraseSet::default();
        set.add(&node).unwrap();
        let text = words.join(" ");
        let mut found: Vec<(usize, usize)> = set
            .occurrences(&Words::new(&text))
            .into_iter()
            .map(|occurrence| (occurrence.words.start, occurrence.words.end))
            .collect();
        let mut expected: Vec<(usize, usize)> = (0..words.len())
            .flat_map(|at| ends(&node, &words, at).into_iter().map(move |end| (at, end)))
            .collect();
        found.sort_unstable();
        found.dedup();
        expected.sort_unstable();
        expected.dedup();
        prop_assert_eq!(&found, &expected);
        for near in 0..words.len() {
            let mut around: Vec<(usize, usize)> = set
                .occurrences_near(&Words::new(&text), near..near + 1)
                .into_iter()
                .map(|occurrence| (occurrence.words.start, occurrence.words.end))
                .collect();
            around.dedup();
            for place in found.iter().filter(|(start, end)| (*start..*end).contains(&near)) {
                prop_assert!(around.contains(place), "{place:?} covers {near}");
            }
            prop_assert!(around.iter().all(|place| found.contains(place)));
        }
    }
}
