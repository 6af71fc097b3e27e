//! Attention of all heads on tensors of tract.

use std::borrow::Cow;
use std::cell::RefCell;

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

use crate::kernels::{self, ALIGN, AttentionHead, AttentionScratch, Isa};

/// How scores are masked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mask {
    /// All tokens are seen.
    None,
    /// The mask is added to the scores.
    Added,
    /// A token is hidden where the mask has this value.
    Hides(bool),
}

/// Attention: `softmax(q k * scale + mask) v`. Inputs are queries `[.., queries, width]`, keys `[.., width, tokens]`, values
/// `[.., tokens, width]` and, if there is one, the mask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AttentionKernel {
    /// Factor of the products of queries and keys, more than 0.
    pub(super) scale: f32,
    pub(super) mask: Mask,
}

thread_local! {
    static SCRATCH: RefCell<AttentionScratch> = RefCell::default();
}

impl AttentionKernel {
    /// Returns the number of inputs.
    pub(super) fn input_count(self) -> usize {
        match self.mask {
            Mask::None => 3,
            Mask::Added | Mask::Hides(_) => 4,
        }
    }

    /// Computes the attention of each head.
    pub(super) fn run(self, isa: Isa, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let (queries, keys, values) = (&inputs[0], &inputs[1], &inputs[2]);
        let ([outer @ .., query_count, width], [key_outer @ .., key_width, tokens]) =
            (queries.shape(), keys.shape())
        else {
            bail!("queries and keys of too few dimensions");
        };
        let (query_count, width, tokens) = (*query_count, *width, *tokens);
        let mut value_shape = outer.to_vec();
        value_shape.extend([tokens, width]);
        ensure!(
            outer == key_outer && *key_width == width && values.shape() == value_shape,
            "queries, keys and values of shapes that do not fit"
        );
        let bias = self.bias(inputs.get(3), outer, query_count, tokens)?;
        let padded = width.next_multiple_of(ALIGN);
        let (queries, values) = (
            pad_rows(
                queries.try_as_plain_ram()?.as_slice::<f32>()?,
                width,
                padded,
            ),
            pad_rows(values.try_as_plain_ram()?.as_slice::<f32>()?, width, padded),
        );
        let keys = keys.try_as_plain_ram()?.as_slice::<f32>()?;
        let mut output = Tensor::zero::<f32>(inputs[0].shape())?;
        let mut view = output.try_as_plain_ram_mut()?;
        let out = view.as_slice_mut::<f32>()?;
        let mut padded_out = vec![
            0.0;
            if padded == width {
                0
            } else {
                query_count * padded
            }
        ];
        let head_count: usize = outer.iter().product();
        SCRATCH.with_borrow_mut(|scratch| {
            for head in 0..head_count {
                // Rows of zeros widen the keys as zeros widen the queries.
                let keys = &keys[head * width * tokens..][..width * tokens];
                let keys = match padded == width {
                    true => Cow::Borrowed(keys),
                    false => {
                        let mut wide = keys.to_vec();
                        wide.resize(padded * tokens, 0.0);
                        Cow::Owned(wide)
                    }
                };
                let of_head = AttentionHead {
                    queries: &queries[head * query_count * padded..][..query_count * padded],
                    query_count,
                    values: &values[head * tokens * padded..][..tokens * padded],
                    tokens,
                    stride: padded,
                    width: padded,
                    scale: self.scale,
                    bias: match bias.is_empty() {
                        true => &[],
                        false => &bias[head * query_count * tokens..][..query_count * tokens],
                    },
                };
                let out = &mut out[head * query_count * width..][..query_count * width];
                if padded == width {
                    kernels::attend(isa, &of_head, &keys, scratch, out);
                } else {
                    kernels::attend(isa, &of_head, &keys, scratch, &mut padded_out);
                    let rows = padded_out.chunks_exact(padded);
                    for (to, from) in out.chunks_exact_mut(width).zip(rows) {
                        to.copy_from_slice(&from[..width]);
                    }
                }
            }
        });
        Ok(tvec![output.into_tvalue()])
    }

    /// Returns what the mask adds to each score, `[heads, queries, tokens]`; empty if it adds nothing, as with every text that is not
    /// padded.
    fn bias(
        self,
        mask: Option<&TValue>,
        outer: &[usize],
        query_count: usize,
        tokens: usize,
    ) -> TractResult<Vec<f32>> {
        let Some(mask) = mask else {
            return Ok(Vec::new());
        };
        let added: Cow<'_, Tensor> = match self.mask {
            Mask::None => return Ok(Vec::new()),
            Mask::Added => mask.cast_to::<f32>()?,
            Mask::Hides(hidden) => {
                let bias = |seen: &bool| if *seen == hidden { f32::MIN } else { 0.0 };
                let mask = mask.cast_to::<bool>()?;
                let view = mask.to_plain_array_view::<bool>()?;
                Cow::Owned(view.map(bias).into_tensor())
            }
        };
        let view = added.to_plain_array_view::<f32>()?;
        if view.iter().all(|bias| *bias == 0.0) {
            return Ok(Vec::new());
        }
        let mut shape = outer.to_vec();
        shape.extend([query_count, tokens]);
        let wide = view
            .broadcast(shape)
            .context("a mask of a shape that does not fit the scores")?;
        Ok(wide.iter().copied().collect())
    }
}

/// Widens each row with zeros.
fn pad_rows(values: &[f32], width: usize, padded: usize) -> Cow<'_, [f32]> {
    if width == padded || width == 0 {
        return Cow::Borrowed(values);
    }
    let mut wide = vec![0.0; values.len() / width * padded];
    for (to, from) in wide
        .chunks_exact_mut(padded)
        .zip(values.chunks_exact(width))
    {
        to[..width].copy_from_slice(from);
    }
    Cow::Owned(wide)
}
