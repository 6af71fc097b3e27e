//! Recognizes the embedding of the token ids.

use super::super::layers::EmbeddingTables;
use super::graph_walk::{GraphWalk, first_output, other_input};
use super::layer_norm::recognize_layer_norm;
use crate::kernels::QuantizationParams;
use crate::onnx::dtype;

/// Recognizes `norm(dequantize(words[ids]) + positions[..length])`; returns the tables and the name of the result.
pub(super) fn recognize_embeddings<'g>(
    walk: &GraphWalk<'g>,
    ids: &'g str,
) -> Option<(EmbeddingTables, &'g str)> {
    let gather = walk.consumer(ids, "Gather")?;
    let words = walk.constant(gather.inputs.first()?)?;
    let [_, hidden] = words.shape()?[..] else {
        return None;
    };
    let dequantize = walk.consumer(first_output(gather)?, "DequantizeLinear")?;
    let word_params = QuantizationParams {
        scale: walk.scalar(dequantize.inputs.get(1)?)?,
        zero_point: walk.constant(dequantize.inputs.get(2)?)?.small_int()?,
    };
    let add = walk.consumer(first_output(dequantize)?, "Add")?;
    let positions = recognize_positions(
        walk,
        ids,
        other_input(add, first_output(dequantize)?)?,
        hidden,
    )?;
    let (norm, value) = recognize_layer_norm(walk, first_output(add)?, hidden)?;
    let words = words.byte_elements(dtype::UINT8)?;
    let whole = gather.int("axis", 0) == 0 && gather.inputs.get(1)? == ids;
    whole.then_some((
        EmbeddingTables {
            words,
            word_params,
            positions,
            norm,
        },
        value,
    ))
}

/// Recognizes the slice of the position table that has as many rows as there are ids; returns the whole table.
fn recognize_positions<'g>(
    walk: &GraphWalk<'g>,
    ids: &'g str,
    value: &'g str,
    hidden: usize,
) -> Option<Vec<f32>> {
    let length = walk.consumer(walk.chain(ids, &["Shape"])?, "Gather")?;
    let slice = walk.consumer(walk.chain(first_output(length)?, &["Unsqueeze"])?, "Slice")?;
    let [table, from, _, axis, step] = slice.inputs.as_slice() else {
        return None;
    };
    let ranged = walk.ints(length.inputs.get(1)?)? == [1]
        && walk.ints(from)? == [0]
        && walk.ints(axis)? == [0]
        && walk.ints(step)? == [1];
    let table = walk.constant(table)?;
    let fits = matches!(table.shape()?[..], [_, width] if width == hidden);
    let reaches = walk.chain(first_output(slice)?, &["Unsqueeze"])? == value;
    (ranged && fits && reaches)
        .then(|| table.floats())
        .flatten()
}
