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
            let found = analyzer.polarity(&text);
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
fn a_long_transcript_full_of_buts_is_scored_in_time() {
    let text = "good bad but ".repeat(16_000);
    assert!(text.len() > 200_000);
    let started = std::time::Instant::now();
    let scored = polarity(&text);
    assert!((-1.0..=1.0).contains(&scored.compound));
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

proptest! {
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
