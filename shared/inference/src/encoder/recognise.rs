//! Finds an [`Encoder`] in an ONNX graph: the form that `training/export.py` writes, of any size.
//!
//! The graph is walked from `input_ids` along the only path that an encoder has. Every operator on it must be the expected
//! one with the expected constants, and no operator may be left over; otherwise the answer is `None` and the model runs
//! on tract, which needs no such form.

use std::cell::Cell;
use std::collections::HashMap;

use bytes::Bytes;

use super::{Embeddings, Encoder, Layer, Norm, Pooled};
use crate::kernels::{ALIGN, Affine, Heads, Isa, PackedMatrix};
use crate::onnx::{Graph, Model, Node, Tensor, dtype};

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

/// The graph, and how many of its operators have been accounted for.
struct Walk<'g> {
    constants: HashMap<&'g str, &'g Tensor>,
    consumers: HashMap<&'g str, Vec<(usize, &'g Node)>>,
    seen: Vec<Cell<bool>>,
}

impl<'g> Walk<'g> {
    fn new(graph: &'g Graph) -> Self {
        let mut constants: HashMap<_, _> = graph
            .initializers
            .iter()
            .map(|t| (t.name.as_str(), t))
            .collect();
        let mut consumers: HashMap<_, Vec<_>> = HashMap::new();
        let mut seen = Vec::with_capacity(graph.nodes.len());
        for (index, node) in graph.nodes.iter().enumerate() {
            let constant = (node.op == "Constant")
                .then(|| node.attribute("value")?.tensor.as_ref())
                .flatten();
            if let (Some(tensor), [name]) = (constant, node.outputs.as_slice()) {
                constants.insert(name, tensor);
            }
            seen.push(Cell::new(constant.is_some()));
            for input in &node.inputs {
                consumers
                    .entry(input.as_str())
                    .or_default()
                    .push((index, node));
            }
        }
        Self {
            constants,
            consumers,
            seen,
        }
    }

    fn is_finished(&self) -> bool {
        self.seen.iter().all(Cell::get)
    }

