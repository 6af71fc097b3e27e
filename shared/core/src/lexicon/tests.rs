//! The lexicon's scores of sentences that customers and agents say.

use super::*;
use proptest::prelude::*;

fn of(text: &str) -> f64 {
    score(text).score.get()
}

#[test]
fn complaints_score_low_and_praise_scores_high() {
    let bad = [
        "I want a refund, this is ridiculous",
        "Your service is terrible and I am very angry",
        "I've been on hold for an hour and nobody helps",
        "The app keeps crashing, I am fed up",
        "My lawyer will hear about this",
    ];
    let good = [
        "The agent was very helpful and resolved my issue quickly",
        "Thank you so much, that is perfect",
        "Great, it works now!",
        "I was dreading this call but you made it simple",
    ];
    for text in bad {
        assert!(of(text) < 0.3, "{text}: {}", of(text));
    }
    for text in good {
        assert!(of(text) > 0.7, "{text}: {}", of(text));
    }
}

#[test]
fn unknown_words_are_neutral() {
    for text in ["", "My account number is 12345", "qwertz", "请问", "😡"] {
        let result = score(text);
        assert_eq!(
            (result.score, result.matched),
            (Score::NEUTRAL, 0),
            "{text}"
        );
    }
}

#[test]
fn negation_turns_a_word_over_within_its_clause() {
    assert!(of("not helpful") < 0.4);
    assert!(of("you were not very helpful") < 0.4);
    assert!(of("it is not bad") > 0.6);
    assert!(of("no issues") > 0.5);
    assert!(
        of("No, that was helpful") > 0.7,
        "the comma ends the negation"
    );
    assert!(of("no thanks") >= 0.5);
}

#[test]
fn a_negated_word_is_weaker_than_its_opposite() {
    assert!(of("not good") > of("bad"));
    assert!(of("not bad") < of("great"));
}

#[test]
fn intensifiers_strengthen_and_diminishers_weaken() {
    assert!(of("very helpful") > of("helpful"));
    assert!(of("extremely rude") < of("rude"));
    assert!(of("slightly annoyed") > of("annoyed"));
}

#[test]
fn but_weighs_what_follows() {
    assert!(of("the agent was friendly but the app is broken") < 0.5);
    assert!(of("the app is broken but the agent was friendly") > 0.5);
}

#[test]
fn each_but_halves_what_was_said_before_it() {
    let result = score("great service but slow app but friendly but");
    let expected = (2.0 / 8.0, 1.5 / 4.0, 3.0 / 2.0);
    assert_eq!(
        (result.positive, result.negative),
        (expected.0 + expected.2, expected.1)
    );
    let result = score(&format!("great {}", "but ".repeat(2000)));
    assert_eq!(
        (result.positive, result.negative, result.matched),
        (0.0, 0.0, 1)
    );
}

/// No clock is read: halving each weight before each "but" by itself would take a minute and more for a text of this length.
#[test]
fn a_text_of_six_hundred_thousand_words_full_of_but_is_scored_in_linear_time() {
    let result = score(&"great but awful but ".repeat(150_000));
    // Each "but" takes half back, so that the sums settle where a turn adds what it takes.
    assert_eq!(
        (result.positive, result.negative, result.matched),
        (1.0, 3.0, 300_000)
    );
}

#[test]
fn curly_apostrophes_are_read_as_straight_ones() {
    for apostrophe in ["\u{2019}", "\u{2018}", "\u{02bc}", "\u{00b4}", "`"] {
        assert_eq!(
            score(&format!("it isn{apostrophe}t helpful")),
            score("it isn't helpful")
        );
    }
}

#[test]
fn no_sum_is_a_negative_zero() {
    for text in [
        "",
        "great",
        "awful",
        "my account",
        "no problem",
        "great but",
    ] {
        let result = score(text);
        for sum in [result.positive, result.negative] {
            assert!(sum != 0.0 || sum.is_sign_positive(), "{text}: {result:?}");
        }
    }
}

#[test]
fn phrases_count_once_and_not_by_their_words() {
    let result = score("waste of time");
    assert_eq!((result.matched, result.negative), (1, 2.0));
    assert!(of("no problem") > 0.5);
}

#[test]
fn the_sums_explain_the_score() {
    let result = score("great agent, slow app");
    assert_eq!(
        (result.positive, result.negative, result.matched),
        (2.0, 1.0, 2)
    );
}

#[test]
fn no_entry_is_listed_twice_or_too_long_to_match() {
    assert_eq!(entries::all().count(), entries::count_listed());
    for (entry, weight) in entries::all() {
        let tokens = tokenize(entry);
        assert_eq!(
            entries::match_longest(&tokens),
            (Some(weight), tokens.len()),
            "{entry}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_has_a_score_on_the_scale(text in ".{0,300}") {
        prop_assert!((0.0..=1.0).contains(&of(&text)));
    }

    #[test]
    fn more_praise_never_lowers_the_score(times in 1usize..50) {
        prop_assert!(of(&"great ".repeat(times + 1)) >= of(&"great ".repeat(times)));
    }
}
