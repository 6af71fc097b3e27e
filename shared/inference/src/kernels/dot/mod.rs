//! `out = (bytes - zero_point) * scale . weights + bias` for int8 weights: the product that most of a layer's time goes to.
//!
//! All three kernels compute the integer sums exactly, so that they differ in nothing but speed.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "only AVX2 wants balanced input")
)]
mod balance;

pub(crate) use balance::Balanced;

use super::packed::PackedMatrix;
use super::{ALIGN, Affine, Isa};

/// Multiplies `rows` rows of quantised input (distance [`PackedMatrix::input_stride`]) into rows of
/// [`PackedMatrix::row_stride`] floats. `scratch` is what the input is rearranged in, where a kernel needs that.
///
/// # Panics
/// If a slice is shorter than that.
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(unused_variables, reason = "only AVX2 wants scratch")
)]
pub(crate) fn multiply(
    matrix: &PackedMatrix,
    rows: usize,
    input: &[u8],
    affine: Affine,
    scratch: &mut Balanced,
    out: &mut [f32],
) {
    let input = &input[..rows * matrix.input_stride()];
    let out = &mut out[..rows * matrix.row_stride()];
    match matrix.isa() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Isa` exists only where its instructions were detected, the slices were cut to size above, and a
        // packed matrix has whole panels of weights, sums, scales and biases.
        Isa::Avx512 => unsafe { avx512::multiply(matrix, rows, input, affine, out) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => {
            // SAFETY: as above.
            unsafe {
                avx2::balance(input, matrix.input_stride(), affine.zero_point, scratch);
                avx2::multiply(matrix, rows, scratch, affine.scale, out);
            }
        }
        Isa::Portable => multiply_portable(matrix, rows, input, affine, out),
    }
}

/// Rows are worked on in blocks of at most `most`, of nearly the same size: a block of 1 costs as many loads as one of 8.
fn block(rows: usize, most: usize, index: usize) -> std::ops::Range<usize> {
    let blocks = rows.div_ceil(most);
    index * rows / blocks..(index + 1) * rows / blocks
}

#[expect(
    clippy::cast_precision_loss,
    reason = "as the model's graph casts its int32 sums to float"
)]
fn multiply_portable(
    matrix: &PackedMatrix,
    rows: usize,
    input: &[u8],
    affine: Affine,
    out: &mut [f32],
) {
    const ROWS: usize = 4;
    let (depth, width) = (matrix.input_stride(), matrix.row_stride());
    for (panel, weights) in matrix.bytes().chunks_exact(depth * ALIGN).enumerate() {
        let columns = panel * ALIGN..(panel + 1) * ALIGN;
        let sums = &matrix.sums()[columns.clone()];
        for index in 0..rows.div_ceil(ROWS) {
            let block = block(rows, ROWS, index);
            let mut totals = [[0_i32; ALIGN]; ROWS];
            for (step, weights) in weights.as_chunks::<ALIGN>().0.iter().enumerate() {
                let weights = weights.map(i16::from);
                for (row, totals) in block.clone().zip(&mut totals) {
                    let x = i16::from(input[row * depth + step]);
                    for (total, weight) in totals.iter_mut().zip(weights) {
                        *total += i32::from(x) * i32::from(weight);
                    }
                }
            }
            for (row, totals) in block.zip(&totals) {
                let out = &mut out[row * width..][columns.clone()];
                for (lane, out) in out.iter_mut().enumerate() {
                    let total = totals[lane] - affine.zero_point * sums[lane];
                    let scale = affine.scale * matrix.scales()[columns.start + lane];
                    *out = total as f32 * scale + matrix.bias()[columns.start + lane];
                }
            }
        }
    }
}
