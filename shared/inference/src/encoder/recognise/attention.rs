//! The attention of a layer.

use super::walk::{Walk, output};
use crate::kernels::{ALIGN, Heads};

impl<'g> Walk<'g> {
    /// Three equal slices, split into heads, `softmax(q k^T scale) v`, joined again.
    pub(super) fn attention(&self, value: &'g str, hidden: usize) -> Option<(Heads, &'g str)> {
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
}
