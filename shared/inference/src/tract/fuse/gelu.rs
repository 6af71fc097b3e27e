//! Finds Gaussian error linear units.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use super::super::operator::Kernel;
use super::Fusion;
use super::graph_index::{GraphIndex, attribute, other_input};

/// Finds `x / 2 * (1 + erf(x / sqrt 2))` in the orders in which exporters multiply, and as an operator of its own.
pub(super) fn find_gelus(index: &GraphIndex<'_>) -> Vec<Fusion> {
    let whole = index.of_type("Gelu").filter_map(|(place, node)| {
        let approximation = attribute(node, "approximate").map_or(&b"none"[..], |a| &a.s);
        (approximation == b"none").then(|| Fusion {
            kernel: Kernel::Gelu,
            inputs: vec![node.input[0].clone()],
            outputs: node.output.clone(),
            replaced: vec![place],
        })
    });
    let parts = index
        .of_type("Erf")
        .filter_map(|(place, _)| find_gelu(index, place));
    whole.chain(parts).collect()
}

/// Recognizes the unit around an error function.
fn find_gelu(index: &GraphIndex<'_>, place: usize) -> Option<Fusion> {
    let erf = index.node(place);
    let (argument_place, value) = scaled_argument(index, erf.input.first()?)?;
    let (one_place, one) = index.only_reader(erf.output.first()?, "Add")?;
    let is_raised = index.other_than_number(one, 1.0)? == erf.output.first()?;
    let raised = one.output.first().filter(|_| is_raised)?;
    let (first_place, first) = index.only_reader(raised, "Mul")?;
    let mut replaced = vec![place, argument_place, one_place, first_place];
    let product = first.output.first()?;
    let other = other_input(first, raised)?;
    let output = if other == value {
        // (x * raised) * 0.5
        let (half_place, half) = index.only_reader(product, "Mul")?;
        (index.other_than_number(half, 0.5)? == product).then_some(())?;
        replaced.push(half_place);
        half.output.first()?
    } else if index.is_number(other, 0.5) {
        // (raised * 0.5) * x
        let (last_place, last) = index.only_reader(product, "Mul")?;
        (other_input(last, product)? == value).then_some(())?;
        replaced.push(last_place);
        last.output.first()?
    } else {
        // (x * 0.5) * raised
        let (half_place, half) = index.producer(other, "Mul")?;
        (index.other_than_number(half, 0.5)? == value).then_some(())?;
        replaced.push(half_place);
        product
    };
    Some(Fusion {
        kernel: Kernel::Gelu,
        inputs: vec![value.to_owned()],
        outputs: vec![output.clone()],
        replaced,
    })
}

/// Recognizes `x / sqrt 2`, also as a product; returns the operator and the name of `x`.
fn scaled_argument<'g>(index: &GraphIndex<'g>, argument: &str) -> Option<(usize, &'g str)> {
    if let Some((place, division)) = index.producer(argument, "Div") {
        let by = division.input.get(1)?;
        return index
            .is_number(by, SQRT_2)
            .then_some((place, division.input.first()?));
    }
    let (place, product) = index.producer(argument, "Mul")?;
    Some((place, index.other_than_number(product, FRAC_1_SQRT_2)?))
}
