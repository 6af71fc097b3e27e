//! Kinds of lines that earlier versions of the model got wrong in the field: calm answers, emoji, praise that is none, names and chat
//! spellings, signals, and other languages.

use inference::{SentimentModel, Unscored};

/// What a line must score.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// Below 0.4.
    Negative,
    /// At least 0.3: no alert.
    Calm,
    /// Above 0.6.
    Positive,
}

use Expected::{Calm, Negative, Positive};

const LINES: &[(Expected, &str)] = &[
    // calm callers raise no alert
    (Calm, "no"),
    (Calm, "nope"),
    (Calm, "sorry could you repeat that"),
    (Calm, "um no that's all for today"),
    (Calm, "No, that is all."),
    (Calm, "no, only 2 tickets"),
    (Calm, "i lost my credit card can you send me a new one"),
    (Calm, "please cancel my subscription"),
    (Calm, "I forgot my password"),
    (Calm, "can you block my card"),
    (Calm, "I did not get that"),
    (Calm, "pardon me?"),
    (Calm, "my card was stolen can you block it"),
    // a fault that is put as a bare fact leans negative without an alert
    (Calm, "my parcel has not arrived"),
    (Calm, "the heating has been off since Friday"),
    (Calm, "the engineer did not come yesterday"),
    (Calm, "my battery died on the way so I could not call"),
    // emoji are read
    (Negative, "\u{1f621}"),
    (Negative, "\u{1f92c}"),
    (Negative, "\u{1f62d}\u{1f62d}"),
    (Negative, "ok \u{1f621}"),
    (Negative, "\u{1f44e}"),
    (Negative, "great service \u{1f644}"),
    (Positive, "\u{1f44d}"),
    (Positive, "\u{2764}\u{fe0f}"),
    (Positive, "thanks \u{2764}\u{fe0f}\u{1f44d}\u{1f3fd}"),
    // praise that is none, and anger that is none
    (Negative, "thank you for nothing"),
    (Negative, "thanks for the twelve hour delay"),
    (Negative, "thanks but it is still broken"),
    (Negative, "oh great, another hour on hold"),
    (Negative, "you've got to be kidding me"),
    (Negative, "what a joke"),
    (Negative, "wonderful, charged twice again"),
    (Negative, "just what I needed, another form"),
    (Positive, "I can't complain"),
    (Positive, "you never let me down"),
    (Positive, "not bad at all"),
    (
        Positive,
        "I was furious this morning but your colleague sorted everything out",
    ),
    // names and chat spellings
    (Negative, "this sux"),
    (Positive, "thx so much u r gr8"),
    (Calm, "my wife Sue will pick it up"),
    (Calm, "the killer whale tour please"),
    (Calm, "I live on Bloody Bridge Road"),
    (Calm, "I bought Angry Birds"),
    (Negative, "I am N O T happy"),
];

#[test]
fn lines_of_the_field_score_as_a_supervisor_would_expect() {
    let model = SentimentModel::embedded().unwrap();
    let wrong: Vec<_> = LINES
        .iter()
        .filter_map(|(expected, text)| {
            let score = model.score(text).unwrap().score;
            let is_right = match expected {
                Negative => score < 0.4,
                Calm => score >= 0.3,
                Positive => score > 0.6,
            };
            (!is_right).then_some((expected, score, text))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn signals_are_found_in_wordings_without_a_keyword() {
    let model = SentimentModel::embedded().unwrap();
    for (text, signal) in [
        ("I will sue you", "legal"),
        ("no manager has called me back", "manager"),
        ("I want to speak to whoever is in charge there", "manager"),
        (
            "I need this sorted today my mother has no heating",
            "urgent",
        ),
        ("i'm moving every penny to another bank on monday", "churn"),
        ("my husband passed away", "vulnerable"),
    ] {
        let analysis = model.score(text).unwrap();
        assert!(
            analysis.signals.iter().any(|(name, _)| name == signal),
            "{text}: {:?}",
            analysis.signal_probabilities
        );
        let (name, highest) = &analysis.signals[0];
        let stated = analysis
            .signal_probabilities
            .iter()
            .find(|(other, _)| other == name);
        assert_eq!(stated.map(|(_, probability)| probability), Some(highest));
    }
    for text in [
        "legal size paper",
        "my wife Sue will pick it up",
        "ok",
        "can you change the legal name on my account",
    ] {
        let signals = model.score(text).unwrap().signals;
        assert!(signals.is_empty(), "{text}: {signals:?}");
    }
}

#[test]
fn a_text_in_a_language_that_is_not_read_is_neutral_and_named() {
    let model = SentimentModel::embedded().unwrap();
    for (text, code) in [
        ("estoy muy enojado con su servicio", "es"),
        ("c'est inadmissible, je suis très déçu", "fr"),
        ("das ist eine Frechheit \u{1f621}", "de"),
        ("[noise] muchas gracias", "es"),
        ("не работает, верните деньги, это ужасно", "ru"),
    ] {
        let analysis = model.score(text).unwrap();
        assert_eq!(analysis.unscored, Some(Unscored::OtherLanguage), "{text}");
        assert_eq!(
            analysis.language.map(|language| language.code()),
            Some(code)
        );
        assert_eq!(
            (analysis.score, analysis.probabilities),
            (0.5, [0.0, 1.0, 0.0])
        );
        assert!(analysis.emotions.is_empty() && analysis.signals.is_empty());
    }
    let english = model.score("this is outrageous").unwrap();
    assert_eq!(english.unscored, None);
    assert_eq!(english.language.map(|language| language.code()), Some("en"));
}

#[test]
fn no_utterance_of_a_contact_center_is_taken_for_another_language() {
    let model = SentimentModel::embedded().unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/training/utterances");
    for (file, expected) in [("train.tsv", 400), ("hard.tsv", 119)] {
        let utterances = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        let mut count = 0;
        for line in utterances.lines().step_by(25) {
            let text = line.split('\t').next_back().unwrap();
            assert_eq!(model.score(text).unwrap().unscored, None, "{text}");
            count += 1;
        }
        assert_eq!(count, expected, "{file}");
    }
}
