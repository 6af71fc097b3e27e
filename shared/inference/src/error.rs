//! What can go wrong, with one variant for each decision of the caller.

use std::path::PathBuf;

/// The error of the library that read a file or ran a graph.
type LibraryError = Box<dyn std::error::Error + Send + Sync>;

/// A model that was refused while loading, or a text that got no answer.
///
/// The messages name files, labels, shapes and inputs, never the text that was to be scored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the model folder is missing or cannot be read.
    #[error(
        "cannot read {path}: a model folder holds model.onnx, tokenizer.json and config.json",
        path = path.display()
    )]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Error of the file system.
        source: std::io::Error,
    },
    /// `config.json` does not parse, or holds a value that cannot be used.
    #[error("config.json: {reason}")]
    Config {
        /// What is wrong, and what is allowed.
        reason: String,
        /// Error of the JSON parser, if the file does not parse.
        source: Option<LibraryError>,
    },
    /// `tokenizer.json` does not parse, or does not belong to the model.
    #[error("tokenizer.json: {reason}")]
    Tokenizer {
        /// What is wrong, and what is allowed.
        reason: String,
        /// Error of the tokenizer library, if that library refused the file.
        source: Option<LibraryError>,
    },
    /// `model.onnx` does not parse, or its inputs, outputs or shapes are not those of a text model.
    #[error("model.onnx: {reason}")]
    Model {
        /// What is wrong, and what is allowed.
        reason: String,
        /// Error of the library that parses or runs the graph, if that library refused the file.
        source: Option<LibraryError>,
    },
    /// The model failed on one text. The same text will fail again, another text may well pass.
    #[error("inference failed on a text of {tokens} tokens: {reason}")]
    Inference {
        /// Number of tokens of the text with the special tokens; 0 if the tokenizer failed.
        tokens: usize,
        /// The step that failed.
        reason: String,
        /// Error of the library that failed, if it was a library.
        source: Option<LibraryError>,
    },
    /// Every worker is busy and the queue is full. The caller may try again later, or answer 503.
    #[error("the inference queue is full ({capacity} texts)")]
    Overloaded {
        /// Number of texts that may wait.
        capacity: usize,
    },
    /// The worker panicked on this text. The worker goes on with the next text.
    #[error("the inference worker panicked on this text")]
    WorkerPanicked,
}

impl Error {
    /// Returns whether the same call may succeed later, unchanged.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Overloaded { .. })
    }

    /// Returns whether the model was refused: no text can be scored until the files of the model are put right.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Unreadable { .. }
                | Self::Config { .. }
                | Self::Tokenizer { .. }
                | Self::Model { .. }
        )
    }

    /// Returns the error for a `config.json` with a value that cannot be used.
    pub(crate) fn config(reason: impl Into<String>) -> Self {
        Self::Config {
            reason: reason.into(),
            source: None,
        }
    }

    /// Returns the error for a `tokenizer.json` that does not belong to the model.
    pub(crate) fn tokenizer(reason: impl Into<String>) -> Self {
        Self::Tokenizer {
            reason: reason.into(),
            source: None,
        }
    }

    /// Returns the error for a `model.onnx` that is not a text model.
    pub(crate) fn model(reason: impl Into<String>) -> Self {
        Self::Model {
            reason: reason.into(),
            source: None,
        }
    }

    /// Returns the error for a text of `tokens` tokens on which the model failed.
    pub(crate) fn inference(tokens: usize, reason: impl Into<String>) -> Self {
        Self::Inference {
            tokens,
            reason: reason.into(),
            source: None,
        }
    }

    /// Adds the error of a library as the cause, where the variant has room for one.
    pub(crate) fn with_source(mut self, error: impl Into<LibraryError>) -> Self {
        match &mut self {
            Self::Config { source, .. }
            | Self::Tokenizer { source, .. }
            | Self::Model { source, .. }
            | Self::Inference { source, .. } => *source = Some(error.into()),
            Self::Unreadable { .. } | Self::Overloaded { .. } | Self::WorkerPanicked => {}
        }
        self
    }
}
