//! The product for arm64 processors without a dot product instruction (Cortex-A72 and older).
//!
//! The inputs less their zero point fit 16 bits, as the weights do, and the products are added in 32 bits at once.

use std::arch::aarch64::*;

use super::super::super::isa::ALIGN;
use super::super::super::packed::PackedMatrix;
use super::super::super::quantization::QuantizationParams;
use super::tile::{Outputs, Tile, for_each_tile};

/// Number of rows of a tile: 16 of the 32 registers hold sums, 4 hold inputs and 3 hold weights.
const ROWS: usize = 4;

/// Multiplies `rows` rows of quantized input.
///
/// # Safety
/// The matrix is packed for this kernel.
#[target_feature(enable = "neon")]
pub(in super::super) unsafe fn multiply(
    matrix: &PackedMatrix,
    rows: usize,
    input: &[u8],
    params: QuantizationParams,
    out: &mut [f32],
) {
    for_each_tile(matrix, rows, ROWS, input, params, |tile, rows| {
        // SAFETY: the input has the rows of the tile.
        unsafe {
            match rows {
                4 => product::<4>(tile, out),
                3 => product::<3>(tile, out),
                2 => product::<2>(tile, out),
                _ => product::<1>(tile, out),
            }
        }
    });
}

/// Computes a tile of `ROWS` rows.
///
/// # Safety
/// The matrix is packed for this kernel.
#[inline]
#[target_feature(enable = "neon")]
#[expect(clippy::cast_possible_truncation, reason = "a zero point is a byte")]
unsafe fn product<const ROWS: usize>(tile: Tile<'_>, out: &mut [f32]) {
    let inputs: [*const u8; ROWS] = std::array::from_fn(|row| tile.input(row));
    let weights = tile.weights();
    let zero_point = tile.zero_point() as i16;
    let zero_points = vdupq_n_s16(zero_point);
    let mut sums = [[vdupq_n_s32(0); ALIGN / 4]; ROWS];
    let whole = tile.depth() / 8 * 8;
    for first in (0..whole).step_by(8) {
        // SAFETY: each row has 8 inputs from `first` on, and the panel has 16 weights for each of them.
        unsafe {
            let inputs = inputs.map(|input| {
                let bytes = vmovl_u8(vld1_u8(input.add(first)));
                vsubq_s16(vreinterpretq_s16_u16(bytes), zero_points)
            });
            let line = weights.add(first * ALIGN);
            add_input::<0, ROWS>(&mut sums, line, inputs);
            add_input::<1, ROWS>(&mut sums, line.add(ALIGN), inputs);
            add_input::<2, ROWS>(&mut sums, line.add(2 * ALIGN), inputs);
            add_input::<3, ROWS>(&mut sums, line.add(3 * ALIGN), inputs);
            add_input::<4, ROWS>(&mut sums, line.add(4 * ALIGN), inputs);
            add_input::<5, ROWS>(&mut sums, line.add(5 * ALIGN), inputs);
            add_input::<6, ROWS>(&mut sums, line.add(6 * ALIGN), inputs);
            add_input::<7, ROWS>(&mut sums, line.add(7 * ALIGN), inputs);
        }
    }
    for index in whole..tile.depth() {
        // SAFETY: each row has this input, and the panel has 16 weights for it.
        unsafe {
            let inputs = inputs.map(|input| vdupq_n_s16(i16::from(*input.add(index)) - zero_point));
            add_input::<0, ROWS>(&mut sums, weights.add(index * ALIGN), inputs);
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        tile.write(row, sums, out);
    }
}

/// Adds the products of one input of each row, that of lane `LANE`, with the weights of the 16 outputs.
///
/// # Safety
/// 16 weights can be read from `line` on.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn add_input<const LANE: i32, const ROWS: usize>(
    sums: &mut [Outputs; ROWS],
    line: *const i8,
    inputs: [int16x8_t; ROWS],
) {
    // SAFETY: 16 weights are read.
    let bytes = unsafe { vld1q_s8(line) };
    let (low, high) = (vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes));
    for (sums, inputs) in sums.iter_mut().zip(inputs) {
        sums[0] = vmlal_laneq_s16::<LANE>(sums[0], vget_low_s16(low), inputs);
        sums[1] = vmlal_high_laneq_s16::<LANE>(sums[1], low, inputs);
        sums[2] = vmlal_laneq_s16::<LANE>(sums[2], vget_low_s16(high), inputs);
        sums[3] = vmlal_high_laneq_s16::<LANE>(sums[3], high, inputs);
    }
}
