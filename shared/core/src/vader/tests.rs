//! Comparison with the reference program's own answers in `tests/fixtures/vader.json`, and properties of any text.

use proptest::prelude::*;

use super::*;

fn fixture() -> Vec<(String, f64, f64, f64, f64)> {
    serde_json::from_str(include_str!("../../tests/fixtures/vader.json")).unwrap()
}

#[test]
fn every_rule_answers_as_the_reference_program() {
    let sentences = fixture();
    assert!(sentences.len() > 400);
    let mut analyzer = Analyzer::default();
    let wrong: Vec<_> = sentences
        .into_iter()
        .filter_map(|(text, compound, pos, neu, neg)| {
            let expected = Polarity {
                compound,
                pos,
                neu,
                neg,
            };
            let found = analyzer.polarity_as_written(&text);
            (found != expected).then(|| format!("{text:?}: {found:?} instead of {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_used_analyzer_answers_as_a_fresh_one() {
    let mut analyzer = Analyzer::default();
    for (text, ..) in fixture() {
        assert_eq!(analyzer.polarity(&text), polarity(&text), "{text:?}");
    }
}

#[test]
fn curly_apostrophes_are_read_as_straight_ones() {
    for apostrophe in ["\u{2019}", "\u{2018}", "\u{02bc}", "\u{00b4}", "`"] {
        let curly = format!("I don{apostrophe}t like this service");
        assert_eq!(polarity(&curly), polarity("I don't like this service"));
        assert_eq!(polarity(&curly).compound, -0.2755);
    }
}

#[test]
fn no_figure_is_a_negative_zero() {
    for text in ["good", "bad", "the invoice", "", "good bad", "ok", "no"] {
        let said = polarity(text);
        for figure in [said.compound, said.pos, said.neu, said.neg] {
            assert!(
                figure != 0.0 || figure.is_sign_positive(),
                "{text}: {said:?}"
            );
        }
    }
}

/// The loop of the reference program: for each valence it looks up the first equal one and changes that.
fn weigh_around_but_by_search(valences: &mut [f64], but: usize) {
    for turn in 0..valences.len() {
        let valence = valences[turn];
        let first = valences.iter().position(|other| *other == valence).unwrap();
        if first < but {
            valences[first] *= 0.5;
        } else if first > but {
            valences[first] *= 1.5;
        }
    }
}

/// No clock is read: looking up the first equal valence from the start for each word, as the reference program does, would take a
/// minute and more for a text of this length.
#[test]
fn a_text_of_four_hundred_thousand_words_around_but_is_scored_in_about_linear_time() {
    let half = "good app ".repeat(100_000);
    let said = polarity(&format!("{half}but {half}"));
    // "good" has 1.9, halved before "but" and raised by half after it; each valence counts one more than it is, "app" one.
    let (before, after) = (1.9 * 0.5 + 1.0, 1.9 * 1.5 + 1.0);
    let positive = (before + after) / (before + after + 2.0);
    assert_eq!(said.pos, round_half_even(positive, 3));
    assert_eq!((said.neg, said.compound), (0.0, 1.0));
}

proptest! {
    #[test]
    fn valences_around_but_change_as_in_the_reference_program(
        mut valences in prop::collection::vec(prop_oneof![Just(0.0), Just(-0.0), Just(1.0), Just(2.0), Just(0.5), Just(-1.9), Just(1.5), Just(3.0), -4.0..4.0], 1..40),
        but in 0_usize..40,
    ) {
        let but = but.min(valences.len() - 1);
        valences[but] = 0.0;
        let mut expected = valences.clone();
        weigh_around_but_by_search(&mut expected, but);
        rules::weigh_around_but(&mut valences, but);
        prop_assert_eq!(valences, expected);
    }

    #[test]
    fn any_text_gives_figures_on_their_scales(text in "\\PC{0,80}|([a-zA-Z!?:) ]|good|bad|not|but|no|😀){0,60}") {
        let said = polarity(&text);
        prop_assert!((-1.0..=1.0).contains(&said.compound));
        for share in [said.pos, said.neu, said.neg] {
            prop_assert!((0.0..=1.0).contains(&share));
        }
        prop_assert!(said == Polarity::default() || (said.pos + said.neu + said.neg - 1.0).abs() < 0.0021);
    }
}
