//! The parts of an encoder: tables, layers, and the output after the last layer.

use bytes::Bytes;

use crate::kernels::{PackedMatrix, QuantizationParams};

/// The parameters of a layer normalization.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    /// Factor of each value of a row, `[hidden]`.
    pub(super) gamma: Vec<f32>,
    /// Term of each value of a row, `[hidden]`.
    pub(super) beta: Vec<f32>,
    /// Number that is added to the variance, so that a constant row divides by no zero.
    pub(super) epsilon: f32,
}

/// The vectors of words and of positions, and the normalization of their sum.
#[derive(Debug)]
pub(crate) struct EmbeddingTables {
    /// Word vectors as quantized bytes, `[vocabulary, hidden]`.
    pub(super) words: Bytes,
    /// Scale and zero point of the word vectors.
    pub(super) word_params: QuantizationParams,
    /// Position vectors, `[max_tokens, hidden]`.
    pub(super) positions: Vec<f32>,
    pub(super) norm: LayerNorm,
}

/// One layer of the transformer.
pub(crate) struct EncoderLayer {
    /// Query, key and value as one product, `[hidden, 3 * hidden]`.
    pub(super) qkv: PackedMatrix,
    /// Projection of the attention's result, `[hidden, hidden]`.
    pub(super) attention_out: PackedMatrix,
    pub(super) attention_norm: LayerNorm,
    /// First product of the feed-forward part, `[hidden, wide]`.
    pub(super) up: PackedMatrix,
    /// Second product of the feed-forward part, `[wide, hidden]`.
    pub(super) down: PackedMatrix,
    pub(super) out_norm: LayerNorm,
}

/// What the encoder computes of the mean of the token vectors.
pub(crate) enum PooledOutput {
    /// Named linear layers that all read the quantized mean.
    Heads(Vec<(String, PackedMatrix)>),
    /// The mean itself, divided by its length, or by `floor` if the mean is shorter than `floor`.
    Normalized { name: String, floor: f32 },
}
