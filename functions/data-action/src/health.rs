//! What `/health` tells: that the function runs, its version, and which model it scores with.

use serde::Serialize;

/// The reply of `/health`.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// `ok`: a function whose model does not load does not start.
    pub status: &'static str,
    /// The version of the product.
    pub version: &'static str,
    /// The sentiment provider: `local` or `http`.
    pub sentiment_provider: &'static str,
    /// The models in this process.
    pub models: Vec<Model>,
}

/// A model that the function runs.
#[derive(Debug, Clone, Serialize)]
pub struct Model {
    /// What it does, e.g. `sentiment`.
    pub task: &'static str,
    /// Where it comes from: `shipped`, or the folder of `MODEL_DIR`.
    pub source: String,
    /// The SHA-256 of its `model.onnx`, hexadecimal.
    pub sha256: String,
}

impl Health {
    /// Describes a healthy function with these models.
    #[must_use]
    pub const fn new(sentiment_provider: &'static str, models: Vec<Model>) -> Self {
        Self {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
            sentiment_provider,
            models,
        }
    }
}
