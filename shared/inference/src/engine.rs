//! A loaded `model.onnx`: this crate's encoder where the graph has the encoder's form, tract with this crate's kernels as operators
//! for every other graph.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use prost::Message;

use crate::encoder::{Encoder, Workspace, recognize_encoder};
use crate::error::Error;
use crate::kernels::Isa;
use crate::model_output::ModelOutput;
use crate::onnx::OnnxModel;
#[cfg(feature = "tract")]
use crate::tract::TractModel;

/// What runs the graph.
enum Backend {
    /// This crate's encoder, with the workspaces that are not in use.
    Encoder {
        encoder: Box<Encoder>,
        workspaces: Mutex<Vec<Workspace>>,
    },
    /// The general engine.
    #[cfg(feature = "tract")]
    Tract(TractModel),
}

/// A loaded graph that maps token ids to the rows of its outputs.
pub(crate) struct Engine {
    backend: Backend,
    outputs: Vec<ModelOutput>,
}

impl Engine {
    /// Loads a graph; `file` is the content of `model.onnx`.
    ///
    /// With `is_shipped` the file is part of the binary, and the encoder reads its word vectors in place. Without it they are
    /// copied, so that the memory of the file can be freed.
    pub(crate) fn load(file: Bytes, is_shipped: bool) -> Result<Self, Error> {
        let model = OnnxModel::decode(file.clone())
            .map_err(|error| Error::model("not an ONNX file").with_source(error))?;
        let Some(mut encoder) = recognize_encoder(&model, Isa::detect()) else {
            drop(model);
            #[cfg(feature = "tract")]
            return Self::on_tract(&file, Some(Isa::detect()));
            #[cfg(not(feature = "tract"))]
            return Err(Error::model(
                "it has not the form of the shipped models, and this program runs no other",
            ));
        };
        if !is_shipped {
            encoder.copy_word_vectors();
        }
        Ok(Self::from_encoder(encoder))
    }

    /// Loads a graph of any form into tract, with the kernels for an instruction set where one is given.
    #[cfg(feature = "tract")]
    pub(crate) fn on_tract(file: &Bytes, kernels: Option<Isa>) -> Result<Self, Error> {
        let model = TractModel::load(file, kernels)?;
        let outputs = model.outputs().to_vec();
        Ok(Self {
            backend: Backend::Tract(model),
            outputs,
        })
    }

    fn from_encoder(encoder: Encoder) -> Self {
        let outputs = encoder.outputs().into_iter();
        let outputs = outputs
            .map(|(name, width)| ModelOutput {
                name,
                width,
                is_per_token: false,
            })
            .collect();
        let backend = Backend::Encoder {
            encoder: Box::new(encoder),
            workspaces: Mutex::default(),
        };
        Self { backend, outputs }
    }

    /// Returns the outputs, in the order of the rows that [`Self::run`] returns.
    pub(crate) fn outputs(&self) -> &[ModelOutput] {
        &self.outputs
    }

    /// Returns whether this crate's kernels compute the integer products of the graph.
    pub(crate) fn is_accelerated(&self) -> bool {
        match &self.backend {
            Backend::Encoder { .. } => true,
            #[cfg(feature = "tract")]
            Backend::Tract(model) => model.has_kernels(),
        }
    }

    /// Refuses a tokenizer with more tokens than the model has vectors for, and a limit beyond the model's positions. tract
    /// checks both itself, for each text.
    pub(crate) fn check(&self, vocabulary: usize, max_tokens: usize) -> Result<(), Error> {
        let encoder = match &self.backend {
            Backend::Encoder { encoder, .. } => encoder,
            #[cfg(feature = "tract")]
            Backend::Tract(_) => return Ok(()),
        };
        if vocabulary > encoder.vocabulary() {
            return Err(Error::tokenizer(format!(
                "it has {vocabulary} tokens, but the model has vectors for {}: they belong to different models",
                encoder.vocabulary()
            )));
        }
        if max_tokens > encoder.max_tokens() {
            return Err(Error::config(format!(
                "max_length is {max_tokens}, but the model has {} positions",
                encoder.max_tokens()
            )));
        }
        Ok(())
    }

    /// Runs one text of at least one token and returns the rows of each output, one after the other.
    pub(crate) fn run(&self, ids: &[u32]) -> Result<Vec<Vec<f32>>, Error> {
        match &self.backend {
            Backend::Encoder {
                encoder,
                workspaces,
            } => {
                let lock = || workspaces.lock().unwrap_or_else(PoisonError::into_inner);
                let mut workspace = lock().pop().unwrap_or_default();
                let outputs = encoder.run(ids, &mut workspace);
                lock().push(workspace);
                Ok(outputs)
            }
            #[cfg(feature = "tract")]
            Backend::Tract(model) => model.run(ids),
        }
    }
}
