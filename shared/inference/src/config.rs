//! The `config.json` of a model folder: labels, limits and the kind of the model.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Error;

/// Probability from which an emotion is a tag, unless the model's configuration states another one.
const DEFAULT_EMOTION_THRESHOLD: f32 = 0.3;

/// Probability from which a text has a signal, unless the model's configuration states another one.
const DEFAULT_SIGNAL_THRESHOLD: f32 = 0.5;

/// Label that says that no emotion was found, and that is therefore never a tag.
const NO_EMOTION: &str = "neutral";

/// Threshold of a label that no text gets.
const NEVER: f32 = f32::INFINITY;

/// Labels in the order of an output, each with the probability from which a text has it.
pub(crate) type LabelThresholds = Vec<(String, f32)>;

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
    #[serde(default)]
    emotion_thresholds: BTreeMap<String, f32>,
    signal_id2label: Option<BTreeMap<String, String>>,
    #[serde(default)]
    signal_thresholds: BTreeMap<String, f32>,
    /// Name of what is done with a text before it is tokenized.
    pub(crate) normalization: Option<String>,
    /// Codes of the languages that the model reads; left out by a model that reads any.
    pub(crate) languages: Option<Vec<String>>,
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

    /// Returns the emotions of a model that has an output for emotions, in the order of that output. An emotion without a
    /// threshold of its own in `emotion_thresholds` has `emotion_threshold`; `neutral` is never a tag.
    pub(crate) fn emotions(&self) -> Result<Option<LabelThresholds>, Error> {
        let default = self.emotion_threshold.unwrap_or(DEFAULT_EMOTION_THRESHOLD);
        check_threshold("emotion_threshold", default)?;
        let labels = labels_with_thresholds(
            self.emotion_id2label.as_ref(),
            "emotion",
            &self.emotion_thresholds,
            default,
        )?;
        Ok(labels.map(|mut labels| {
            for (name, threshold) in &mut labels {
                if name.eq_ignore_ascii_case(NO_EMOTION) {
                    *threshold = NEVER;
                }
            }
            labels
        }))
    }

    /// Returns the signals of a model that has an output for signals, in the order of that output.
    pub(crate) fn signals(&self) -> Result<Option<LabelThresholds>, Error> {
        labels_with_thresholds(
            self.signal_id2label.as_ref(),
            "signal",
            &self.signal_thresholds,
            DEFAULT_SIGNAL_THRESHOLD,
        )
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

/// Returns the labels of `{kind}_id2label` with their thresholds of `{kind}_thresholds`. A threshold for a label that is not
/// there is a misspelling, which would silently leave the label with the default.
fn labels_with_thresholds(
    labels: Option<&BTreeMap<String, String>>,
    kind: &str,
    thresholds: &BTreeMap<String, f32>,
    default: f32,
) -> Result<Option<LabelThresholds>, Error> {
    let Some(labels) = labels else {
        return Ok(None);
    };
    let names = labels_in_order(labels, &format!("{kind}_id2label"))?;
    for (name, threshold) in thresholds {
        check_threshold(&format!("{kind}_thresholds of {name:?}"), *threshold)?;
        if !names.contains(name) {
            return Err(Error::config(format!(
                "{kind}_thresholds has {name:?}, which {kind}_id2label does not have"
            )));
        }
    }
    let with_threshold = |name: String| {
        let threshold = thresholds.get(&name).copied().unwrap_or(default);
        (name, threshold)
    };
    Ok(Some(names.into_iter().map(with_threshold).collect()))
}

fn check_threshold(field: &str, threshold: f32) -> Result<(), Error> {
    if (0.0..=1.0).contains(&threshold) {
        Ok(())
    } else {
        Err(Error::config(format!(
            "{field} is {threshold}; allowed are 0 to 1"
        )))
    }
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
    fn a_label_has_its_own_threshold_else_the_default_and_neutral_has_none() {
        let labels = r#""emotion_id2label": {"0": "joy", "1": "fear", "2": "Neutral"}"#;
        let thresholds = |fields: &str| {
            config(&format!("{{{labels}{fields}}}"))
                .emotions()
                .unwrap()
                .unwrap()
                .into_iter()
                .map(|(_, threshold)| threshold)
                .collect::<Vec<_>>()
        };
        assert_eq!(thresholds(""), [0.3, 0.3, NEVER]);
        assert_eq!(
            thresholds(
                r#", "emotion_threshold": 0.4, "emotion_thresholds": {"fear": 0.1, "Neutral": 0.2}"#
            ),
            [0.4, 0.1, NEVER]
        );
        assert_eq!(config("{}").emotions().unwrap(), None);
        assert_eq!(config("{}").signals().unwrap(), None);
        let signals = config(
            r#"{"signal_id2label": {"0": "legal", "1": "churn"}, "signal_thresholds": {"churn": 0.45}}"#,
        );
        assert_eq!(
            signals.signals().unwrap().unwrap(),
            [("legal".to_owned(), 0.5), ("churn".to_owned(), 0.45)]
        );
    }

    #[test]
    fn thresholds_outside_0_to_1_and_of_unknown_labels_are_refused() {
        let labels = r#""emotion_id2label": {"0": "joy"}, "signal_id2label": {"0": "legal"}"#;
        for (fields, part) in [
            (
                r#""emotion_threshold": 3"#,
                "emotion_threshold is 3; allowed are 0 to 1",
            ),
            (
                r#""emotion_thresholds": {"joy": -1}"#,
                "emotion_thresholds of \"joy\" is -1",
            ),
            (
                r#""emotion_thresholds": {"yoj": 0.1}"#,
                "\"yoj\", which emotion_id2label",
            ),
            (
                r#""signal_thresholds": {"joy": 0.1}"#,
                "\"joy\", which signal_id2label",
            ),
        ] {
            let config = config(&format!("{{{labels}, {fields}}}"));
            let refused = config.emotions().err().or(config.signals().err());
            let error = refused.expect(fields).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
