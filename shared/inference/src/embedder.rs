//! Text to a vector of unit length.

use std::ops::Range;
use std::path::Path;

use crate::Error;
use crate::engine::Output;
use crate::model::{Files, Model};

/// A loaded embedding model. Embedding blocks the thread; see [`crate::Pool`] for callers that must not.
pub struct Embedder {
    model: Model,
    output: usize,
}

impl Embedder {
    /// The shipped model: all-MiniLM-L6-v2, 384 dimensions.
    ///
    /// # Errors
    /// If it does not load, which a test rules out.
    #[cfg(feature = "embedding-model")]
    pub fn embedded() -> Result<Self, Error> {
        Self::load(&crate::shipped::embedding())
    }

    /// A model of one's own: a folder with `model.onnx`, `tokenizer.json` and `config.json`.
    ///
    /// # Errors
    /// If a file is missing or damaged, or the graph's inputs and outputs are not those of a sentence encoder; the message
    /// says which, and what is allowed.
    pub fn from_dir(folder: &Path) -> Result<Self, Error> {
        Self::load(&Files::read(folder)?)
    }

    fn load(files: &Files) -> Result<Self, Error> {
        let model = Model::load(files)?;
        let output = find(model.engine.outputs())?;
        Ok(Self { model, output })
    }

    /// The vector of a text: [`Self::dimension`] values, of length 1. Text past [`Self::max_tokens`] is left out; see
    /// [`Self::tokens`] for cutting a long text into chunks.
    ///
    /// # Errors
    /// [`Error::Inference`] if the tokenizer or the graph fails on it, or it has no tokens at all.
    pub fn embed(&self, text: &str) -> Result<Vec<f32>, Error> {
        let read = self.model.reader.read(text)?;
        let tokens = read.ids.len();
        let failed = |reason: &str| Error::Inference {
            tokens,
            reason: reason.to_owned(),
        };
        if read.ids.is_empty() {
            return Err(failed("the text has no tokens"));
        }
        let mut rows = self.model.engine.run(&read.ids)?.swap_remove(self.output);
        let width = self.dimension();
        for start in (width..rows.len()).step_by(width) {
            // the sum points where the mean does, and the length is taken out below
            for column in 0..width {
                rows[column] += rows[start + column];
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

    /// Values of a vector.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.model.engine.outputs()[self.output].width
    }

    /// The most tokens of a text that are read, special tokens included.
    #[must_use]
    pub fn max_tokens(&self) -> usize {
        self.model.reader.limit()
    }

    /// The most tokens of text that are read: [`Self::max_tokens`] without the special tokens around it. A chunk of at
    /// most this many [`Self::tokens`] is embedded whole.
    #[must_use]
    pub fn max_content_tokens(&self) -> usize {
        self.model.reader.limit() - self.model.reader.special()
    }

    /// Tokens of a text, without special tokens and without a limit.
    ///
    /// # Errors
    /// [`Error::Inference`] if the tokenizer fails.
    pub fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        self.model.reader.count(text)
    }

    /// The place of each token in the text, in bytes, in order, without special tokens and without a limit.
    ///
    /// Pieces of one word lie side by side; spaces belong to no token. Several tokens may share one character, and have
    /// the same place then. Both ends of a place are character boundaries.
    ///
    /// # Errors
    /// [`Error::Inference`] if the tokenizer fails.
    pub fn tokens(&self, text: &str) -> Result<Vec<Range<usize>>, Error> {
        self.model.reader.spans(text)
    }

    /// The model's name, stored beside its vectors: vectors of different models cannot be compared.
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

/// The output that is a vector for the text, or one for each token, of which the mean is taken.
fn find(outputs: &[Output]) -> Result<usize, Error> {
    let named = |name: &str, per_token: bool| {
        outputs
            .iter()
            .position(|o| o.name == name && o.per_token == per_token)
    };
    let alone = |per_token: bool| match outputs {
        [output] if output.per_token == per_token => Some(0),
        _ => None,
    };
    named("sentence_embedding", false)
        .or_else(|| named("last_hidden_state", true))
        .or_else(|| named("token_embeddings", true))
        .or_else(|| alone(false))
        .or_else(|| alone(true))
        .ok_or_else(|| {
            let found: Vec<_> = outputs.iter().map(|o| o.name.as_str()).collect();
            Error::Model(format!(
                "none of its outputs {found:?} is a vector; needed is sentence_embedding of shape [1, width], or \
                 last_hidden_state or token_embeddings of shape [1, tokens, width]"
            ))
        })
}
