//! An encoder of BERT's kind with int8 weights, run by this crate's kernels.
//!
//! The encoder computes what the recognized graph says, operator by operator, and quantizes activations per tensor as the graph
//! does; only the order of the float sums differs. Three things make it faster than a general engine: no operator has overhead,
//! the weights are laid out once for the processor's dot product, and query, key and value read the same quantized input.

mod layers;
mod recognize;
mod run;
#[cfg(test)]
mod tests;

pub(crate) use recognize::recognize_encoder;
pub(crate) use run::{Encoder, Workspace};
