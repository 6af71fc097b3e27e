//! The three files of a model folder, loaded side by side.

use std::io::ErrorKind;
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::config::ModelConfig;
use crate::engine::Engine;
use crate::error::Error;
use crate::tokenizer::ModelTokenizer;

/// The content of a model's files, from a folder or from the binary.
pub(crate) struct ModelFiles {
    /// Content of the file `model.onnx`.
    pub(crate) onnx: Bytes,
    /// Content of `tokenizer.json`.
    pub(crate) tokenizer: Bytes,
    /// Content of `config.json`.
    pub(crate) config: Bytes,
    /// Content of `1_Pooling/config.json`, which many embedding models have.
    pub(crate) pooling: Option<Bytes>,
    /// What is known of a shipped model; `None` for a model of the user.
    pub(crate) shipped: Option<ShippedModel>,
    /// Name of the folder, which serves as the model's name where the configuration states none.
    pub(crate) folder: String,
}

/// What is known of a shipped model before the model is loaded, so that a start need not compute it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShippedModel {
    /// Name of the model.
    pub(crate) name: &'static str,
    /// SHA-256 of `model.onnx` in lower-case hexadecimal.
    pub(crate) digest: &'static str,
}

/// A loaded model with its tokenizer and its configuration.
pub(crate) struct LoadedModel {
    pub(crate) engine: Engine,
    pub(crate) tokenizer: ModelTokenizer,
    pub(crate) config: ModelConfig,
    pub(crate) name: String,
    pub(crate) digest: String,
}

impl ModelFiles {
    /// Reads the files of a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path)
                .map(Bytes::from)
                .map_err(|source| Error::Unreadable { path, source })
        };
        let name = folder.file_name().map_or_else(
            || folder.display().to_string(),
            |n| n.to_string_lossy().into(),
        );
        let pooling = match read("1_Pooling/config.json") {
            Ok(content) => Some(content),
            Err(Error::Unreadable { source, .. }) if source.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            pooling,
            config: read("config.json")?,
            tokenizer: read("tokenizer.json")?,
            onnx: read("model.onnx")?,
            shipped: None,
            folder: name,
        })
    }
}

impl LoadedModel {
    /// Loads the graph, the tokenizer and, where the digest is not known, the digest on threads of their own, since each of
    /// the three takes tens of milliseconds of a cold start.
    pub(crate) fn load(files: &ModelFiles) -> Result<Self, Error> {
        let config = ModelConfig::parse(&files.config)?;
        let max_tokens = config.max_tokens();
        let (engine, tokenizer, digest) = std::thread::scope(|scope| {
            let engine = scope.spawn(|| Engine::load(files.onnx.clone(), files.shipped.is_some()));
            let digest = files
                .shipped
                .is_none()
                .then(|| scope.spawn(|| digest(&files.onnx)));
            let tokenizer = ModelTokenizer::new(&files.tokenizer, max_tokens, config.vocab_size);
            let panicked = |_| Error::model("reading it panicked: the file is damaged");
            let engine = engine.join().map_err(panicked).flatten();
            let digest = digest.map(|d| d.join().map_err(panicked)).transpose();
            (engine, tokenizer, digest)
        });
        let (engine, tokenizer) = (engine?, tokenizer?);
        engine.check(tokenizer.vocabulary(), tokenizer.max_tokens())?;
        let digest = digest?
            .or(files.shipped.map(|s| s.digest.to_owned()))
            .unwrap_or_default();
        let name = match (files.shipped, config.name.as_str()) {
            (Some(shipped), _) => shipped.name.to_owned(),
            (None, "") => files.folder.clone(),
            (None, name) => name.to_owned(),
        };
        Ok(Self {
            engine,
            tokenizer,
            config,
            name,
            digest,
        })
    }
}

/// Returns the SHA-256 of `bytes` in lower-case hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
