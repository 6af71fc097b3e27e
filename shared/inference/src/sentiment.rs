//! Models that score the sentiment of a text, tag its emotions, and find signals in it.

use std::path::Path;

use insights_core::language::{Language, find_other_language};
use insights_core::unscored::Unscored;

use crate::config::{LabelThresholds, Polarity};
use crate::error::Error;
use crate::labels::LabelSet;
use crate::model::{LoadedModel, ModelFiles};
use crate::model_output::ModelOutput;
use crate::normalization::Normalization;

/// A loaded sentiment model. Scoring blocks the calling thread; async callers use a [`crate::WorkerPool`].
pub struct SentimentModel {
    model: LoadedModel,
    polarity: Polarity,
    /// Index of the output with the logits of the sentiment classes.
    sentiment_output: usize,
    normalization: Normalization,
    /// Codes of the languages that the model reads; `None` for a model that reads any.
    languages: Option<Vec<String>>,
    emotions: Option<LabelSet>,
    signals: Option<LabelSet>,
}

/// What a sentiment model says of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct SentimentAnalysis {
    /// Probabilities of negative, neutral and positive, in this order; they sum to 1.
    pub probabilities: [f32; 3],
    /// `p(positive) + p(neutral) / 2`: 0 is negative, 0.5 neutral, 1 positive.
    pub score: f64,
    /// Emotions at or above their thresholds with their probabilities, the most probable one first; never `neutral`.
    pub emotions: Vec<(String, f32)>,
    /// Signals at or above their thresholds with their probabilities, the most probable one first.
    pub signals: Vec<(String, f32)>,
    /// Probabilities of all signals that the model knows, in the order of the model.
    pub signal_probabilities: Vec<(String, f32)>,
    /// Why the text was not given to the model and counts as neutral; `None` for a text that the model scored.
    pub unscored: Option<Unscored>,
    /// Language of the text; `None` if the text has no words, or the model reads every language.
    pub language: Option<Language>,
    /// Number of tokens that the model read, with the special tokens.
    pub tokens: usize,
    /// Whether the end of the text was cut off, since the text was longer than the model reads.
    pub truncated: bool,
}

impl SentimentModel {
    /// Loads the shipped model, which is part of the binary.
    ///
    /// # Errors
    /// If the model does not load, which a test rules out.
    #[cfg(feature = "sentiment-model")]
    pub fn embedded() -> Result<Self, Error> {
        Self::load(&crate::shipped::sentiment())
    }

    /// Loads a model from a folder with `model.onnx`, `tokenizer.json` and `config.json`.
    ///
    /// # Errors
    /// If a file is missing or damaged, the labels are not sentiments, or the graph's inputs, outputs and shapes are not
    /// those of a text classifier; the message says which, and what is allowed.
    pub fn from_dir(folder: &Path) -> Result<Self, Error> {
        Self::load(&ModelFiles::read(folder)?)
    }

    fn load(files: &ModelFiles) -> Result<Self, Error> {
        let model = LoadedModel::load(files)?;
        let polarity = model.config.polarity()?;
        let outputs = model.engine.outputs();
        let sentiment_output = find_output(
            outputs,
            &["sentiment_logits", "logits"],
            polarity.classes(),
            "id2label",
        )?;
        let labels = |kind: &str, labels: Option<LabelThresholds>| {
            let Some(labels) = labels else {
                return Ok(None);
            };
            let (name, field) = (format!("{kind}_logits"), format!("{kind}_id2label"));
            let output = find_output(outputs, &[&name], labels.len(), &field)?;
            Ok(Some(LabelSet::new(output, labels)))
        };
        Ok(Self {
            normalization: Normalization::named(model.config.normalization.as_deref())?,
            languages: model.config.languages.clone(),
            emotions: labels("emotion", model.config.emotions()?)?,
            signals: labels("signal", model.config.signals()?)?,
            model,
            polarity,
            sentiment_output,
        })
    }

    /// Returns the model with one threshold for all emotions in place of their own: the probability, 0 to 1, from which an
    /// emotion is a tag.
    #[must_use]
    pub fn with_emotion_threshold(mut self, threshold: f32) -> Self {
        if let Some(emotions) = &mut self.emotions {
            emotions.set_threshold(threshold);
        }
        self
    }

