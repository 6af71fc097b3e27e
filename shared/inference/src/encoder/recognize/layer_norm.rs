//! Recognizes a layer normalization.

use super::super::layers::LayerNorm;
use super::graph_walk::{GraphWalk, first_output};

/// Recognizes a layer normalization of `value`; returns its parameters and the name of the result.
pub(super) fn recognize_layer_norm<'g>(
    walk: &GraphWalk<'g>,
    value: &'g str,
    hidden: usize,
) -> Option<(LayerNorm, &'g str)> {
    let node = walk.consumer(value, "LayerNormalization")?;
    let [_, gamma, beta] = node.inputs.as_slice() else {
        return None;
    };
    let epsilon = node.attribute("epsilon").map_or(1e-5, |a| a.float);
    let norm = LayerNorm {
        gamma: walk.floats(gamma)?,
        beta: walk.floats(beta)?,
        epsilon,
    };
    let fits =
        norm.gamma.len() == hidden && norm.beta.len() == hidden && node.int("axis", -1) == -1;
    fits.then_some((norm, first_output(node)?))
}
