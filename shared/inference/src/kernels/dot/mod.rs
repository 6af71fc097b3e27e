//! The product of quantized input with int8 weights, `out = (bytes - zero_point) * scale . weights + bias`, which takes most of
//! the time of a layer.
//!
//! All kernels compute the integer sums exactly, so that they differ in nothing but speed.

#[cfg(target_arch = "aarch64")]
mod arm64;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "only AVX2 needs balanced input")
)]
mod balance;
mod blocks;
mod portable;

pub(crate) use balance::BalancedInput;

use super::isa::Isa;
use super::packed::PackedMatrix;
use super::quantization::QuantizationParams;

/// Multiplies `rows` rows of quantized input, [`PackedMatrix::input_stride`] bytes each, with the weights, and writes rows of
/// [`PackedMatrix::row_stride`] floats to `out`. `scratch` holds the rearranged input where a kernel needs one.
///
/// # Panics
/// If `input` or `out` is shorter than `rows` rows.
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(unused_variables, reason = "only AVX2 needs scratch")
)]
pub(crate) fn multiply(
    matrix: &PackedMatrix,
    rows: usize,
    input: &[u8],
    params: QuantizationParams,
    scratch: &mut BalancedInput,
    out: &mut [f32],
) {
    let input = &input[..rows * matrix.input_stride()];
    let out = &mut out[..rows * matrix.row_stride()];
    match matrix.isa() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Isa` exists only where its instructions were detected, the slices were cut to size above, and a
        // packed matrix has whole panels of weights, sums, scales and biases.
        Isa::Avx512 => unsafe { avx512::multiply(matrix, rows, input, params, out) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => {
            // SAFETY: as above.
            unsafe {
                avx2::balance(input, matrix.input_stride(), params.zero_point, scratch);
                avx2::multiply(matrix, rows, scratch, params.scale, out);
            }
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        Isa::I8mm => unsafe { arm64::multiply_by_matrices(matrix, rows, input, params, out) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        Isa::Dotprod => unsafe {
            arm64::multiply_by_dot_products(matrix, rows, input, params, out)
        },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: every arm64 processor has NEON; the rest as above.
        Isa::Neon => unsafe { arm64::multiply_by_lanes(matrix, rows, input, params, out) },
        Isa::Portable => portable::multiply(matrix, rows, input, params, out),
    }
}
