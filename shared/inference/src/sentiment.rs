//! Text to a sentiment score and emotion tags.

use std::path::Path;

use crate::Error;
use crate::config::Polarity;
use crate::engine::Output;
use crate::model::{Files, Model};

/// Never a tag: it says that no emotion was found.
const NO_EMOTION: &str = "neutral";

/// A loaded sentiment model. Scoring blocks the thread; see [`crate::Pool`] for callers that must not.
pub struct Sentiment {
    model: Model,
    polarity: Polarity,
    logits: usize,
    emotions: Option<Emotions>,
}

struct Emotions {
    output: usize,
    names: Vec<String>,
    threshold: f32,
}

/// What a model says of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Probabilities of negative, neutral and positive, in this order; they sum to 1.
    pub probabilities: [f32; 3],
    /// `p(positive) + p(neutral) / 2`: 0 is negative, 0.5 neutral, 1 positive.
    pub score: f64,
    /// Emotions at or above the threshold with their probabilities, most probable first; never `neutral`.
    pub emotions: Vec<(String, f32)>,
    /// Tokens that the model read, special tokens included.
    pub tokens: usize,
    /// Whether the text was longer than the model reads, and its end was cut off.
    pub truncated: bool,
}

impl Sentiment {
    /// The shipped model.
    ///
    /// # Errors
    /// If it does not load, which a test rules out.
    #[cfg(feature = "sentiment-model")]
    pub fn embedded() -> Result<Self, Error> {
        Self::load(&crate::shipped::sentiment())
    }

    /// A model of one's own: a folder with `model.onnx`, `tokenizer.json` and `config.json`.
    ///
    /// # Errors
    /// If a file is missing or damaged, the labels are not sentiments, or the graph's inputs, outputs and shapes are not
    /// those of a text classifier; the message says which, and what is allowed.
    pub fn from_dir(folder: &Path) -> Result<Self, Error> {
        Self::load(&Files::read(folder)?)
    }

    fn load(files: &Files) -> Result<Self, Error> {
        let model = Model::load(files)?;
        let polarity = model.config.polarity()?;
        let outputs = model.engine.outputs();
        let logits = find(
            outputs,
            &["sentiment_logits", "logits"],
            polarity.classes(),
            "id2label",
        )?;
        let emotions = match model.config.emotions()? {
            None => None,
            Some(names) => Some(Emotions {
                output: find(
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
            logits,
            emotions,
        })
    }

    /// The same model with another probability (0 to 1) from which an emotion is a tag.
    #[must_use]
    pub fn with_emotion_threshold(mut self, threshold: f32) -> Self {
        if let Some(emotions) = &mut self.emotions {
            emotions.threshold = threshold;
        }
        self
    }

    /// Scores a text. Text past [`Self::max_tokens`] is cut off by tokens. A text without any (empty, white space) is
    /// neutral, and costs no inference.
    ///
    /// # Errors
    /// [`Error::Inference`] if the tokenizer or the graph fails on it.
    pub fn score(&self, text: &str) -> Result<Analysis, Error> {
        let read = self.model.reader.read(text)?;
        let tokens = read.ids.len();
        if read.content == 0 {
            let (probabilities, emotions) = ([0.0, 1.0, 0.0], Vec::new());
            return Ok(Analysis {
                probabilities,
                score: 0.5,
                emotions,
                tokens,
                truncated: false,
            });
        }
        let outputs = self.model.engine.run(&read.ids)?;
        let probabilities = self.polarity.probabilities(&outputs[self.logits]);
        if probabilities.iter().any(|p| !p.is_finite()) {
            return Err(Error::Inference {
                tokens,
                reason: "logits are not finite".to_owned(),
            });
        }
        let [_, neutral, positive] = probabilities.map(f64::from);
        let emotions = self
            .emotions
            .as_ref()
            .map(|e| e.tags(&outputs[e.output]))
            .unwrap_or_default();
        let score = (positive + 0.5 * neutral).clamp(0.0, 1.0);
        Ok(Analysis {
            probabilities,
            score,
            emotions,
            tokens,
            truncated: read.truncated,
        })
    }

    /// The most tokens of a text that are read, special tokens included.
    #[must_use]
    pub fn max_tokens(&self) -> usize {
        self.model.reader.limit()
    }

    /// The model's name, for logs and `/health`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.model.name
    }

    /// SHA-256 of `model.onnx` in lower-case hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.model.digest
    }

    /// Whether the crate's own kernels run this model; otherwise tract does, at about half the speed.
    #[must_use]
    pub fn is_accelerated(&self) -> bool {
        self.model.engine.is_recognised()
    }
}

impl Emotions {
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

/// The output with one of these names, else the only one that has one row for a text and the right width.
fn find(outputs: &[Output], names: &[&str], classes: usize, labels: &str) -> Result<usize, Error> {
    let refused = |found: String| {
        Error::Model(format!(
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
        let fits = output.width == classes && !output.per_token;
        let shape = if output.per_token { "1, tokens" } else { "1" };
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
        .filter(|(_, o)| o.width == classes && !o.per_token);
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
