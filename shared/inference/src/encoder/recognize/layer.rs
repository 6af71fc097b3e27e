//! Recognizes a transformer layer.

use super::super::layers::{EncoderLayer, LayerNorm};
use super::attention::recognize_attention;
use super::graph_walk::{GraphWalk, first_output, other_input};
use super::layer_norm::recognize_layer_norm;
use super::linear::recognize_linear;
use crate::kernels::{Heads, Isa};

/// Recognizes one transformer layer; returns the layer, the shape of its attention, and the name of the result.
pub(super) fn recognize_layer<'g>(
    walk: &GraphWalk<'g>,
    value: &'g str,
    hidden: usize,
    isa: Isa,
) -> Option<(EncoderLayer, Heads, &'g str)> {
    let (qkv, projected) = recognize_linear(walk, value, isa)?;
    let (heads, context) = recognize_attention(walk, projected, hidden)?;
    let (attention_out, attended) = recognize_linear(walk, context, isa)?;
    let (attention_norm, middle) = recognize_residual_norm(walk, attended, value, hidden)?;
    let (up, raised) = recognize_linear(walk, middle, isa)?;
    let (down, lowered) = recognize_linear(walk, recognize_gelu(walk, raised)?, isa)?;
    let (out_norm, next) = recognize_residual_norm(walk, lowered, middle, hidden)?;
    let shapes = [(&qkv, hidden, 3 * hidden), (&attention_out, hidden, hidden)];
    let fits = shapes
        .iter()
        .all(|(m, i, o)| m.inputs() == *i && m.outputs() == *o)
        && up.inputs() == hidden
        && up.outputs() == down.inputs()
        && down.outputs() == hidden;
    fits.then_some((
        EncoderLayer {
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

/// Recognizes the normalization of `value + residual`; returns its parameters and the name of the result.
fn recognize_residual_norm<'g>(
    walk: &GraphWalk<'g>,
    value: &'g str,
    residual: &str,
    hidden: usize,
) -> Option<(LayerNorm, &'g str)> {
    let add = walk.consumer(value, "Add")?;
    let joins = other_input(add, value)? == residual;
    joins
        .then(|| recognize_layer_norm(walk, first_output(add)?, hidden))
        .flatten()
}

/// Recognizes `x * (erf(x / sqrt 2) + 1) * 0.5`; returns the name of the result.
fn recognize_gelu<'g>(walk: &GraphWalk<'g>, value: &'g str) -> Option<&'g str> {
    let divided = walk.consumer(value, "Div")?;
    let erf = walk.chain(first_output(divided)?, &["Erf"])?;
    let one = walk.consumer(erf, "Add")?;
    let product = walk.consumer(first_output(one)?, "Mul")?;
    let half = walk.consumer(first_output(product)?, "Mul")?;
    let is = |node, value, expected: f32| {
        Some((walk.scalar(other_input(node, value)?)? - expected).abs() < 1e-6)
    };
    let fits = divided.inputs.first()? == value
        && is(divided, value, std::f32::consts::SQRT_2)?
        && is(one, erf, 1.0)?
        && other_input(product, first_output(one)?)? == value
        && is(half, first_output(product)?, 0.5)?;
    fits.then(|| first_output(half)).flatten()
}
