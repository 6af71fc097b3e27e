//! Recognizes the attention of a layer.

use super::graph_walk::{GraphWalk, first_output, other_input};
use crate::kernels::{ALIGN, Heads};

/// Recognizes multi-head attention: three equal slices of `value`, split into heads, `softmax(q k^T * scale) v`, and the heads
/// joined again. Returns the shape of the heads and the name of the result.
pub(super) fn recognize_attention<'g>(
    walk: &GraphWalk<'g>,
    value: &'g str,
    hidden: usize,
) -> Option<(Heads, &'g str)> {
    let bounds = find_thirds(walk, value)?;
    let mut slices = [None; 3];
    for slice in walk.consumers(value, "Slice") {
        let [_, from, to, axis] = slice.inputs.as_slice() else {
            return None;
        };
        let third = bounds.iter().position(|b| b == to)?;
        let begins = if third == 0 {
            walk.ints(from)? == [0]
        } else {
            *from == bounds[third - 1]
        };
        (begins && walk.ints(axis)? == [-1]).then_some(())?;
        slices[third] = first_output(slice);
    }
    let [(query, count, width), (key, ..), (values, ..)] = [
        recognize_heads(walk, slices[0]?, &[0, 2, 1, 3])?,
        recognize_heads(walk, slices[1]?, &[0, 2, 3, 1])?,
        recognize_heads(walk, slices[2]?, &[0, 2, 1, 3])?,
    ];
    let product = walk.consumer(query, "MatMul")?;
    let scaled = walk.consumer(first_output(product)?, "Mul")?;
    let softmax = walk.consumer(first_output(scaled)?, "Softmax")?;
    let mixed = walk.consumer(first_output(softmax)?, "MatMul")?;
    let joined = walk.consumer(first_output(mixed)?, "Transpose")?;
    let flat = walk.consumer(first_output(joined)?, "Reshape")?;
    let fits = product.inputs == [query, key]
        && mixed.inputs == [first_output(softmax)?, values]
        && softmax.int("axis", -1) == -1
        && joined.attribute("perm")?.ints == [0, 2, 1, 3]
        && walk.ints(flat.inputs.get(1)?)? == [1, -1, i64::try_from(hidden).ok()?]
        && count * width == hidden
        && width.is_multiple_of(ALIGN);
    let scale = walk.scalar(other_input(scaled, first_output(product)?)?)?;
    (fits && scale > 0.0).then_some((
        Heads {
            count,
            width,
            scale,
        },
        first_output(flat)?,
    ))
}

/// Finds the values that hold one, two and three thirds of the last dimension, rounded up as the operator `chunk` does.
fn find_thirds<'g>(walk: &GraphWalk<'g>, value: &'g str) -> Option<[&'g str; 3]> {
    let shape = walk.consumer(walk.chain(value, &["Shape"])?, "Gather")?;
    let plus = walk.consumer(first_output(shape)?, "Add")?;
    let third = walk.consumer(first_output(plus)?, "Div")?;
    let is = |name: &str, expected: i64| walk.ints(name).is_some_and(|v| v == [expected]);
    let rounded_up = is(shape.inputs.get(1)?, -1)
        && is(other_input(plus, first_output(shape)?)?, 2)
        && is(other_input(third, first_output(plus)?)?, 3)
        && third.inputs.first()? == first_output(plus)?;
    let mut bounds = [None; 3];
    for times in walk.consumers(first_output(third)?, "Mul") {
        let factor = *walk
            .ints(other_input(times, first_output(third)?)?)?
            .first()?;
        *bounds.get_mut(usize::try_from(factor - 1).ok()?)? = first_output(times);
    }
    rounded_up.then_some([bounds[0]?, bounds[1]?, bounds[2]?])
}

/// Recognizes the split of `[1, tokens, hidden]` into heads; returns the name of the result, and the count and the width of the
/// heads.
fn recognize_heads<'g>(
    walk: &GraphWalk<'g>,
    value: &'g str,
    order: &[i64],
) -> Option<(&'g str, usize, usize)> {
    let reshape = walk.consumer(value, "Reshape")?;
    let [1, -1, count, width] = walk.ints(reshape.inputs.get(1)?)?[..] else {
        return None;
    };
    let transpose = walk.consumer(first_output(reshape)?, "Transpose")?;
    let ordered = transpose.attribute("perm")?.ints == order && reshape.int("allowzero", 0) == 0;
    let sizes = (usize::try_from(count).ok()?, usize::try_from(width).ok()?);
    ordered.then_some((first_output(transpose)?, sizes.0, sizes.1))
}