    /// Scores the sentiment of a text. The text is normalized as the model's configuration says, and cut off after
    /// [`Self::max_tokens`] tokens. A text of which nothing is left (empty, only white space, or a recognizer's mark) is
    /// neutral, costs no inference, and says so in [`SentimentAnalysis::unscored`]. So does a text that is evidently in a
    /// language that the model does not read, if the model's configuration lists those that it reads.
    ///
    /// # Errors
    /// [`Error::Inference`] if the tokenizer or the graph fails on the text.
    pub fn score(&self, text: &str) -> Result<SentimentAnalysis, Error> {
        let normalized = self.normalization.apply(text);
        let encoded = self.model.tokenizer.encode(&normalized)?;
        let tokens = encoded.ids.len();
        if encoded.content == 0 {
            return Ok(self.unscored(Unscored::NoWords, None));
        }
        // The words for emoji and the marks of recognizers are English, whatever the text is.
        let language = self.languages.as_ref().map(|languages| {
            (
                languages,
                find_other_language(&self.normalization.spoken(text)),
            )
        });
        if let Some((read, Some(language))) = language
            && !read.iter().any(|code| code == language.code())
        {
            return Ok(self.unscored(Unscored::OtherLanguage, Some(language)));
        }
        let outputs = self.model.engine.run(&encoded.ids)?;
        let probabilities = self.polarity.probabilities(&outputs[self.sentiment_output]);
        if probabilities.iter().any(|p| !p.is_finite()) {
            return Err(Error::inference(tokens, "logits are not finite"));
        }
        let [_, neutral, positive] = probabilities.map(f64::from);
        let found = |labels: &Option<LabelSet>| {
            labels
                .as_ref()
                .map(|labels| labels.found(&outputs))
                .unwrap_or_default()
        };
        let signal_probabilities = self
            .signals
            .as_ref()
            .map(|signals| signals.probabilities(&outputs))
            .unwrap_or_default();
        Ok(SentimentAnalysis {
            probabilities,
            score: (positive + 0.5 * neutral).clamp(0.0, 1.0),
            emotions: found(&self.emotions),
            signals: found(&self.signals),
            signal_probabilities,
            unscored: None,
            language: language.map(|(_, found)| found.unwrap_or(Language::ENGLISH)),
            tokens,
            truncated: encoded.truncated,
        })
    }

    /// Returns what is said of a text that is not given to the model.
    fn unscored(&self, reason: Unscored, language: Option<Language>) -> SentimentAnalysis {
        let signals = self.signals.as_ref().map(LabelSet::names);
        SentimentAnalysis {
            probabilities: [0.0, 1.0, 0.0],
            score: 0.5,
            emotions: Vec::new(),
            signals: Vec::new(),
            signal_probabilities: signals
                .into_iter()
                .flatten()
                .map(|name| (name.to_owned(), 0.0))
                .collect(),
            unscored: Some(reason),
            language,
            tokens: 0,
            truncated: false,
        }
    }

    /// Returns the largest number of tokens that the model reads of a text, with the special tokens.
    #[must_use]
    pub fn max_tokens(&self) -> usize {
        self.model.tokenizer.max_tokens()
    }

    /// Returns the model's name, for logs and reports.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.model.name
    }

    /// Returns the SHA-256 of `model.onnx` in lower-case hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.model.digest
    }

    /// Returns whether this crate's kernels compute the integer products of the model, which take most of the time.
    #[must_use]
    pub fn is_accelerated(&self) -> bool {
        self.model.engine.is_accelerated()
    }
}

/// Finds the output with one of these names, else the only output that has one row for a text and a value for each class.
fn find_output(
    outputs: &[ModelOutput],
    names: &[&str],
    classes: usize,
    labels: &str,
) -> Result<usize, Error> {
    let refused = |found: String| {
        Error::model(format!(
            "{found}; needed is an output of shape [1, {classes}] for the {classes} labels of {labels}, named {} or alone in \
             having that shape",
            names.join(" or ")
        ))
    };
    if let Some(index) = names
        .iter()
        .find_map(|name| outputs.iter().position(|o| o.name == *name))
    {
        let output = &outputs[index];
        let fits = output.width == classes && !output.is_per_token;
        let shape = if output.is_per_token {
            "1, tokens"
        } else {
            "1"
        };
        return fits.then_some(index).ok_or_else(|| {
            refused(format!(
                "the output {} has shape [{shape}, {}]",
                output.name, output.width
            ))
        });
    }
    let mut fitting = outputs
        .iter()
        .enumerate()
        .filter(|(_, o)| o.width == classes && !o.is_per_token);
    match (fitting.next(), fitting.next()) {
        (Some((index, _)), None) => Ok(index),
        (first, _) => {
            let names: Vec<_> = outputs.iter().map(|o| o.name.as_str()).collect();
            let count = if first.is_some() { "several" } else { "no" };
            Err(refused(format!(
                "{count} output of that shape among {names:?}"
            )))
        }
    }
}
