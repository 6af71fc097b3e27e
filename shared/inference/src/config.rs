//! The `config.json` of a model folder: labels, limits and the kind of the model.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Error;

/// Probability from which an emotion is a tag, unless the model's configuration states another one. The F1 score of the shipped
/// model (see `models/README.md`) is within 0.006 of its best at this threshold, with fewer false tags than at the best one.
const DEFAULT_EMOTION_THRESHOLD: f32 = 0.3;

/// The fields of `config.json` that this crate reads.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ModelConfig {
    #[serde(default)]
    pub(crate) model_type: String,
    #[serde(default, rename = "_name_or_path")]
    pub(crate) name: String,
    #[serde(default)]
    architectures: Vec<String>,
    id2label: Option<BTreeMap<String, String>>,
    emotion_id2label: Option<BTreeMap<String, String>>,
    emotion_threshold: Option<f32>,
    max_length: Option<usize>,
    max_position_embeddings: Option<usize>,
    pub(crate) vocab_size: Option<usize>,
}

/// The sentiment of each class of a model: 0 is negative, 1 is neutral, 2 is positive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Polarity(Vec<usize>);

impl ModelConfig {
    /// Parses the content of `config.json`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes)
            .map_err(|error| Error::config("not a model configuration").with_source(error))
    }

    /// Returns the largest number of tokens of a text, with the special tokens: the smaller one of `max_length` and the number of
    /// positions. Models of RoBERTa's kind cannot use the first two positions.
    pub(crate) fn max_tokens(&self) -> Option<usize> {
        let kind = self.model_type.replace('_', "-").to_ascii_lowercase();
        let reserved = if kind.contains("roberta") || kind == "camembert" || kind == "mpnet" {
            2
        } else {
            0
        };
        let positions = self
            .max_position_embeddings
            .map(|n| n.saturating_sub(reserved));
        match (self.max_length, positions) {
            (Some(length), Some(positions)) => Some(length.min(positions)),
            (length, positions) => length.or(positions),
        }
    }

    /// Returns whether the model sorts texts or tokens into classes, so that its output is no vector of a text.
    pub(crate) fn is_classifier(&self) -> bool {
        self.architectures
            .iter()
            .any(|name| name.ends_with("Classification"))
    }

    /// Returns the classes of a sentiment model, in the order of the model's output.
    pub(crate) fn polarity(&self) -> Result<Polarity, Error> {
        let allowed =
            "negative/neg, neutral/neu and positive/pos in any case, with or without neutral";
        let labels = self.id2label.as_ref().ok_or_else(|| {
            Error::config(format!(
                "id2label is missing: it names the model's classes, {allowed}"
            ))
        })?;
        let mut classes = Vec::with_capacity(labels.len());
        for label in labels_in_order(labels, "id2label")? {
            let class = class_of_label(&label).ok_or_else(|| {
                Error::config(format!(
                    "id2label has the label {label:?}; allowed are {allowed}"
                ))
            })?;
            if classes.contains(&class) {
                return Err(Error::config(format!(
                    "id2label has two labels for one class: {label:?} repeats it"
                )));
            }
            classes.push(class);
        }
        if classes.contains(&0) && classes.contains(&2) {
            Ok(Polarity(classes))
        } else {
            Err(Error::config(format!(
                "id2label has {} labels; needed are {allowed}",
                classes.len()
            )))
        }
    }

    /// Returns the emotions of a model that has an output for emotions, in the order of that output.
    pub(crate) fn emotions(&self) -> Result<Option<Vec<String>>, Error> {
        self.emotion_id2label
            .as_ref()
            .map(|l| labels_in_order(l, "emotion_id2label"))
            .transpose()
    }

    /// Returns the probability from which an emotion is a tag.
    pub(crate) fn emotion_threshold(&self) -> Result<f32, Error> {
        let threshold = self.emotion_threshold.unwrap_or(DEFAULT_EMOTION_THRESHOLD);
        if (0.0..=1.0).contains(&threshold) {
            Ok(threshold)
        } else {
            Err(Error::config(format!(
                "emotion_threshold is {threshold}; allowed are 0 to 1"
            )))
        }
    }
}

