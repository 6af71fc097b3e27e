//! Compares the shipped models with the results of ONNX Runtime in `models/*/reference.json`.

use inference::{Embedder, SentimentModel};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Scored {
    text: String,
    token_ids: Vec<u32>,
    sentiment_logits: [f32; 3],
    score: f64,
    emotions: BTreeMap<String, f32>,
}

#[derive(Deserialize)]
struct Embedded {
    text: String,
    token_ids: Vec<u32>,
    float32: Vec<f32>,
    int8_cosine_to_float32: f32,
}

fn softmax(logits: [f32; 3]) -> [f32; 3] {
    let exps = logits.map(f32::exp);
    exps.map(|e| e / exps.iter().sum::<f32>())
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn scores_and_tags_are_those_of_the_reference() {
    let model = SentimentModel::embedded().unwrap();
    let reference: Vec<Scored> =
        serde_json::from_str(include_str!("../models/sentiment/reference.json")).unwrap();
    assert!(reference.len() > 5);
    for expected in reference {
        let found = model.score(&expected.text).unwrap();
        assert_eq!(found.tokens, expected.token_ids.len(), "{}", expected.text);
        for (found, expected) in found
            .probabilities
            .iter()
            .zip(softmax(expected.sentiment_logits))
        {
            assert!((found - expected).abs() < 0.01, "{found} is not {expected}");
        }
        assert!(
            (found.score - expected.score).abs() < 0.005,
            "{} is not {}",
            found.score,
            expected.score
        );
        let tags: BTreeMap<_, _> = found.emotions.iter().cloned().collect();
        for (name, probability) in &expected.emotions {
            // one step of quantization that rounds the other way moves an emotion's logit by up to 0.2
            let clear = name != "neutral" && *probability > 0.35;
            match tags.get(name) {
                Some(p) => assert!(
                    (p - probability).abs() < 0.05,
                    "{name}: {p} is not {probability}"
                ),
                None => assert!(!clear, "{name} ({probability}) is missing in {tags:?}"),
            }
        }
        assert!(tags.keys().all(|n| n != "neutral"));
        assert!(found.emotions.is_sorted_by(|a, b| a.1 >= b.1));
    }
}

#[test]
fn vectors_are_those_of_the_reference() {
    let model = Embedder::embedded().unwrap();
    let reference: Vec<Embedded> =
        serde_json::from_str(include_str!("../models/embedding/reference.json")).unwrap();
    assert!(reference.len() > 3);
    for expected in reference {
        let found = model.embed(&expected.text).unwrap();
        let tokens = model.count_tokens(&expected.text).unwrap() + 2;
        assert_eq!(tokens.min(model.max_tokens()), expected.token_ids.len());
        assert!((found.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
        let (found, expected) = (
            cosine(&found, &expected.float32),
            expected.int8_cosine_to_float32,
        );
        assert!(
            (found - expected).abs() < 0.005,
            "cosine to float32 is {found}, not {expected}"
        );
    }
}
