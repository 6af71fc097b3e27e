//! Running an encoder: token ids in, rows of floats out.

use bytes::Bytes;

use super::layers::{EmbeddingTables, EncoderLayer, LayerNorm, PooledOutput};
use crate::kernels::{self, AttentionScratch, BalancedInput, Heads, Isa, PackedMatrix};

/// A recognized model, ready to run.
pub(crate) struct Encoder {
    pub(super) isa: Isa,
    pub(super) heads: Heads,
    pub(super) embeddings: EmbeddingTables,
    pub(super) layers: Vec<EncoderLayer>,
    pub(super) pooled: PooledOutput,
}

/// The buffers of one inference, kept from text to text.
#[derive(Default)]
pub(crate) struct Workspace {
    /// Input and output of a layer, `[tokens, hidden]`.
    hidden: Vec<f32>,
    /// Result of a product, of any width.
    wide: Vec<f32>,
    /// Result of the attention and of the feed-forward part, `[tokens, hidden]`.
    context: Vec<f32>,
    /// Quantized input of a product.
    bytes: Vec<u8>,
    balanced: BalancedInput,
    attention: AttentionScratch,
}

impl Encoder {
    /// Returns the number of word vectors, which is one more than the largest token id.
    pub(crate) fn vocabulary(&self) -> usize {
        self.embeddings.words.len() / self.heads.hidden()
    }

    /// Copies the word vectors out of the file, so that the memory of the file can be freed.
    pub(crate) fn copy_word_vectors(&mut self) {
        self.embeddings.words = Bytes::copy_from_slice(&self.embeddings.words);
    }

    /// Returns the number of position vectors, which is the largest number of tokens of a text.
    pub(crate) fn max_tokens(&self) -> usize {
        self.embeddings.positions.len() / self.heads.hidden()
    }

    /// Returns the name and the width of each output, in the order of the graph.
    pub(crate) fn outputs(&self) -> Vec<(String, usize)> {
        match &self.pooled {
            PooledOutput::Heads(heads) => heads
                .iter()
                .map(|(n, m)| (n.clone(), m.outputs()))
                .collect(),
            PooledOutput::Normalized { name, .. } => vec![(name.clone(), self.heads.hidden())],
        }
    }

    /// Computes the outputs for one text.
    ///
    /// # Panics
    /// If there is no token, or more than [`Self::max_tokens`], or a token that is not in the vocabulary. `Engine::check` and the
    /// tokenizer rule that out.
    pub(crate) fn run(&self, ids: &[u32], workspace: &mut Workspace) -> Vec<Vec<f32>> {
        self.embed(ids, workspace);
        for layer in &self.layers {
            self.run_layer(layer, ids.len(), workspace);
        }
        self.pool_tokens(ids.len(), workspace)
    }

    /// Writes the normalized sum of word vector and position vector of each token to `hidden`.
    fn embed(&self, ids: &[u32], workspace: &mut Workspace) {
        let EmbeddingTables {
            words,
            word_params,
            positions,
            norm,
        } = &self.embeddings;
        let hidden = self.heads.hidden();
        workspace.hidden.resize(ids.len() * hidden, 0.0);
        let rows = workspace
            .hidden
            .chunks_exact_mut(hidden)
            .zip(positions.chunks_exact(hidden));
        for (&id, (row, position)) in ids.iter().zip(rows) {
            let word = &words[id as usize * hidden..][..hidden];
            for (out, (&byte, position)) in row.iter_mut().zip(word.iter().zip(position)) {
                #[expect(clippy::cast_precision_loss, reason = "-255..=255")]
                let steps = (i32::from(byte) - word_params.zero_point) as f32;
                *out = steps * word_params.scale + position;
            }
        }
        normalize(self.isa, &mut workspace.hidden, None, norm);
    }

    /// Replaces `hidden` with the output of a layer.
    fn run_layer(&self, layer: &EncoderLayer, tokens: usize, workspace: &mut Workspace) {
        let Workspace {
            hidden,
            wide,
            context,
            bytes,
            balanced,
            attention,
        } = workspace;
        linear(self.isa, &layer.qkv, tokens, hidden, bytes, balanced, wide);
        context.resize(tokens * self.heads.hidden(), 0.0);
        kernels::attention(self.isa, wide, tokens, self.heads, attention, context);
        linear(
            self.isa,
            &layer.attention_out,
            tokens,
            context,
            bytes,
            balanced,
            wide,
        );
        normalize(self.isa, wide, Some(hidden), &layer.attention_norm);
        std::mem::swap(hidden, wide);

        linear(self.isa, &layer.up, tokens, hidden, bytes, balanced, wide);
        kernels::gelu(self.isa, wide);
        linear(
            self.isa,
            &layer.down,
            tokens,
            wide,
            bytes,
            balanced,
            context,
        );
        normalize(self.isa, context, Some(hidden), &layer.out_norm);
        std::mem::swap(hidden, context);
    }

    /// Computes the outputs of the mean of `hidden` over the tokens.
    fn pool_tokens(&self, tokens: usize, workspace: &mut Workspace) -> Vec<Vec<f32>> {
        let mut mean = vec![0.0; self.heads.hidden()];
        for row in workspace.hidden.chunks_exact(mean.len()) {
            for (mean, value) in mean.iter_mut().zip(row) {
                *mean += value;
            }
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a text has far fewer than 2^24 tokens"
        )]
        let share = 1.0 / tokens as f32;
        mean.iter_mut().for_each(|m| *m *= share);
        match &self.pooled {
            PooledOutput::Heads(heads) => {
                workspace.bytes.resize(mean.len(), 0);
                let params = kernels::quantize(self.isa, &mean, &mut workspace.bytes);
                let head = |(_, matrix): &(String, PackedMatrix)| {
                    let mut out = vec![0.0; matrix.row_stride()];
                    kernels::multiply(
                        matrix,
                        1,
                        &workspace.bytes,
                        params,
                        &mut workspace.balanced,
                        &mut out,
                    );
                    out.truncate(matrix.outputs());
                    out
                };
                heads.iter().map(head).collect()
            }
            PooledOutput::Normalized { floor, .. } => {
                let length = mean.iter().map(|m| m * m).sum::<f32>().sqrt().max(*floor);
                mean.iter_mut().for_each(|m| *m /= length);
                vec![mean]
            }
        }
    }
}

/// Quantizes `rows` rows of `from` and multiplies them with a matrix into `to`.
fn linear(
    isa: Isa,
    matrix: &PackedMatrix,
    rows: usize,
    from: &[f32],
    bytes: &mut Vec<u8>,
    balanced: &mut BalancedInput,
    to: &mut Vec<f32>,
) {
    bytes.resize(from.len(), 0);
    to.resize(rows * matrix.row_stride(), 0.0);
    let params = kernels::quantize(isa, from, bytes);
    kernels::multiply(matrix, rows, bytes, params, balanced, to);
}

/// Adds the residual, if there is one, and normalizes each row.
fn normalize(isa: Isa, values: &mut [f32], residual: Option<&[f32]>, norm: &LayerNorm) {
    kernels::add_and_normalize(isa, values, residual, &norm.gamma, &norm.beta, norm.epsilon);
}
