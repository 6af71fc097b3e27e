//! The product with the instruction `sdot`, which Graviton2 and every later processor of AWS has.
//!
//! The instruction multiplies signed bytes with signed bytes. The inputs are unsigned; less 128 they are signed, and 128 times the
//! sum of the weights makes up for that.

use std::arch::aarch64::*;
use std::arch::asm;

use super::super::super::isa::ALIGN;
use super::super::super::packed::PackedMatrix;
use super::super::super::quantization::QuantizationParams;
use super::tile::{Outputs, Tile, for_each_tile};

/// Number of rows of a tile: 16 of the 32 registers hold sums, 4 hold inputs and 4 hold weights.
const ROWS: usize = 4;
/// Number of inputs that one instruction multiplies for each output.
const STEP: usize = 4;
/// Number of bytes of the weights of one step.
const LINE: usize = STEP * ALIGN;
/// Number that is taken from the inputs so that they are signed.
const INPUT_OFFSET: i32 = 128;

/// Multiplies `rows` rows of quantized input.
///
/// # Safety
/// The processor has the instruction, and the matrix is packed for it.
#[target_feature(enable = "neon,dotprod")]
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
/// The processor has the instruction, and the matrix is packed for it.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn product<const ROWS: usize>(tile: Tile<'_>, out: &mut [f32]) {
    let inputs: [*const u8; ROWS] = std::array::from_fn(|row| tile.input(row));
    let weights = tile.weights();
    let mut sums = [tile.weight_sums(INPUT_OFFSET - tile.zero_point()); ROWS];
    let offset = vdupq_n_u8(1 << 7);
    let signed = |bytes| vreinterpretq_s8_u8(veorq_u8(bytes, offset));
    let whole = tile.depth() / (4 * STEP) * (4 * STEP);
    for first in (0..whole).step_by(4 * STEP) {
        // SAFETY: each row has 16 inputs from `first` on, and the panel has a line of weights for each four of them.
        unsafe {
            let inputs = inputs.map(|input| signed(vld1q_u8(input.add(first))));
            let line = weights.add(first * ALIGN);
            add_step::<0, ROWS>(&mut sums, line, inputs);
            add_step::<1, ROWS>(&mut sums, line.add(LINE), inputs);
            add_step::<2, ROWS>(&mut sums, line.add(2 * LINE), inputs);
            add_step::<3, ROWS>(&mut sums, line.add(3 * LINE), inputs);
        }
    }
    for first in (whole..tile.depth()).step_by(STEP) {
        // SAFETY: each row has 4 inputs from `first` on, and the panel has a line of weights for them.
        unsafe {
            let inputs = inputs.map(|input| {
                let four = input.add(first).cast::<u32>().read_unaligned();
                signed(vreinterpretq_u8_u32(vdupq_n_u32(four)))
            });
            add_step::<0, ROWS>(&mut sums, weights.add(first * ALIGN), inputs);
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        tile.write(row, sums, out);
    }
}

/// Adds the products of four inputs of each row, those of lane `LANE`, with one line of weights.
///
/// # Safety
/// 64 weights can be read from `line` on.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn add_step<const LANE: i32, const ROWS: usize>(
    sums: &mut [Outputs; ROWS],
    line: *const i8,
    inputs: [int8x16_t; ROWS],
) {
    for part in 0..ALIGN / 4 {
        // SAFETY: a line has 64 weights.
        let weights = unsafe { vld1q_s8(line.add(part * 16)) };
        for (sums, inputs) in sums.iter_mut().zip(inputs) {
            sums[part] = dot::<LANE>(sums[part], weights, inputs);
        }
    }
}

/// Adds to each lane of `sums` the products of four weights with the four inputs of lane `LANE`.
///
/// The standard library has this instruction only in its unstable part.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot<const LANE: i32>(mut sums: int32x4_t, weights: int8x16_t, inputs: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction reads and writes only the named registers.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {weights:v}.16b, {inputs:v}.4b[{lane}]",
            sums = inout(vreg) sums,
            weights = in(vreg) weights,
            inputs = in(vreg) inputs,
            lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}
