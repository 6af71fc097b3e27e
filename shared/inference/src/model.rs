//! The three files of a model folder, loaded side by side.

use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::config::Config;
use crate::engine::Engine;
use crate::text::Reader;

/// The files of a model, wherever they come from.
pub(crate) struct Files {
    pub(crate) onnx: Bytes,
    pub(crate) tokenizer: Bytes,
    pub(crate) config: Bytes,
    /// Known for a shipped model, whose file then is part of the program.
    pub(crate) shipped: Option<Shipped>,
    /// A name for logs where the configuration has none.
    pub(crate) folder: String,
}

/// What is known of a shipped model before it is loaded, so that start-up need not compute it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shipped {
    pub(crate) name: &'static str,
    /// SHA-256 of `model.onnx`.
    pub(crate) digest: &'static str,
}

/// A loaded model with its tokenizer and configuration.
pub(crate) struct Model {
    pub(crate) engine: Engine,
    pub(crate) reader: Reader,
    pub(crate) config: Config,
    pub(crate) name: String,
    pub(crate) digest: String,
}

impl Files {
    /// Reads a folder.
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
        Ok(Self {
            config: read("config.json")?,
            tokenizer: read("tokenizer.json")?,
            onnx: read("model.onnx")?,
            shipped: None,
            folder: name,
        })
    }
}

impl Model {
    /// Loads the graph, the tokenizer and, where it is not known, the digest at the same time.
    pub(crate) fn load(files: &Files) -> Result<Self, Error> {
        let config = Config::parse(&files.config)?;
        let limit = config.max_tokens();
        let (engine, reader, digest) = std::thread::scope(|scope| {
            let engine = scope.spawn(|| Engine::load(files.onnx.clone(), files.shipped.is_some()));
            let digest = files
                .shipped
                .is_none()
                .then(|| scope.spawn(|| digest(&files.onnx)));
            let reader = Reader::new(&files.tokenizer, limit, config.vocab_size);
            let panicked = |_| Error::Model("reading it panicked: the file is damaged".to_owned());
            let engine = engine.join().map_err(panicked).flatten();
            let digest = digest.map(|d| d.join().map_err(panicked)).transpose();
            (engine, reader, digest)
        });
        let (engine, reader) = (engine?, reader?);
        engine.check(reader.vocabulary(), reader.limit())?;
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
            reader,
            config,
            name,
            digest,
        })
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
