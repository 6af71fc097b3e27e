//! Recognizes an [`Encoder`] in an ONNX graph of the form that `training/export.py` writes, of any size.
//!
//! The graph is walked from `input_ids` along the only path that an encoder has. Every operator on the path must be the expected
//! one with the expected constants, and no operator may be left over. Otherwise the result is `None`, and the model runs on
//! tract, which needs no such form.

mod attention;
mod embeddings;
mod graph_walk;
mod layer;
mod layer_norm;
mod linear;
mod pooling;

use self::embeddings::recognize_embeddings;
use self::graph_walk::GraphWalk;
use self::layer::recognize_layer;
use self::pooling::recognize_pooling;
use super::run::Encoder;
use crate::kernels::{ALIGN, Isa};
use crate::onnx::OnnxModel;

/// Returns the encoder in a model, if the graph has that form and the kernels can work with its sizes.
pub(crate) fn recognize_encoder(model: &OnnxModel, isa: Isa) -> Option<Encoder> {
    let graph = model.graph.as_ref()?;
    let walk = GraphWalk::new(graph);
    let [input] = graph.inputs.as_slice() else {
        return None;
    };
    if input.name != "input_ids" {
        return None;
    }
    let (embeddings, mut value) = recognize_embeddings(&walk, &input.name)?;
    let hidden = embeddings.norm.gamma.len();
    let mut heads = None;
    let mut layers = Vec::new();
    while walk.consumer(value, "ReduceMean").is_none() {
        let (layer, shape, next) = recognize_layer(&walk, value, hidden, isa)?;
        if heads.replace(shape).is_some_and(|h| h != shape) {
            return None;
        }
        layers.push(layer);
        value = next;
    }
    let pooled = recognize_pooling(&walk, value, graph, isa)?;
    let heads = heads?;
    let whole = heads.hidden() == hidden && hidden.is_multiple_of(ALIGN);
    (whole && walk.is_finished()).then_some(Encoder {
        isa,
        heads,
        embeddings,
        layers,
        pooled,
    })
}
