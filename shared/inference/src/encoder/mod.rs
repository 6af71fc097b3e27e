//! A BERT-like encoder with int8 weights, run by this crate's own kernels.
//!
//! It computes what the recognised graph says, operator by operator, activations quantised per tensor as the graph does;
//! only the order of float sums differs. What makes it faster than a general engine: no node has overhead, weights are
//! laid out once for the processor's dot product, and query, key and value read the same quantised input.

mod recognise;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::kernels::{self, Affine, AttentionScratch, Balanced, Heads, Isa, PackedMatrix};

pub(crate) use recognise::recognise;

/// Scale and offset of a layer normalisation.
#[derive(Debug)]
pub(crate) struct Norm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
    epsilon: f32,
}

/// Word vectors as bytes, position vectors as floats, and the normalisation of their sum.
#[derive(Debug)]
pub(crate) struct Embeddings {
    words: Bytes,
    affine: Affine,
    positions: Vec<f32>,
    norm: Norm,
}

/// One transformer layer.
pub(crate) struct Layer {
    qkv: PackedMatrix,
    attention_out: PackedMatrix,
    attention_norm: Norm,
    up: PackedMatrix,
    down: PackedMatrix,
    out_norm: Norm,
}

/// What becomes of the mean of the token vectors.
pub(crate) enum Pooled {
    /// Named linear layers, which read one quantised mean.
    Heads(Vec<(String, PackedMatrix)>),
    /// The mean itself, scaled to length 1 (or divided by `floor` if it is shorter than that).
    Normalised { name: String, floor: f32 },
}

/// A recognised model, ready to run.
pub(crate) struct Encoder {
    isa: Isa,
    heads: Heads,
    embeddings: Embeddings,
    layers: Vec<Layer>,
    pooled: Pooled,
}

/// The buffers of one inference, kept from text to text.
#[derive(Default)]
pub(crate) struct Workspace {
    hidden: Vec<f32>,
    wide: Vec<f32>,
    context: Vec<f32>,
    bytes: Vec<u8>,
    balanced: Balanced,
    attention: AttentionScratch,
}

impl Encoder {
    /// Word vectors, which is one more than the largest token id.
    pub(crate) fn vocabulary(&self) -> usize {
        self.embeddings.words.len() / self.heads.hidden()
    }

    /// Copies the word vectors out of the file they were read from.
    pub(crate) fn own_words(&mut self) {
        self.embeddings.words = Bytes::copy_from_slice(&self.embeddings.words);
    }

    /// The most tokens that there are position vectors for.
    pub(crate) fn max_tokens(&self) -> usize {
        self.embeddings.positions.len() / self.heads.hidden()
    }

    /// Name and width of each output, in the graph's order.
    pub(crate) fn outputs(&self) -> Vec<(String, usize)> {
        match &self.pooled {
            Pooled::Heads(heads) => heads
                .iter()
                .map(|(n, m)| (n.clone(), m.outputs()))
                .collect(),
            Pooled::Normalised { name, .. } => vec![(name.clone(), self.heads.hidden())],
        }
    }

    /// The outputs for one text.
    ///
    /// # Panics
    /// If there is no token, more than [`Self::max_tokens`], or one outside [`Self::vocabulary`]; the model that holds
    /// this encoder checks them.
    pub(crate) fn run(&self, ids: &[u32], work: &mut Workspace) -> Vec<Vec<f32>> {
        self.embed(ids, work);
        for layer in &self.layers {
            self.layer(layer, ids.len(), work);
        }
        self.pool(ids.len(), work)
    }

    fn embed(&self, ids: &[u32], work: &mut Workspace) {
        let Embeddings {
            words,
            affine,
            positions,
            norm,
        } = &self.embeddings;
        let hidden = self.heads.hidden();
        work.hidden.resize(ids.len() * hidden, 0.0);
        let rows = work
            .hidden
            .chunks_exact_mut(hidden)
            .zip(positions.chunks_exact(hidden));
        for (&id, (row, position)) in ids.iter().zip(rows) {
            let word = &words[id as usize * hidden..][..hidden];
            for (out, (&byte, position)) in row.iter_mut().zip(word.iter().zip(position)) {
                #[expect(clippy::cast_precision_loss, reason = "-255..=255")]
                let steps = (i32::from(byte) - affine.zero_point) as f32;
                *out = steps * affine.scale + position;
            }
        }
        normalise(self.isa, &mut work.hidden, None, norm);
    }

    fn layer(&self, layer: &Layer, tokens: usize, work: &mut Workspace) {
        let Workspace {
            hidden,
            wide,
            context,
            bytes,
            balanced,
            attention,
        } = work;
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
        normalise(self.isa, wide, Some(hidden), &layer.attention_norm);
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
        normalise(self.isa, context, Some(hidden), &layer.out_norm);
        std::mem::swap(hidden, context);
    }

    fn pool(&self, tokens: usize, work: &mut Workspace) -> Vec<Vec<f32>> {
        let mut mean = vec![0.0; self.heads.hidden()];
        for row in work.hidden.chunks_exact(mean.len()) {
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
            Pooled::Heads(heads) => {
                work.bytes.resize(mean.len(), 0);
                let affine = kernels::quantise(self.isa, &mean, &mut work.bytes);
                let head = |(_, matrix): &(String, PackedMatrix)| {
                    let mut out = vec![0.0; matrix.row_stride()];
                    kernels::multiply(matrix, 1, &work.bytes, affine, &mut work.balanced, &mut out);
                    out.truncate(matrix.outputs());
                    out
                };
                heads.iter().map(head).collect()
            }
            Pooled::Normalised { floor, .. } => {
                let length = mean.iter().map(|m| m * m).sum::<f32>().sqrt().max(*floor);
                mean.iter_mut().for_each(|m| *m /= length);
                vec![mean]
            }
        }
    }
}

fn linear(
    isa: Isa,
    matrix: &PackedMatrix,
    rows: usize,
    from: &[f32],
    bytes: &mut Vec<u8>,
    balanced: &mut Balanced,
    to: &mut Vec<f32>,
) {
    bytes.resize(from.len(), 0);
    to.resize(rows * matrix.row_stride(), 0.0);
    let affine = kernels::quantise(isa, from, bytes);
    kernels::multiply(matrix, rows, bytes, affine, balanced, to);
}

fn normalise(isa: Isa, values: &mut [f32], residual: Option<&[f32]>, norm: &Norm) {
    kernels::add_and_normalise(isa, values, residual, &norm.gamma, &norm.beta, norm.epsilon);
}
