//! The product with the instruction `usmmla` (Graviton3 and later): two rows of eight unsigned inputs by two outputs of eight signed
//! weights, four sums at once.

use std::arch::aarch64::*;
use std::arch::asm;

use super::super::super::isa::ALIGN;
use super::super::super::packed::PackedMatrix;
use super::super::super::quantization::QuantizationParams;
use super::tile::{Outputs, Tile, for_each_tile};

/// Number of rows of a tile: with three pairs of rows, 24 of the 32 registers hold sums.
const ROWS: usize = 6;
/// Number of inputs that one instruction multiplies for each output.
const STEP: usize = 8;
/// Number of pairs of outputs of a panel.
const OUTPUT_PAIRS: usize = ALIGN / 2;

/// For each pair of rows and each pair of outputs, the sums `[first row: 2 outputs, second row: 2 outputs]`.
type Sums<const ROW_PAIRS: usize> = [[int32x4_t; OUTPUT_PAIRS]; ROW_PAIRS];

/// Multiplies `rows` rows of quantized input.
///
/// # Safety
/// The processor has the instruction, and the matrix is packed for it.
#[target_feature(enable = "neon,i8mm")]
pub(in super::super) unsafe fn multiply(
    matrix: &PackedMatrix,
    rows: usize,
    input: &[u8],
    params: QuantizationParams,
    out: &mut [f32],
) {
    for_each_tile(matrix, rows, ROWS, input, params, |tile, rows| {
        // SAFETY: the instruction exists, and the input has the rows of the tile.
        unsafe {
            match rows {
                5 | 6 => product::<3>(tile, rows, out),
                3 | 4 => product::<2>(tile, rows, out),
                _ => product::<1>(tile, rows, out),
            }
        }
    });
}

/// Computes a tile of `rows` rows, which form `ROW_PAIRS` pairs. Where a row has no second one, the row is its own partner.
///
/// # Safety
/// The processor has the instruction, the matrix is packed for it, and `rows` fills the last pair at least by half.
#[inline]
#[target_feature(enable = "neon,i8mm")]
unsafe fn product<const ROW_PAIRS: usize>(tile: Tile<'_>, rows: usize, out: &mut [f32]) {
    let inputs: [[*const u8; 2]; ROW_PAIRS] = std::array::from_fn(|pair| {
        let second = (2 * pair + 1).min(rows - 1);
        [tile.input(2 * pair), tile.input(second)]
    });
    let mut weights = tile.weights();
    let mut sums: Sums<ROW_PAIRS> = [both_rows(tile.weight_sums(-tile.zero_point())); ROW_PAIRS];
    for first in (0..tile.depth()).step_by(STEP) {
        // SAFETY: each row has 8 inputs from `first` on, and the panel has the weights of one step for them.
        unsafe {
            // Sixteen inputs at once would need more registers than there are.
            let rows = inputs.map(|[one, other]| {
                vcombine_u8(vld1_u8(one.add(first)), vld1_u8(other.add(first)))
            });
            add_step(&mut sums, weights, rows);
            weights = weights.add(STEP * ALIGN);
        }
    }
    for (pair, sums) in sums.into_iter().enumerate() {
        let [first, second] = single_rows(sums);
        tile.write(2 * pair, first, out);
        if 2 * pair + 1 < rows {
            tile.write(2 * pair + 1, second, out);
        }
    }
}

/// Adds the products of eight inputs of each row with the weights of one step.
///
/// # Safety
/// 128 weights can be read from `weights` on.
#[inline]
#[target_feature(enable = "neon,i8mm")]
unsafe fn add_step<const ROW_PAIRS: usize>(
    sums: &mut Sums<ROW_PAIRS>,
    weights: *const i8,
    inputs: [uint8x16_t; ROW_PAIRS],
) {
    for outputs in 0..OUTPUT_PAIRS {
        // SAFETY: a step has 16 weights for each of the 8 pairs of outputs.
        let weights = unsafe { vld1q_s8(weights.add(outputs * 2 * STEP)) };
        for (sums, inputs) in sums.iter_mut().zip(inputs) {
            sums[outputs] = multiply_pairs(sums[outputs], inputs, weights);
        }
    }
}

/// Adds to `sums` the products of two rows of eight inputs with two outputs of eight weights.
///
/// The standard library has this instruction only in its unstable part.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn multiply_pairs(mut sums: int32x4_t, inputs: uint8x16_t, weights: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction reads and writes only the named registers.
    unsafe {
        asm!(
            "usmmla {sums:v}.4s, {inputs:v}.16b, {weights:v}.16b",
            sums = inout(vreg) sums,
            inputs = in(vreg) inputs,
            weights = in(vreg) weights,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// Returns the outputs of one row as the sums of two equal rows.
#[inline]
#[target_feature(enable = "neon")]
fn both_rows(outputs: Outputs) -> [int32x4_t; OUTPUT_PAIRS] {
    std::array::from_fn(|pair| {
        let four = vreinterpretq_s64_s32(outputs[pair / 2]);
        let two = if pair % 2 == 0 {
            vdupq_laneq_s64::<0>(four)
        } else {
            vdupq_laneq_s64::<1>(four)
        };
        vreinterpretq_s32_s64(two)
    })
}

/// Returns the outputs of each of the two rows.
#[inline]
#[target_feature(enable = "neon")]
fn single_rows(sums: [int32x4_t; OUTPUT_PAIRS]) -> [Outputs; 2] {
    let wide = sums.map(|sums| vreinterpretq_s64_s32(sums));
    let first = [0, 2, 4, 6].map(|pair| vzip1q_s64(wide[pair], wide[pair + 1]));
    let second = [0, 2, 4, 6].map(|pair| vzip2q_s64(wide[pair], wide[pair + 1]));
    [first, second].map(|row| row.map(|outputs| vreinterpretq_s32_s64(outputs)))
}
