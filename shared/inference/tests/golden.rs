//! Compares the shipped models with the results of ONNX Runtime in `models/*/reference.json`.

use inference::{Embedder, SentimentModel};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Scored {
    text: String,
    ids: Vec<u32>,
    sentiment_logits: [f32; 3],
    emotion_logits: Vec<f32>,
    signal_logits: Vec<f32>,
}

/// The labels of the shipped model and their thresholds.
#[derive(Deserialize)]
struct Labels {
    emotion_id2label: BTreeMap<usize, String>,
    emotion_thresholds: BTreeMap<String, f32>,
    signal_id2label: BTreeMap<usize, String>,
    signal_thresholds: BTreeMap<String, f32>,
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

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Checks that the labels found are those whose logits reach their thresholds, but for logits so near that one step of
/// quantization which rounds the other way decides.
fn assert_labels(
    found: &[(String, f32)],
    names: &BTreeMap<usize, String>,
    thresholds: &BTreeMap<String, f32>,
    logits: &[f32],
    text: &str,
) {
    assert_eq!(
        (names.len(), thresholds.len()),
        (logits.len(), logits.len())
    );
    assert!(found.is_sorted_by(|a, b| a.1 >= b.1));
    for (index, logit) in logits.iter().enumerate() {
        let name = &names[&index];
        if name == "neutral" {
            assert!(found.iter().all(|(other, _)| other != name));
            continue;
        }
        let threshold = thresholds[name];
        let distance = (threshold / (1.0 - threshold)).ln() - logit;
        match found.iter().find(|(other, _)| other == name) {
            Some((_, probability)) => assert!(
                (probability - sigmoid(*logit)).abs() < 0.05,
                "{name} has {probability}, not {}: {text}",
                sigmoid(*logit)
            ),
            None => assert!(distance > -0.25, "{name} is missing: {text}"),
        }
        let is_spurious = distance > 0.25 && found.iter().any(|(other, _)| other == name);
        assert!(!is_spurious, "{name} is none of: {text}");
    }
}

#[test]
fn scores_tags_and_signals_are_those_of_the_reference() {
    let model = SentimentModel::embedded().unwrap();
    let labels: Labels =
        serde_json::from_str(include_str!("../models/sentiment/config.json")).unwrap();
    let reference: Vec<Scored> =
        serde_json::from_str(include_str!("../models/sentiment/reference.json")).unwrap();
    assert!(reference.len() > 15);
    for expected in reference {
        let (found, text) = (model.score(&expected.text).unwrap(), &expected.text);
        assert_eq!(found.tokens, expected.ids.len(), "{text}");
        assert_eq!(found.truncated, expected.ids.len() == 256, "{text}");
        assert_eq!(found.unscored, None, "{text}");
        let probabilities = softmax(expected.sentiment_logits);
        for (found, expected) in found.probabilities.iter().zip(probabilities) {
            assert!(
                (found - expected).abs() < 0.01,
                "{found} is not {expected}: {text}"
            );
        }
        let score = f64::from(probabilities[2] + 0.5 * probabilities[1]);
        assert!(
            (found.score - score).abs() < 0.01,
            "{} is not {score}: {text}",
            found.score
        );
        let (names, thresholds) = (&labels.emotion_id2label, &labels.emotion_thresholds);
        assert_labels(
            &found.emotions,
            names,
            thresholds,
            &expected.emotion_logits,
            text,
        );
        let (names, thresholds) = (&labels.signal_id2label, &labels.signal_thresholds);
        assert_labels(
            &found.signals,
            names,
            thresholds,
            &expected.signal_logits,
            text,
        );
        assert_eq!(found.signal_probabilities.len(), names.len());
        for ((name, probability), (index, logit)) in found
            .signal_probabilities
            .iter()
            .zip(expected.signal_logits.iter().enumerate())
        {
            assert_eq!(name, &names[&index]);
            assert!(
                (probability - sigmoid(*logit)).abs() < 0.05,
                "{name}: {text}"
            );
        }
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