impl Polarity {
    /// Returns the number of classes of the model.
    pub(crate) fn classes(&self) -> usize {
        self.0.len()
    }

    /// Computes the softmax of the model's logits and returns it as (negative, neutral, positive). A class that the model does not
    /// have gets 0.
    pub(crate) fn probabilities(&self, logits: &[f32]) -> [f32; 3] {
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut probabilities = [0.0; 3];
        for (&class, logit) in self.0.iter().zip(logits) {
            probabilities[class] = (logit - highest).exp();
        }
        let sum: f32 = probabilities.iter().sum();
        probabilities.map(|p| p / sum)
    }
}

fn class_of_label(label: &str) -> Option<usize> {
    match label.trim().to_ascii_lowercase().as_str() {
        "negative" | "neg" => Some(0),
        "neutral" | "neu" => Some(1),
        "positive" | "pos" => Some(2),
        _ => None,
    }
}

/// Returns the labels in the order of their numbers, which must be 0, 1, 2 and so on.
fn labels_in_order(labels: &BTreeMap<String, String>, field: &str) -> Result<Vec<String>, Error> {
    (0..labels.len())
        .map(|id| {
            labels.get(&id.to_string()).cloned().ok_or_else(|| {
                Error::config(format!(
                    "{field} has {} labels, but none with the key \"{id}\"",
                    labels.len()
                ))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> ModelConfig {
        ModelConfig::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn labels_are_understood_in_any_case_and_order() {
        let polarity = config(r#"{"id2label": {"0": "POS", "1": "Negative", "2": "neu"}}"#)
            .polarity()
            .unwrap();
        assert_eq!(polarity, Polarity(vec![2, 0, 1]));
        let [negative, neutral, positive] = polarity.probabilities(&[5.0, 1.0, -3.0]);
        assert!(positive > 0.9 && negative > neutral);
    }

    #[test]
    fn a_model_of_two_classes_gives_neutral_nothing() {
        let polarity = config(r#"{"id2label": {"0": "NEG", "1": "POS"}}"#)
            .polarity()
            .unwrap();
        let [negative, neutral, positive] = polarity.probabilities(&[0.0, 0.0]);
        assert_eq!((negative, neutral, positive), (0.5, 0.0, 0.5));
    }

    #[test]
    fn labels_that_say_nothing_are_refused_with_what_is_allowed() {
        for (json, part) in [
            (
                r#"{"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}"#,
                "\"LABEL_0\"; allowed are negative/neg",
            ),
            (r#"{"id2label": {"0": "neg", "1": "NEGATIVE"}}"#, "repeats"),
            (
                r#"{"id2label": {"0": "neg", "2": "pos"}}"#,
                "none with the key \"1\"",
            ),
            (
                r#"{"id2label": {"0": "neu", "1": "pos"}}"#,
                "2 labels; needed are",
            ),
            ("{}", "id2label is missing"),
        ] {
            let error = config(json).polarity().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_limit_is_max_length_else_the_positions_without_robertas_two() {
        assert_eq!(
            config(r#"{"max_length": 256, "max_position_embeddings": 512}"#).max_tokens(),
            Some(256)
        );
        assert_eq!(
            config(r#"{"model_type": "bert", "max_position_embeddings": 512}"#).max_tokens(),
            Some(512)
        );
        assert_eq!(
            config(r#"{"model_type": "xlm-roberta", "max_position_embeddings": 514}"#).max_tokens(),
            Some(512)
        );
        assert_eq!(config("{}").max_tokens(), None);
    }

    #[test]
    fn a_threshold_outside_0_to_1_is_refused() {
        assert_eq!(config("{}").emotion_threshold().unwrap(), 0.3);
        assert!(
            config(r#"{"emotion_threshold": 3}"#)
                .emotion_threshold()
                .is_err()
        );
    }
}
