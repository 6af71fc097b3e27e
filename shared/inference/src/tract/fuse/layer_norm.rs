//! Finds layer normalizations.

use tract_onnx::pb::NodeProto;

use super::super::operator::Kernel;
use super::Fusion;
use super::graph_index::{GraphIndex, attribute, floats, other_input};
use crate::kernels::ALIGN;

/// Finds normalizations along the last dimension, as one operator or in nine.
pub(super) fn find_layer_norms(index: &GraphIndex<'_>) -> Vec<Fusion> {
    let whole = index
        .of_type("LayerNormalization")
        .filter_map(|(place, node)| read_operator(index, place, node));
    let parts = index
        .of_type("Sqrt")
        .filter_map(|(place, node)| find_parts(index, place, node));
    whole.chain(parts).collect()
}

/// Reads the operator `LayerNormalization`.
fn read_operator(index: &GraphIndex<'_>, place: usize, node: &NodeProto) -> Option<Fusion> {
    let ([input, gamma, beta], [_]) = (node.input.as_slice(), node.output.as_slice()) else {
        return None;
    };
    let is_last = attribute(node, "axis").is_none_or(|axis| axis.i == -1);
    let epsilon = attribute(node, "epsilon").map_or(1e-5, |epsilon| epsilon.f);
    let kernel = kernel(index, gamma, beta, epsilon).filter(|_| is_last)?;
    Some(Fusion {
        kernel,
        inputs: vec![input.clone()],
        outputs: node.output.clone(),
        replaced: vec![place],
    })
}

/// Recognizes `(x - mean) / sqrt(mean((x - mean)^2) + epsilon) * gamma + beta` around the root.
fn find_parts(index: &GraphIndex<'_>, place: usize, root: &NodeProto) -> Option<Fusion> {
    let (raised_place, raised) = index.producer(root.input.first()?, "Add")?;
    let (variance, epsilon) = match raised.input.as_slice() {
        [a, b] => match (index.scalar(a), index.scalar(b)) {
            (None, Some(epsilon)) => (a, epsilon),
            (Some(epsilon), None) => (b, epsilon),
            _ => return None,
        },
        _ => return None,
    };
    let (variance_place, squares) = mean_of(index, variance)?;
    let (square_place, deviation) = squared(index, squares)?;
    let (deviation_place, input, mean_place) = deviation_from_mean(index, deviation)?;

    let (divided_place, divided) = index.only_reader(root.output.first()?, "Div")?;
    let divides = divided.input.get(1)? == root.output.first()?;
    // Some exporters compute the deviation twice.
    let (other_place, other_value, other_mean) =
        deviation_from_mean(index, divided.input.first()?)?;
    let (scaled_place, scaled) = index.only_reader(divided.output.first()?, "Mul")?;
    let gamma = other_input(scaled, divided.output.first()?)?;
    let (added_place, added) = index.only_reader(scaled.output.first()?, "Add")?;
    let beta = other_input(added, scaled.output.first()?)?;
    let fits = divides && other_value == input;
    Some(Fusion {
        kernel: kernel(index, gamma, beta, epsilon).filter(|_| fits)?,
        inputs: vec![input.to_owned()],
        outputs: added.output.clone(),
        replaced: vec![
            place,
            raised_place,
            variance_place,
            square_place,
            deviation_place,
            mean_place,
            divided_place,
            other_place,
            other_mean,
            scaled_place,
            added_place,
        ],
    })
}

/// Recognizes the mean along the last dimension; returns the operator and the name of what it reads.
fn mean_of<'g>(index: &GraphIndex<'g>, value: &str) -> Option<(usize, &'g str)> {
    let (place, mean) = index.producer(value, "ReduceMean")?;
    let axes = match mean.input.get(1).filter(|name| !name.is_empty()) {
        Some(name) => floats(&index.constant(name)?)?,
        None => {
            let axes = &attribute(mean, "axes")?.ints;
            #[expect(clippy::cast_precision_loss, reason = "a dimension is a small number")]
            axes.iter().map(|axis| *axis as f32).collect()
        }
    };
    let keeps = attribute(mean, "keepdims").is_none_or(|keeps| keeps.i == 1);
    (axes == [-1.0] && keeps).then_some((place, mean.input.first()?))
}

/// Recognizes a square; returns the operator and the name of its root.
fn squared<'g>(index: &GraphIndex<'g>, value: &str) -> Option<(usize, &'g str)> {
    if let Some((place, power)) = index.producer(value, "Pow") {
        let by = power.input.get(1)?;
        return index
            .is_number(by, 2.0)
            .then_some((place, power.input.first()?));
    }
    let (place, product) = index.producer(value, "Mul")?;
    match product.input.as_slice() {
        [a, b] if a == b => Some((place, a)),
        _ => None,
    }
}

/// Recognizes `x - mean(x)`; returns the operator, the name of `x` and the operator of the mean.
fn deviation_from_mean<'g>(index: &GraphIndex<'g>, value: &str) -> Option<(usize, &'g str, usize)> {
    let (place, difference) = index.producer(value, "Sub")?;
    let input = difference.input.first()?;
    let (mean_place, averaged) = mean_of(index, difference.input.get(1)?)?;
    (averaged == input).then_some((place, input, mean_place))
}

/// Returns the kernel, if its parameters are rows of a length that the kernel can work with.
fn kernel(index: &GraphIndex<'_>, gamma: &str, beta: &str, epsilon: f32) -> Option<Kernel> {
    let (gamma, beta) = (index.row(gamma)?, index.row(beta)?);
    let fits = gamma.len() == beta.len() && gamma.len().is_multiple_of(ALIGN) && !gamma.is_empty();
    fits.then_some(Kernel::LayerNorm {
        gamma,
        beta,
        epsilon,
    })
}
