//! Recognizes a linear layer with int8 weights.

use bytes::Bytes;

use super::graph_walk::{GraphWalk, first_output, other_input};
use crate::kernels::{ALIGN, Isa, PackedMatrix};
use crate::onnx::{Node, dtype};

/// Recognizes `value . weights + bias` from a quantized value: the int8 product, its scales and the bias. Returns the matrix and
/// the name of the result.
pub(super) fn recognize_product<'g>(
    walk: &GraphWalk<'g>,
    quantized: &'g Node,
    matmul: &'g Node,
    isa: Isa,
) -> Option<(PackedMatrix, &'g str)> {
    let [bytes, scale, zero_point] = quantized.outputs.as_slice() else {
        return None;
    };
    let weights = walk.constant(matmul.inputs.get(1)?)?;
    let [inputs, outputs] = weights.shape()?[..] else {
        return None;
    };
    let reads = matmul.inputs.first()? == bytes && matmul.inputs.get(2)? == zero_point;
    let cast = walk.consumer(first_output(matmul)?, "Cast")?;
    let scaled = walk.consumer(first_output(cast)?, "Mul")?;
    let scales_value = other_input(scaled, first_output(cast)?)?;
    let scales = walk
        .consumers(scale, "Mul")
        .into_iter()
        .find(|n| first_output(n) == Some(scales_value))?;
    let scales = walk.floats(other_input(scales, scale)?)?;
    let add = walk.consumer(first_output(scaled)?, "Add")?;
    let bias = walk.floats(other_input(add, first_output(scaled)?)?)?;
    let bytes = weights.byte_elements(dtype::INT8)?;
    let fits = reads
        && has_symmetric_weights(walk, matmul)
        && cast.int("to", 0) == i64::from(dtype::FLOAT)
        && scales.len() == outputs
        && bias.len() == outputs
        && inputs.is_multiple_of(ALIGN);
    fits.then(|| {
        (
            PackedMatrix::new(isa, inputs, &signed(&bytes), &scales, &bias),
            first_output(add).unwrap_or_default(),
        )
    })
}

/// Returns whether the zero points of the weights are 0, which the kernels assume.
fn has_symmetric_weights(walk: &GraphWalk<'_>, matmul: &Node) -> bool {
    let Some(name) = matmul.inputs.get(3).filter(|n| !n.is_empty()) else {
        return true;
    };
    walk.constant(name)
        .and_then(|t| t.byte_elements(dtype::INT8))
        .is_some_and(|z| z.iter().all(|&b| b == 0))
}

/// Recognizes the quantization of `value` and a linear layer; returns the matrix and the name of the result.
pub(super) fn recognize_linear<'g>(
    walk: &GraphWalk<'g>,
    value: &'g str,
    isa: Isa,
) -> Option<(PackedMatrix, &'g str)> {
    let quantized = walk.consumer(value, "DynamicQuantizeLinear")?;
    let matmul = walk.consumer(quantized.outputs.first()?, "MatMulInteger")?;
    recognize_product(walk, quantized, matmul, isa)
}

fn signed(bytes: &Bytes) -> Vec<i8> {
    bytes.iter().map(|b| b.cast_signed()).collect()
}
