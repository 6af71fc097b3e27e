//! Models that score the sentiment of a text and tag its emotions.

use std::path::Path;

use crate::config::Polarity;
use crate::error::Error;
use crate::model::{LoadedModel, ModelFiles};
use crate::model_output::ModelOutput;

/// Label that says that no emotion was found, and that is therefore never a tag.
const NO_EMOTION: &str = "neutral";

/// A loaded sentiment model. Scoring blocks the calling thread; async callers use a [`crate::WorkerPool`].
pub struct SentimentModel {
    model: LoadedModel,
    polarity: Polarity,
    /// Index of the output with the logits of the sentiment classes.
    sentiment_output: usize,
    emotions: Option<Emotions>,
}

/// The emotions that a model tells apart.
struct Emotions {
    /// Index of the output with the logits of the emotions.
    output: usize,
    /// Names of the emotions in the order of that output.
    names: Vec<String>,
    threshold: f32,
}

/// What a sentiment model says of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct SentimentAnalysis {
    /// Probabilities of negative, neutral and positive, in this order; they sum to 1.
    pub probabilities: [f32; 3],
    /// `p(positive) + p(neutral) / 2`: 0 is negative, 0.5 neutral, 1 positive.
    pub score: f64,
    /// Emotions at or above the threshold with their probabilities, the most probable one first; never `neutral`.
    pub emotions: Vec<(String, f32)>,
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
        let emotions = match model.config.emotions()? {
            None => None,
            Some(names) => Some(Emotions {
                output: find_output(
                    outputs,
                    &["emotion_logits"],
                    names.len(),
                    "emotion_id2label",
                )?,
                names,
                threshold: model.config.emotion_threshold()?,
            }),
        };
        Ok(Self {
            model,
            polarity,
            sentiment_output,
            emotions,
        })
    }

    /// Returns the model with another emotion threshold: the probability, 0 to 1, from which an emotion is a tag.
    #[must_use]
    pub fn with_emotion_threshold(mut self, threshold: f32) -> Self {
        if let Some(emotions) = &mut self.emotions {
            emotions.threshold = threshold;
        }
        self
    }

    /// Scores the sentiment of a text. The text is cut off after [`Self::max_tokens`] tokens. A text without tokens (empty, or only white
    /// space) is neutral and costs no inference.
    ///
    /// # Errors
    /// [`Error::Inference`] if the tokenizer or the graph fails on the text.
    pub fn score(&self, text: &str) -> Result<SentimentAnalysis, Error> {
        let encoded = self.model.tokenizer.encode(text)?;
        let tokens = encoded.ids.len();
        if encoded.content == 0 {
            let (probabilities, emotions) = ([0.0, 1.0, 0.0], Vec::new());
            return Ok(SentimentAnalysis {
                probabilities,
                score: 0.5,
                emotions,
                tokens,
                truncated: false,
            });
        }
        let outputs = self.model.engine.run(&encoded.ids)?;
        let probabilities = self.polarity.probabilities(&outputs[self.sentiment_output]);
        if probabilities.iter().any(|p| !p.is_finite()) {
            return Err(Error::inference(tokens, "logits are not finite"));
        }
        let [_, neutral, positive] = probabilities.map(f64::from);
        let emotions = self
            .emotions
            .as_ref()
            .map(|e| e.tags(&outputs[e.output]))
            .unwrap_or_default();
        let score = (positive + 0.5 * neutral).clamp(0.0, 1.0);
        Ok(SentimentAnalysis {
            probabilities,
            score,
            emotions,
            tokens,
            truncated: encoded.truncated,
        })
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

impl Emotions {
    /// Returns the emotions at or above the threshold, of which neutral is none, the most probable one first.
    fn tags(&self, logits: &[f32]) -> Vec<(String, f32)> {
        let sigmoid = |x: &f32| 1.0 / (1.0 + (-x).exp());
        let probabilities = self.names.iter().zip(logits.iter().map(sigmoid));
        let mut tags: Vec<_> = probabilities
            .filter(|(name, p)| *p >= self.threshold && !name.eq_ignore_ascii_case(NO_EMOTION))
            .map(|(name, p)| (name.clone(), p))
            .collect();
        tags.sort_by(|a, b| b.1.total_cmp(&a.1));
        tags
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
