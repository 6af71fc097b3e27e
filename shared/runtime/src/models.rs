//! The settings of models that run inside a function.

use std::path::PathBuf;

use crate::settings::{folder, number};

crate::settings! {
    /// The models that run inside a function.
    #[derive(Debug, Clone)]
    pub struct ModelSettings {
        /// Folder of another model, with `model.onnx`, `tokenizer.json` and `config.json`.
        pub folder: Option<PathBuf> = folder("MODEL_DIR").otherwise("the shipped model"),
        /// Number of threads that infer; 0 takes one for each core.
        pub threads: usize = number("INFERENCE_THREADS", 0, 0..=64, "threads"),
    }
}
