//! What can go wrong, by what the caller decides on.

use std::path::PathBuf;

/// A model that was refused at load, or a text that got no answer.
///
/// Messages name files, labels, shapes and inputs, never the text that was to be scored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the model folder is missing or cannot be read.
    #[error(
        "cannot read {path}: a model folder holds model.onnx, tokenizer.json and config.json",
        path = path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why the system would not give it.
        source: std::io::Error,
    },
    /// `config.json` does not parse, or says something that cannot be used.
    #[error("config.json: {0}")]
    Config(String),
    /// `tokenizer.json` does not parse, or does not belong to the model.
    #[error("tokenizer.json: {0}")]
    Tokenizer(String),
    /// `model.onnx` does not parse, or its inputs, outputs or shapes are not what this crate runs.
    #[error("model.onnx: {0}")]
    Model(String),
    /// The model failed on one text. Another text may well pass; this one will fail again.
    #[error("inference failed on a text of {tokens} tokens: {reason}")]
    Inference {
        /// Tokens of the text, special tokens included; 0 if it failed before they were known.
        tokens: usize,
        /// What the engine said.
        reason: String,
    },
    /// Every worker is busy and the queue is full: try again later, or answer 503.
    #[error("overloaded: {waiting} texts wait already, and no more may")]
    Overloaded {
        /// The queue's bound, which is reached.
        waiting: usize,
    },
    /// The worker that had this text panicked. The pool goes on with the next one.
    #[error("the worker stopped on this text")]
    WorkerPanicked,
}

impl Error {
    /// Whether the same call may succeed later, unchanged.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Overloaded { .. })
    }

    /// Whether the model was refused: nothing works until its files are put right.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Unreadable { .. } | Self::Config(_) | Self::Tokenizer(_) | Self::Model(_)
        )
    }
}
