//! Finds an [`Encoder`] in an ONNX graph: the form that `training/export.py` writes, of any size.
//!
//! The graph is walked from `input_ids` along the only path that an encoder has. Every operator on it must be the expected
//! one with the expected constants, and no operator may be left over; otherwise the answer is `None` and the model runs
//! on tract, which needs no such form.

mod attention;
mod pool;
mod walk;

use bytes::Bytes;

use self::walk::{Walk, output};
use super::{Embeddings, Encoder, Layer, Norm};
use crate::kernels::{ALIGN, Affine, Heads, Isa, PackedMatrix};
use crate::onnx::{Model, Node, dtype};

/// The encoder in the model, if it has that form and sizes that the kernels take.
pub(crate) fn recognise(model: &Model, isa: Isa) -> Option<Encoder> {
    let graph = model.graph.as_ref()?;
    let mut walk = Walk::new(graph);
    let [input] = graph.inputs.as_slice() else {
        return None;
    };
    if input.name != "input_ids" {
        return None;
    }
    let (embeddings, mut value) = walk.embeddings(&input.name)?;
    let hidden = embeddings.norm.gamma.len();
    let mut heads = None;
    let mut layers = Vec::new();
    while walk.consumer(value, "ReduceMean").is_none() {
        let (layer, shape, next) = walk.layer(value, hidden, isa)?;
        if heads.replace(shape).is_some_and(|h| h != shape) {
            return None;
        }
        layers.push(layer);
        value = next;
    }
    let pooled = walk.pooled(value, graph, isa)?;
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

impl<'g> Walk<'g> {
    /// `norm(dequantise(words[ids]) + positions[..length])`.
    fn embeddings(&mut self, ids: &'g str) -> Option<(Embeddings, &'g str)> {
        let gather = self.consumer(ids, "Gather")?;
        let words = self.constant(gather.inputs.first()?)?;
        let [_, hidden] = words.shape()?[..] else {
            return None;
        };
        let dequantise = self.consumer(output(gather)?, "DequantizeLinear")?;
        let affine = Affine {
            scale: self.scalar(dequantise.inputs.get(1)?)?,
            zero_point: self.constant(dequantise.inputs.get(2)?)?.small_int()?,
        };
        let add = self.consumer(output(dequantise)?, "Add")?;
        let positions = self.positions(ids, Self::other(add, output(dequantise)?)?, hidden)?;
        let (norm, value) = self.norm(output(add)?, hidden)?;
        let words = words.byte_elements(dtype::UINT8)?;
        let whole = gather.int("axis", 0) == 0 && gather.inputs.get(1)? == ids;
        whole.then_some((
            Embeddings {
                words,
                affine,
                positions,
                norm,
            },
            value,
        ))
    }

    /// The position table, of which the graph takes as many rows as there are ids.
    fn positions(&self, ids: &'g str, value: &'g str, hidden: usize) -> Option<Vec<f32>> {
        let length = self.consumer(self.chain(ids, &["Shape"])?, "Gather")?;
        let slice = self.consumer(self.chain(output(length)?, &["Unsqueeze"])?, "Slice")?;
        let [table, from, _, axis, step] = slice.inputs.as_slice() else {
            return None;
        };
        let ranged = self.ints(length.inputs.get(1)?)? == [1]
            && self.ints(from)? == [0]
            && self.ints(axis)? == [0]
            && self.ints(step)? == [1];
        let table = self.constant(table)?;
        let fits = matches!(table.shape()?[..], [_, width] if width == hidden);
        let reaches = self.chain(output(slice)?, &["Unsqueeze"])? == value;
        (ranged && fits && reaches)
            .then(|| table.floats())
            .flatten()
    }

    fn norm(&self, value: &'g str, hidden: usize) -> Option<(Norm, &'g str)> {
        let node = self.consumer(value, "LayerNormalization")?;
        let [_, gamma, beta] = node.inputs.as_slice() else {
            return None;
        };
        let epsilon = node.attribute("epsilon").map_or(1e-5, |a| a.float);
        let norm = Norm {
            gamma: self.floats(gamma)?,
            beta: self.floats(beta)?,
            epsilon,
        };
        let fits =
            norm.gamma.len() == hidden && norm.beta.len() == hidden && node.int("axis", -1) == -1;
        fits.then_some((norm, output(node)?))
    }

    /// `value . weights + bias` from a quantised value: the int8 product, its scales, the bias.
    fn product(
        &self,
        quantised: &'g Node,
        matmul: &'g Node,
        isa: Isa,
    ) -> Option<(PackedMatrix, &'g str)> {
        let [bytes, scale, zero_point] = quantised.outputs.as_slice() else {
            return None;
        };
        let weights = self.constant(matmul.inputs.get(1)?)?;
        let [inputs, outputs] = weights.shape()?[..] else {
            return None;
        };
        let reads = matmul.inputs.first()? == bytes && matmul.inputs.get(2)? == zero_point;
        let cast = self.consumer(output(matmul)?, "Cast")?;
        let scaled = self.consumer(output(cast)?, "Mul")?;
        let scales_value = Self::other(scaled, output(cast)?)?;
        let scales = self
            .consumers(scale, "Mul")
            .into_iter()
            .find(|n| output(n) == Some(scales_value))?;
        let scales = self.floats(Self::other(scales, scale)?)?;
        let add = self.consumer(output(scaled)?, "Add")?;
        let bias = self.floats(Self::other(add, output(scaled)?)?)?;
        let bytes = weights.byte_elements(dtype::INT8)?;
        let fits = reads
            && self.weights_are_centred(matmul)
            && cast.int("to", 0) == i64::from(dtype::FLOAT)
            && scales.len() == outputs
            && bias.len() == outputs
            && inputs.is_multiple_of(ALIGN);
        fits.then(|| {
            (
                PackedMatrix::new(isa, inputs, &signed(&bytes), &scales, &bias),
                output(add).unwrap_or_default(),
            )
        })
    }

    fn weights_are_centred(&self, matmul: &Node) -> bool {
        let Some(name) = matmul.inputs.get(3).filter(|n| !n.is_empty()) else {
            return true;
        };
        self.constant(name)
            .and_then(|t| t.byte_elements(dtype::INT8))
            .is_some_and(|z| z.iter().all(|&b| b == 0))
    }

    fn linear(&self, value: &'g str, isa: Isa) -> Option<(PackedMatrix, &'g str)> {
        let quantised = self.consumer(value, "DynamicQuantizeLinear")?;
        let matmul = self.consumer(quantised.outputs.first()?, "MatMulInteger")?;
        self.product(quantised, matmul, isa)
    }

    fn layer(&self, value: &'g str, hidden: usize, isa: Isa) -> Option<(Layer, Heads, &'g str)> {
        let (qkv, projected) = self.linear(value, isa)?;
        let (heads, context) = self.attention(projected, hidden)?;
        let (attention_out, attended) = self.linear(context, isa)?;
        let (attention_norm, middle) = self.residual_norm(attended, value, hidden)?;
        let (up, raised) = self.linear(middle, isa)?;
        let (down, lowered) = self.linear(self.gelu(raised)?, isa)?;
        let (out_norm, next) = self.residual_norm(lowered, middle, hidden)?;
        let shapes = [(&qkv, hidden, 3 * hidden), (&attention_out, hidden, hidden)];
        let fits = shapes
            .iter()
            .all(|(m, i, o)| m.inputs() == *i && m.outputs() == *o)
            && up.inputs() == hidden
            && up.outputs() == down.inputs()
            && down.outputs() == hidden;
        fits.then_some((
            Layer {
                qkv,
                attention_out,
                attention_norm,
                up,
                down,
                out_norm,
            },
            heads,
            next,
        ))
    }

    fn residual_norm(
        &self,
        value: &'g str,
        residual: &str,
        hidden: usize,
    ) -> Option<(Norm, &'g str)> {
        let add = self.consumer(value, "Add")?;
        let joins = Self::other(add, value)? == residual;
        joins.then(|| self.norm(output(add)?, hidden)).flatten()
    }

    /// `x * (erf(x / sqrt 2) + 1) * 0.5`.
    fn gelu(&self, value: &'g str) -> Option<&'g str> {
        let divided = self.consumer(value, "Div")?;
        let erf = self.chain(output(divided)?, &["Erf"])?;
        let one = self.consumer(erf, "Add")?;
        let product = self.consumer(output(one)?, "Mul")?;
        let half = self.consumer(output(product)?, "Mul")?;
        let is = |node, value, expected: f32| {
            Some((self.scalar(Self::other(node, value)?)? - expected).abs() < 1e-6)
        };
        let fits = divided.inputs.first()? == value
            && is(divided, value, std::f32::consts::SQRT_2)?
            && is(one, erf, 1.0)?
            && Self::other(product, output(one)?)? == value
            && is(half, output(product)?, 0.5)?;
        fits.then(|| output(half)).flatten()
    }
}

fn signed(bytes: &Bytes) -> Vec<i8> {
    bytes.iter().map(|b| b.cast_signed()).collect()
}
