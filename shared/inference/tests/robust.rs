//! Texts that are empty, very long, or otherwise unusual.

use std::time::{Duration, Instant};

use inference::{Embedder, SentimentModel, Unscored};

#[test]
fn a_text_without_words_is_neutral_and_says_so() {
    let model = SentimentModel::embedded().unwrap();
    for text in [
        "",
        " ",
        "\n\t  \r\n",
        "\u{0}\u{1}",
        "\u{200b}",
        "[noise]",
        " (laughs) <unk>\u{fe0f} [INAUDIBLE]",
    ] {
        let found = model.score(text).unwrap();
        assert_eq!((found.score, found.truncated), (0.5, false), "{text:?}");
        assert_eq!(found.unscored, Some(Unscored::NoWords), "{text:?}");
        assert!(found.emotions.is_empty() && found.signals.is_empty());
        assert_eq!(found.signal_probabilities.len(), 5);
        assert!(found.signal_probabilities.iter().all(|(_, p)| *p == 0.0));
    }
    for text in ["ok", "no", ".", "\u{1f621}", "[noise] ok"] {
        assert_eq!(model.score(text).unwrap().unscored, None, "{text:?}");
    }
}

#[test]
fn a_long_text_is_cut_after_256_tokens_and_not_by_characters() {
    let model = SentimentModel::embedded().unwrap();
    let exact = vec!["word"; 254].join(" ");
    let found = model.score(&exact).unwrap();
    assert_eq!((found.tokens, found.truncated), (256, false));
    // 254 tokens of 12 letters are far past any limit of characters, and what follows them changes nothing
    for tail in [
        " awful",
        " awful terrible horrible",
        ".",
        &" hate".repeat(100_000),
    ] {
        let longer = model.score(&format!("{exact}{tail}")).unwrap();
        assert_eq!((longer.tokens, longer.truncated), (256, true));
        assert_eq!(longer.probabilities, found.probabilities);
    }
    let long_words = vec!["understanding"; 254].join(" ");
    assert_eq!(model.score(&long_words).unwrap().tokens, 256);
    assert!(!model.score(&long_words).unwrap().truncated);
}

#[test]
fn a_megabyte_costs_about_what_its_first_tokens_cost() {
    let model = SentimentModel::embedded().unwrap();
    let text = "I have been waiting for twenty minutes and nobody answers. ".repeat(20_000);
    let started = Instant::now();
    let found = model.score(&text).unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert!(found.truncated && found.tokens == 256);
    let prefix = "I have been waiting for twenty minutes and nobody answers. ".repeat(40);
    assert_eq!(found, model.score(&prefix).unwrap());
}

#[test]
fn one_word_of_a_megabyte_and_text_without_spaces_are_answered() {
    let model = SentimentModel::embedded().unwrap();
    assert_eq!(model.score(&"a".repeat(1_000_000)).unwrap().tokens, 3);
    let chinese = model.score(&"你好".repeat(10_000)).unwrap();
    assert_eq!(chinese.unscored, Some(Unscored::OtherLanguage));
    assert!(model.score(&"😀".repeat(10_000)).unwrap().score.is_finite());
    assert!(model.score(&"!?".repeat(50_000)).unwrap().truncated);
}

#[test]
fn special_tokens_written_in_a_text_do_no_harm() {
    let model = SentimentModel::embedded().unwrap();
    for text in [
        "[CLS] [SEP] [MASK] [PAD] [UNK]",
        "[SEP]",
        "\u{202e}gnp.exe",
        "e\u{301}\u{301}\u{301}",
        "\u{fffd}",
    ] {
        let found = model.score(text).unwrap();
        assert!((0.0..=1.0).contains(&found.score), "{text:?}");
        assert!((found.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn the_threshold_decides_which_emotions_are_tags() {
    let text = "I am extremely frustrated with this service and want a refund immediately.";
    let all = SentimentModel::embedded()
        .unwrap()
        .with_emotion_threshold(0.0)
        .score(text)
        .unwrap()
        .emotions;
    assert_eq!(all.len(), 27, "every emotion but neutral");
    assert!(all.is_sorted_by(|a, b| a.1 >= b.1));
    assert_eq!(all[0].0, "anger");
    let none = SentimentModel::embedded()
        .unwrap()
        .with_emotion_threshold(1.0)
        .score(text)
        .unwrap()
        .emotions;
    assert!(none.is_empty());
}

#[test]
fn token_places_are_in_order_inside_the_text_and_count_what_is_embedded() {
    let model = Embedder::embedded().unwrap();
    for text in [
        "My router's broken!",
        "¿Dónde está mi pedido? 😀",
        "",
        "Überraschung\u{301} ﬁn",
        "a\u{0}b  c\n",
    ] {
        let spans = model.tokens(text).unwrap();
        assert_eq!(spans.len(), model.count_tokens(text).unwrap());
        assert!(
            spans.iter().all(|s| text.get(s.clone()).is_some()),
            "{text:?}: {spans:?}"
        );
        assert!(spans.is_sorted_by(|a, b| a.start <= b.start && a.end <= b.end));
    }
    let words: Vec<_> = model
        .tokens("my bill, please")
        .unwrap()
        .into_iter()
        .map(|s| &"my bill, please"[s])
        .collect();
    assert_eq!(words, ["my", "bill", ",", "please"]);
}

#[test]
fn vectors_have_length_1_and_like_texts_are_near() {
    let model = Embedder::embedded().unwrap();
    assert_eq!(
        (
            model.dimension(),
            model.max_tokens(),
            model.max_content_tokens()
        ),
        (384, 256, 254)
    );
    let embed = |text: &str| model.embed(text).unwrap();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let (bill, charge, router) = (
        embed("My bill is wrong"),
        embed("I was charged twice"),
        embed("The router is offline"),
    );
    assert!(dot(&bill, &charge) > dot(&bill, &router));
    for text in ["", " ", "ok", &"word ".repeat(5_000)] {
        let vector = embed(text);
        assert!((dot(&vector, &vector) - 1.0).abs() < 1e-5);
    }
}