    /// The one operator of this type that reads the value.
    fn consumer(&self, value: &str, op: &str) -> Option<&'g Node> {
        let mut found = self
            .consumers
            .get(value)?
            .iter()
            .filter(|(_, n)| n.op == op && n.domain.is_empty());
        let (index, node) = found.next()?;
        // a node that reads the value twice is listed twice
        found.all(|(other, _)| other == index).then_some(())?;
        self.seen[*index].set(true);
        Some(node)
    }

    fn consumers(&self, value: &str, op: &str) -> Vec<&'g Node> {
        let all = self
            .consumers
            .get(value)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let found: Vec<_> = all
            .iter()
            .filter(|(_, n)| n.op == op && n.domain.is_empty())
            .collect();
        for (index, _) in &found {
            self.seen[*index].set(true);
        }
        found.into_iter().map(|(_, node)| *node).collect()
    }

    /// Follows a chain of operators, each the only one of its type to read the one before; the last output.
    fn chain(&self, value: &'g str, ops: &[&str]) -> Option<&'g str> {
        ops.iter()
            .try_fold(value, |value, op| output(self.consumer(value, op)?))
    }

    fn constant(&self, name: &str) -> Option<&'g Tensor> {
        self.constants.get(name).copied()
    }

    fn floats(&self, name: &str) -> Option<Vec<f32>> {
        self.constant(name)?.floats()
    }

    fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.constant(name)?.ints()
    }

    fn scalar(&self, name: &str) -> Option<f32> {
        match self.floats(name)?.as_slice() {
            [value] => Some(*value),
            _ => None,
        }
    }

    /// The other of a node's two inputs.
    fn other(node: &'g Node, value: &str) -> Option<&'g str> {
        match node.inputs.as_slice() {
            [a, b] if a == value => Some(b),
            [a, b] if b == value => Some(a),
            _ => None,
        }
    }

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

    /// Three equal slices, split into heads, `softmax(q k^T scale) v`, joined again.
    fn attention(&self, value: &'g str, hidden: usize) -> Option<(Heads, &'g str)> {
        let bounds = self.thirds(value)?;
        let mut slices = [None; 3];
        for slice in self.consumers(value, "Slice") {
            let [_, from, to, axis] = slice.inputs.as_slice() else {
                return None;
            };
            let third = bounds.iter().position(|b| b == to)?;
            let begins = if third == 0 {
                self.ints(from)? == [0]
            } else {
                *from == bounds[third - 1]
            };
            (begins && self.ints(axis)? == [-1]).then_some(())?;
            slices[third] = output(slice);
        }
        let [(query, count, width), (key, ..), (values, ..)] = [
            self.split_heads(slices[0]?, &[0, 2, 1, 3])?,
            self.split_heads(slices[1]?, &[0, 2, 3, 1])?,
            self.split_heads(slices[2]?, &[0, 2, 1, 3])?,
        ];
        let product = self.consumer(query, "MatMul")?;
        let scaled = self.consumer(output(product)?, "Mul")?;
        let softmax = self.consumer(output(scaled)?, "Softmax")?;
        let mixed = self.consumer(output(softmax)?, "MatMul")?;
        let joined = self.consumer(output(mixed)?, "Transpose")?;
        let flat = self.consumer(output(joined)?, "Reshape")?;
        let fits = product.inputs == [query, key]
            && mixed.inputs == [output(softmax)?, values]
            && softmax.int("axis", -1) == -1
            && joined.attribute("perm")?.ints == [0, 2, 1, 3]
            && self.ints(flat.inputs.get(1)?)? == [1, -1, i64::try_from(hidden).ok()?]
            && count * width == hidden
            && width.is_multiple_of(ALIGN);
        let scale = self.scalar(Self::other(scaled, output(product)?)?)?;
        (fits && scale > 0.0).then_some((
            Heads {
                count,
                width,
                scale,
            },
            output(flat)?,
        ))
    }

    /// The values that hold one, two and three thirds of the last dimension, rounded up as `chunk` does.
    fn thirds(&self, value: &'g str) -> Option<[&'g str; 3]> {
        let shape = self.consumer(self.chain(value, &["Shape"])?, "Gather")?;
        let plus = self.consumer(output(shape)?, "Add")?;
        let third = self.consumer(output(plus)?, "Div")?;
        let is = |name: &str, expected: i64| self.ints(name).is_some_and(|v| v == [expected]);
        let rounded_up = is(shape.inputs.get(1)?, -1)
            && is(Self::other(plus, output(shape)?)?, 2)
            && is(Self::other(third, output(plus)?)?, 3)
            && third.inputs.first()? == output(plus)?;
        let mut bounds = [None; 3];
        for times in self.consumers(output(third)?, "Mul") {
            let factor = *self.ints(Self::other(times, output(third)?)?)?.first()?;
            *bounds.get_mut(usize::try_from(factor - 1).ok()?)? = output(times);
        }
        rounded_up.then_some([bounds[0]?, bounds[1]?, bounds[2]?])
    }

    /// `[1, tokens, hidden]` as heads; the value, and the count and width of the heads.
    fn split_heads(&self, value: &'g str, order: &[i64]) -> Option<(&'g str, usize, usize)> {
        let reshape = self.consumer(value, "Reshape")?;
        let [1, -1, count, width] = self.ints(reshape.inputs.get(1)?)?[..] else {
            return None;
        };
        let transpose = self.consumer(output(reshape)?, "Transpose")?;
        let ordered =
            transpose.attribute("perm")?.ints == order && reshape.int("allowzero", 0) == 0;
        let sizes = (usize::try_from(count).ok()?, usize::try_from(width).ok()?);
        ordered.then_some((output(transpose)?, sizes.0, sizes.1))
    }

    /// The mean over the tokens, and the graph's outputs that are made of it.
    fn pooled(&self, value: &'g str, graph: &'g Graph, isa: Isa) -> Option<Pooled> {
        let node = self.consumer(value, "ReduceMean")?;
        let over_tokens = node.attribute("axes")?.ints == [1] && node.int("keepdims", 1) == 0;
        let mean = output(node).filter(|_| over_tokens)?;
        if self.consumer(mean, "DynamicQuantizeLinear").is_some() {
            return self.classifier(mean, graph, isa);
        }
        let length = self.consumer(mean, "ReduceL2")?;
        let clip = self.consumer(output(length)?, "Clip")?;
        let expand = self.consumer(output(clip)?, "Expand")?;
        let divided = self.consumer(mean, "Div")?;
        let unlimited = clip.inputs.get(2).is_none_or(String::is_empty);
        let fits = length.attribute("axes")?.ints == [-1]
            && length.int("keepdims", 1) == 1
            && unlimited
            && expand.inputs.get(1)? == self.chain(mean, &["Shape"])?
            && divided.inputs == [mean, output(expand)?];
        let floor = self.scalar(clip.inputs.get(1)?)?;
        let [only] = graph.outputs.as_slice() else {
            return None;
        };
        let ends = output(divided)? == only.name;
        (fits && ends).then(|| Pooled::Normalised {
            name: only.name.clone(),
            floor,
        })
    }

    /// A linear layer for each of the graph's outputs.
    fn classifier(&self, mean: &'g str, graph: &'g Graph, isa: Isa) -> Option<Pooled> {
        let quantised = self.consumer(mean, "DynamicQuantizeLinear")?;
        let mut heads = Vec::new();
        for matmul in self.consumers(quantised.outputs.first()?, "MatMulInteger") {
            let (matrix, name) = self.product(quantised, matmul, isa)?;
            heads.push((name.to_owned(), matrix));
        }
        let place = |name: &str| graph.outputs.iter().position(|o| o.name == name);
        let all =
            heads.len() == graph.outputs.len() && heads.iter().all(|(n, _)| place(n).is_some());
        heads.sort_by_key(|(name, _)| place(name));
        all.then_some(Pooled::Heads(heads))
    }
}

fn output(node: &Node) -> Option<&str> {
    node.outputs.first().map(String::as_str)
}

fn signed(bytes: &Bytes) -> Vec<i8> {
    bytes.iter().map(|b| b.cast_signed()).collect()
}
