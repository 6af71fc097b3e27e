//! Cards of thirty conversations, and that no card says what was not said.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::intent::IntentCategories;
use crate::rules::{RuleFile, example_dialogue};

/// Of thirty conversations, the cards that a reader would accept: reason, outcome and commitment all as a reader has them.
const ACCEPTED_CARDS: usize = 29;

#[derive(Deserialize)]
struct Fixture {
    dialogue: Vec<KnownDialogue>,
}

#[derive(Deserialize)]
struct KnownDialogue {
    id: String,
    industry: String,
    reason: String,
    outcome: String,
    commitment: String,
    text: String,
}

fn known() -> Vec<KnownDialogue> {
    let fixture: Fixture =
        toml::from_str(include_str!("../../tests/fixtures/card_dialogues.toml")).unwrap();
    fixture.dialogue
}

fn intents() -> IntentClassifier {
    IntentClassifier::new(IntentCategories::default(), None).unwrap()
}

fn is_as_expected(line: &CardLine, expected: &str) -> bool {
    match line.quote() {
        Some(quote) => !expected.is_empty() && quote.contains(expected),
        None => expected.is_empty(),
    }
}

#[test]
fn a_reader_accepts_the_cards_of_thirty_conversations() {
    let (mut accepted, mut table) = (0, String::new());
    let mut wrong = String::new();
    for known in known() {
        let dialogue = example_dialogue(&known.text, Speaker::Customer);
        let card = CallCard::new(&dialogue, &[], Some(&intents()));
        let lines = [
            (&card.reason, &known.reason),
            (&card.outcome, &known.outcome),
            (&card.commitment, &known.commitment),
        ];
        let right = lines.map(|(line, expected)| is_as_expected(line, expected));
        for ((line, expected), is_right) in lines.iter().zip(right) {
            if !is_right {
                wrong += &format!(
                    "{}: {:?} should hold {expected:?}\n",
                    known.id,
                    line.quote()
                );
            }
        }
        accepted += usize::from(right == [true; 3]);
        let mark = |is_right| if is_right { "yes" } else { "no" };
        table += &format!(
            "| {} | {} | {} | {} | {} |\n",
            known.id,
            known.industry,
            mark(right[0]),
            mark(right[1]),
            mark(right[2])
        );
    }
    assert_eq!(accepted, ACCEPTED_CARDS, "\n{wrong}\n{table}");
    let page = include_str!("../../../../docs/call-card.md");
    assert!(
        page.contains(&table),
        "docs/call-card.md should have this table:\n{table}"
    );
}

#[test]
fn the_risk_is_the_worst_rule_with_words() {
    let file = RuleFile::from_toml(
        "[[rule]]\nid=\"fee\"\nwhen={said=[\"fee\"]}\n[[rule]]\nid=\"legal\"\nseverity=\"severe\"\nwhen={said=[\"lawyer\"]}\n\
         [[rule]]\nid=\"notice\"\nseverity=\"severe\"\nwhen={not_said=[\"recorded\"]}\n",
    )
    .unwrap();
    let call = example_dialogue("this fee is wrong\nmy lawyer will write", Speaker::Customer);
    let card = CallCard::new(&call, &file.evaluate(&call).hits, None);
    let CardLine::Quote(risk) = &card.risk else {
        panic!("{:?}", card.risk)
    };
    assert_eq!(
        (risk.text.as_str(), risk.rule.as_deref()),
        ("lawyer", Some("legal"))
    );
    let quiet = example_dialogue("hello", Speaker::Customer);
    let card = CallCard::new(&quiet, &file.evaluate(&quiet).hits, None);
    assert_eq!(
        card.risk,
        CardLine::Unknown("the rule notice holds without words that could be quoted".to_owned())
    );
}

