//! Models that turn a text into a vector of length 1.

use std::ops::Range;
use std::path::Path;

use crate::error::Error;
use crate::model::{LoadedModel, ModelFiles};
use crate::model_output::ModelOutput;
use crate::pooling::Pooling;

/// A loaded embedding model. Embedding blocks the calling thread; async callers use a [`crate::WorkerPool`].
pub struct Embedder {
    model: LoadedModel,
    /// Index of the output that holds the vector, or the vectors of the tokens.
    output: usize,
    /// How the vectors of the tokens become one; `None` where the model gives one vector.
    pooling: Option<Pooling>,
}

impl Embedder {
    /// Loads the shipped model, which is part of the binary: all-MiniLM-L6-v2 with 384 dimensions.
    ///
    /// # Errors
    /// If the model does not load, which a test rules out.
    #[cfg(feature = "embedding-model")]
    pub fn embedded() -> Result<Self, Error> {
        Self::load(&crate::shipped::embedding())
    }

    /// Loads a model from a folder with `model.onnx`, `tokenizer.json` and `config.json`, and `1_Pooling/config.json` where the
    /// model has one. Without that file the mean of the tokens is taken.
    ///
    /// # Errors
    /// If a file is missing or damaged, the model is a classifier or pools in another way than by the mean or the first token, or
    /// the graph's inputs and outputs are not those of a sentence encoder; the message says which, and what is allowed.
    pub fn from_dir(folder: &Path) -> Result<Self, Error> {
        Self::load(&ModelFiles::read(folder)?)
    }

    fn load(files: &ModelFiles) -> Result<Self, Error> {
        let model = LoadedModel::load(files)?;
        let outputs = model.engine.outputs();
        if model.config.is_classifier() || outputs.iter().all(|output| output.name == "logits") {
            return Err(Error::model(
                "it is a classifier, whose output is no vector of a text; needed is a sentence encoder",
            ));
        }
        let output = find_output(outputs)?;
        let stated = files.pooling.as_deref().map(Pooling::parse).transpose()?;
        let pooling = outputs[output]
            .is_per_token
            .then(|| stated.unwrap_or(Pooling::Mean));
        Ok(Self {
            model,
            output,
            pooling,
        })
    }

    /// Embeds a text: returns [`Self::dimension`] values, together of length 1. The text is cut off after
    /// [`Self::max_tokens`] tokens; [`Self::tokens`] helps to cut a long text into chunks.
    ///
    /// # Errors
    /// [`Error::Inference`] if the tokenizer or the graph fails on the text, or the text has no tokens at all.
    pub fn embed(&self, text: &str) -> Result<Vec<f32>, Error> {
        let encoded = self.model.tokenizer.encode(text)?;
        let failed = |reason: &str| Error::inference(encoded.ids.len(), reason);
        if encoded.ids.is_empty() {
            return Err(failed("the text has no tokens"));
        }
        let outputs = self.model.engine.run(&encoded.ids)?;
        let mut rows = outputs.into_iter().nth(self.output).unwrap_or_default();
        let width = self.dimension();
        if self.pooling == Some(Pooling::Mean) {
            for start in (width..rows.len()).step_by(width) {
                // The sum points where the mean points, and the division by the length below makes both the same.
                for column in 0..width {
                    rows[column] += rows[start + column];
                }
            }
        }
        rows.truncate(width);
        let length = rows.iter().map(|v| v * v).sum::<f32>().sqrt();
        if !length.is_finite() || length == 0.0 {
            return Err(failed("the vector has no direction"));
        }
        rows.iter_mut().for_each(|v| *v /= length);
        Ok(rows)
    }

    /// Returns the number of values of a vector.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.model.engine.outputs()[self.output].width
    }

    /// Returns the largest number of tokens that the model reads of a text, with the special tokens.
    #[must_use]
    pub fn max_tokens(&self) -> usize {
        self.model.tokenizer.max_tokens()
    }

    /// Returns the largest number of tokens of a text that is embedded whole: [`Self::max_tokens`] without the special
    /// tokens around the text. [`Self::tokens`] and [`Self::count_tokens`] count in the same way.
    #[must_use]
    pub fn max_content_tokens(&self) -> usize {
        self.model.tokenizer.max_tokens() - self.model.tokenizer.special_tokens()
    }

    /// Counts the tokens of a text, without special tokens and without a limit.
    ///
    /// # Errors
    /// [`Error::Inference`] if the tokenizer fails.
    pub fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        self.model.tokenizer.count_tokens(text)
    }

    /// Returns the byte range of each token in the text, in order, without special tokens and without a limit.
    ///
    /// The tokens of one word lie side by side; spaces belong to no token. Several tokens may share one character and then
    /// have the same range. Both ends of a range are character boundaries.
    ///
    /// # Errors
    /// [`Error::Inference`] if the tokenizer fails.
    pub fn tokens(&self, text: &str) -> Result<Vec<Range<usize>>, Error> {
        self.model.tokenizer.token_spans(text)
    }

    /// Returns the model's name. It is stored beside the vectors, since vectors of different models cannot be compared.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.model.name
    }

    /// Returns how the vectors of the tokens become the vector of a text: `mean`, `cls` for the first token, or `model` where the
    /// model itself gives one vector.
    #[must_use]
    pub fn pooling(&self) -> &'static str {
        match self.pooling {
            Some(Pooling::Mean) => "mean",
            Some(Pooling::Cls) => "cls",
            None => "model",
        }
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

/// Finds the output that is a vector for the text, or else a vector for each token, of which the mean is taken.
fn find_output(outputs: &[ModelOutput]) -> Result<usize, Error> {
    let named = |name: &str, is_per_token: bool| {
        outputs
            .iter()
            .position(|o| o.name == name && o.is_per_token == is_per_token)
    };
    let alone = |is_per_token: bool| match outputs {
        [output] if output.is_per_token == is_per_token => Some(0),
        _ => None,
    };
    named("sentence_embedding", false)
        .or_else(|| named("last_hidden_state", true))
        .or_else(|| named("token_embeddings", true))
        .or_else(|| alone(false))
        .or_else(|| alone(true))
        .ok_or_else(|| {
            let found: Vec<_> = outputs.iter().map(|o| o.name.as_str()).collect();
            Error::model(format!(
                "none of its outputs {found:?} is a vector; needed is sentence_embedding of shape [1, width], or \
                 last_hidden_state or token_embeddings of shape [1, tokens, width]"
            ))
        })
}
