//! A loaded `model.onnx`: this crate's encoder where the graph has its form, tract for every other graph.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use prost::Message;

use crate::Error;
use crate::encoder::{Encoder, Workspace, recognise};
use crate::graph::TractModel;
use crate::kernels::Isa;
use crate::onnx;

/// What a model gives for one text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    pub(crate) name: String,
    /// Values of a row: classes, or the width of a vector.
    pub(crate) width: usize,
    /// Whether there is a row for each token, not one for the text.
    pub(crate) per_token: bool,
}

enum Kind {
    Encoder {
        encoder: Box<Encoder>,
        workspaces: Mutex<Vec<Workspace>>,
    },
    Tract(TractModel),
}

/// A model that runs token ids.
pub(crate) struct Engine {
    kind: Kind,
    outputs: Vec<Output>,
}

impl Engine {
    /// Reads a model, `file` being the content of `model.onnx`.
    ///
    /// With `resident` the file is part of the program, and its word vectors are read in place; otherwise they are copied,
    /// so that the file's memory can go.
    pub(crate) fn load(file: Bytes, resident: bool) -> Result<Self, Error> {
        let model = onnx::Model::decode(file.clone())
            .map_err(|e| Error::Model(format!("not an ONNX file: {e}")))?;
        let Some(mut encoder) = recognise(&model, Isa::detect()) else {
            drop(model);
            return Self::on_tract(&file);
        };
        if !resident {
            encoder.own_words();
        }
        Ok(Self::of_encoder(encoder))
    }

    /// Reads a model and runs it on tract, whatever its form.
    pub(crate) fn on_tract(file: &Bytes) -> Result<Self, Error> {
        let model = TractModel::load(file)?;
        let outputs = model.outputs().to_vec();
        Ok(Self {
            kind: Kind::Tract(model),
            outputs,
        })
    }

    fn of_encoder(encoder: Encoder) -> Self {
        let outputs = encoder.outputs().into_iter();
        let outputs = outputs
            .map(|(name, width)| Output {
                name,
                width,
                per_token: false,
            })
            .collect();
        let kind = Kind::Encoder {
            encoder: Box::new(encoder),
            workspaces: Mutex::default(),
        };
        Self { kind, outputs }
    }

    /// The outputs, in the order of [`Self::run`].
    pub(crate) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Whether this crate's own encoder runs the model.
    pub(crate) fn is_recognised(&self) -> bool {
        matches!(self.kind, Kind::Encoder { .. })
    }

    /// Refuses a tokenizer or a limit that reaches past the model's tables.
    pub(crate) fn check(&self, vocabulary: usize, max_tokens: usize) -> Result<(), Error> {
        let Kind::Encoder { encoder, .. } = &self.kind else {
            return Ok(());
        };
        if vocabulary > encoder.vocabulary() {
            return Err(Error::Tokenizer(format!(
                "it has {vocabulary} tokens, but the model has vectors for {}: they belong to different models",
                encoder.vocabulary()
            )));
        }
        if max_tokens > encoder.max_tokens() {
            return Err(Error::Config(format!(
                "max_length is {max_tokens}, but the model has {} positions",
                encoder.max_tokens()
            )));
        }
        Ok(())
    }

    /// Runs one text of at least one token; the rows of each output.
    pub(crate) fn run(&self, ids: &[u32]) -> Result<Vec<Vec<f32>>, Error> {
        match &self.kind {
            Kind::Encoder {
                encoder,
                workspaces,
            } => {
                let lock = || workspaces.lock().unwrap_or_else(PoisonError::into_inner);
                let mut work = lock().pop().unwrap_or_default();
                let out = encoder.run(ids, &mut work);
                lock().push(work);
                Ok(out)
            }
            Kind::Tract(model) => model.run(ids),
        }
    }
}