#[test]
fn a_scorecard_counts_known_answers_and_can_fail() {
    let file = RuleFile::from_toml(
        "[[rule]]\nid=\"greeting\"\ngood=true\nweight=3\nwhen={said=[\"welcome\"], by=\"agent\"}\n\
         [[rule]]\nid=\"rude\"\nweight=1\nfail=true\nwhen={said=[\"shut up\"], by=\"agent\"}\n\
         [[rule]]\nid=\"gold\"\nweight=5\nwhen={skill=\"gold\"}\n[[rule]]\nid=\"other\"\nwhen={said=[\"x\"]}\n",
    )
    .unwrap();
    let scorecard = |text: &str| {
        let call = example_dialogue(text, Speaker::Customer);
        Scorecard::new(&file, &file.evaluate(&call)).unwrap()
    };
    let good = scorecard("agent: welcome");
    assert_eq!(
        (good.answers.len(), good.score, good.is_failed),
        (3, Some(1.0), false)
    );
    assert_eq!(good.answers[2].passed, None, "the skill is not known");
    let bad = scorecard("agent: shut up");
    assert_eq!((bad.score, bad.is_failed), (Some(0.0), true));
    assert_eq!(bad.answers[1].quotes.len(), 1);
}

#[test]
fn a_debug_print_holds_no_words_of_the_conversation() {
    let call = example_dialogue("I want to cancel my zanzibar contract", Speaker::Customer);
    let card = CallCard::new(&call, &[], None);
    assert!(card.reason.quote().is_some());
    assert!(!format!("{card:?}").contains("zanzibar"));
}

/// Returns the words of the sentences of a text.
fn sentences(text: &str) -> Vec<String> {
    let utterance = Utterance::new(Speaker::Customer, 0, 1000, text);
    let found = sentences_of(&utterance);
    found.iter().map(|it| it.text().to_owned()).collect()
}

#[test]
fn a_sentence_ends_behind_a_point_and_no_number_is_cut() {
    assert_eq!(
        sentences("  I paid 49.99 at shop.com.  Really?\nYes! Twice "),
        ["I paid 49.99 at shop.com.", "Really?", "Yes!", "Twice"]
    );
    assert!(sentences(" \n ").is_empty());
}

#[test]
fn a_sentence_that_is_too_long_to_quote_is_cut_between_two_words() {
    let words = vec!["appointment"; 50];
    let cut = sentences(&words.join(" "));
    assert!(cut.len() > 1);
    for sentence in &cut {
        assert!(sentence.chars().count() <= MAX_QUOTE_CHARS);
        assert!(
            sentence.split(' ').all(|word| word == "appointment"),
            "{sentence}"
        );
    }
    assert_eq!(cut.join(" "), words.join(" "), "nothing is left out");
    // As many words as fit stand together.
    assert_eq!(cut[0].chars().count(), 20 * "appointment ".len() - 1);
    // A word that is longer than a quote is cut where the quote ends.
    let lengths = |text: &str| -> Vec<usize> {
        sentences(text)
            .iter()
            .map(|it| it.chars().count())
            .collect()
    };
    assert_eq!(lengths(&"é".repeat(500)), [240, 240, 20]);
    // The blank behind a sentence counts for the next one, and is none to cut at.
    assert_eq!(lengths(&format!("Yes. {}", "é".repeat(300))), [4, 239, 61]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_line_is_a_part_of_its_segment(
        lines in prop::collection::vec(
            (any::<bool>(), "([a-zé]{1,7}[ .,!?\n]{1,2}|I will |refund |is not working|I have cancelled |lawyer |[0-9]{1,4} ){0,60}"),
            0..25,
        )
    ) {
        let mut call = Dialogue::default();
        for (number, (is_agent, text)) in lines.iter().enumerate() {
            let speaker = if *is_agent { Speaker::Agent } else { Speaker::Customer };
            let start = number as i64 * 4000;
            call.utterances.push(Utterance::new(speaker, start, start + 3000, text.clone()));
        }
        let file = RuleFile::built_in();
        let card = CallCard::new(&call, &file.evaluate(&call).hits, Some(&intents()));
        for (name, line) in card.lines() {
            if let CardLine::Quote(found) = line {
                let segment = call.utterances.iter().find(|it| it.id.to_string() == found.segment).unwrap();
                prop_assert_eq!(quote(&segment.text, found.from..found.to), found.text.as_str(), "{}", name);
                prop_assert!(!found.text.trim().is_empty() && found.text.chars().count() <= MAX_QUOTE_CHARS);
                prop_assert_eq!(segment.speaker, found.speaker);
            }
        }
    }
}
