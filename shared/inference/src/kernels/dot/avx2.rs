//! The product with the 8-bit multiply-add of AVX2. The sums are exact, see `balance.rs`.

use std::arch::x86_64::*;

use super::super::isa::ALIGN;
use super::super::packed::PackedMatrix;
use super::balance::{BalancedInput, MAX_PAIR_OF_TWO_STEPS, STEP, split};
use super::blocks::block;

/// Number of rows of a tile. With two halves of 8 outputs a row, 8 of the 16 registers hold sums and 4 hold weights.
const ROWS: usize = 4;
/// Number of bytes of the weights of one step.
const LINE: usize = STEP * ALIGN;
/// Number that is added to weights so that they are unsigned.
const WEIGHT_OFFSET: i32 = 128;

/// Writes rows of `stride` bytes, less their zero point, into balanced form.
#[target_feature(enable = "avx2")]
pub(super) fn balance(input: &[u8], stride: usize, zero_point: i32, to: &mut BalancedInput) {
    let rows = input.len() / stride;
    to.start(rows, stride);
    let zero = i16::try_from(zero_point).unwrap_or_default();
    let (zeros, ones) = (_mm256_set1_epi16(zero), _mm256_set1_epi16(1));
    let most = _mm256_set1_epi32(i32::from(MAX_PAIR_OF_TWO_STEPS));
    for (row, input) in input.chunks_exact(stride).enumerate() {
        let mut sums = _mm256_setzero_si256();
        let (values, excess) = to.row_mut(row);
        let (chunks, tail) = input.as_chunks::<16>();
        let (places, last) = values.as_chunks_mut::<16>();
        let mut one_by_one = |first: usize, bytes: &[u8], places: &mut [i8]| {
            let steps = bytes.as_chunks::<STEP>().0.iter();
            for (step, (bytes, place)) in steps.zip(places.as_chunks_mut::<STEP>().0).enumerate() {
                split(
                    first + step,
                    bytes.map(|byte| i16::from(byte) - zero),
                    place,
                    excess,
                );
            }
        };
        for (index, (bytes, place)) in chunks.iter().zip(places).enumerate() {
            // SAFETY: 16 bytes are read.
            let bytes_16 = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
            let steps = _mm256_sub_epi16(_mm256_cvtepu8_epi16(bytes_16), zeros);
            sums = _mm256_add_epi32(sums, _mm256_madd_epi16(steps, ones));
            let pairs = _mm256_madd_epi16(_mm256_abs_epi16(steps), ones);
            if _mm256_movemask_epi8(_mm256_cmpgt_epi32(pairs, most)) == 0 {
                let (low, high) = (
                    _mm256_castsi256_si128(steps),
                    _mm256_extracti128_si256::<1>(steps),
                );
                // SAFETY: 16 bytes are written.
                unsafe {
                    _mm_storeu_si128(place.as_mut_ptr().cast(), _mm_packs_epi16(low, high));
                }
            } else {
                one_by_one(index * (16 / STEP), bytes, place);
            }
        }
        one_by_one(chunks.len() * (16 / STEP), tail, last);
        let tail_values = tail.iter().map(|&byte| i32::from(byte) - zero_point);
        let sum: i32 = tail_values.sum();
        let mut parts = [0_i32; 8];
        // SAFETY: 32 bytes are written.
        unsafe { _mm256_storeu_si256(parts.as_mut_ptr().cast(), sums) };
        to.end_row(sum + parts.iter().sum::<i32>());
    }
}

/// Multiplies `rows` rows of balanced input.
///
/// # Safety
/// The processor has the instructions, the matrix is packed for AVX2, and `out` has `rows` rows of its stride.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn multiply(
    matrix: &PackedMatrix,
    rows: usize,
    input: &BalancedInput,
    scale: f32,
    out: &mut [f32],
) {
    let panel = matrix.input_stride() * ALIGN;
    for (index, weights) in matrix.bytes().chunks_exact(panel).enumerate() {
        for part in 0..rows.div_ceil(ROWS) {
            let block = block(rows, ROWS, part);
            let first = block.start;
            // SAFETY: weights of whole steps, and rows that there are.
            unsafe {
                match block.len() {
                    4 => write(
                        matrix,
                        index,
                        scale,
                        sums::<4>(weights, input, first),
                        first,
                        out,
                    ),
                    3 => write(
                        matrix,
                        index,
                        scale,
                        sums::<3>(weights, input, first),
                        first,
                        out,
                    ),
                    2 => write(
                        matrix,
                        index,
                        scale,
                        sums::<2>(weights, input, first),
                        first,
                        out,
                    ),
                    _ => write(
                        matrix,
                        index,
                        scale,
                        sums::<1>(weights, input, first),
                        first,
                        out,
                    ),
                }
            }
        }
    }
}

/// The sums of a tile: for each row, the 16 outputs of a panel in two halves.
type Sums<const ROWS: usize> = [[__m256i; 2]; ROWS];

/// Computes the sums of `ROWS` rows from `first` on with the weights of one panel.
///
/// # Safety
/// The panel has weights for every step of the input, and the input has the rows.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn sums<const ROWS: usize>(
    weights: &[i8],
    input: &BalancedInput,
    first: usize,
) -> Sums<ROWS> {
    let ones = _mm256_set1_epi16(1);
    let stride = input.stride();
    let steps = stride / STEP;
    let values = input.values(first..first + ROWS).as_ptr();
    let line = |step: usize, half: usize| {
        // SAFETY: a panel has a line of 64 weights a step.
        unsafe { _mm256_loadu_si256(weights.as_ptr().add(step * LINE + half * 32).cast()) }
    };
    let four = |row: usize, step: usize| {
        // SAFETY: the tile has ROWS rows of `steps` steps.
        let four = unsafe {
            values
                .add(row * stride + step * STEP)
                .cast::<i32>()
                .read_unaligned()
        };
        _mm256_set1_epi32(four)
    };
    let mut totals: Sums<ROWS> =
        std::array::from_fn(|row| [_mm256_set1_epi32(-WEIGHT_OFFSET * input.sum(first + row)); 2]);
    for step in (0..steps / 2).map(|two| two * 2) {
        let weights = [
            [line(step, 0), line(step, 1)],
            [line(step + 1, 0), line(step + 1, 1)],
        ];
        for (row, totals) in totals.iter_mut().enumerate() {
            let fours = [four(row, step), four(row, step + 1)];
            for (half, total) in totals.iter_mut().enumerate() {
                let products = _mm256_add_epi16(
                    _mm256_maddubs_epi16(weights[0][half], fours[0]),
                    _mm256_maddubs_epi16(weights[1][half], fours[1]),
                );
                *total = _mm256_add_epi32(*total, _mm256_madd_epi16(products, ones));
            }
        }
    }
    for (row, totals) in totals.iter_mut().enumerate() {
        let mut add = |step: usize, four: __m256i| {
            for (half, total) in totals.iter_mut().enumerate() {
                let products = _mm256_maddubs_epi16(line(step, half), four);
                *total = _mm256_add_epi32(*total, _mm256_madd_epi16(products, ones));
            }
        };
        if steps % 2 == 1 {
            add(steps - 1, four(row, steps - 1));
        }
        for excess in input.excess(first + row) {
            add(
                excess.step,
                _mm256_set1_epi32(i32::from_le_bytes(excess.values.map(i8::cast_unsigned))),
            );
        }
    }
    totals
}

/// Scales the sums, adds the bias, and writes the results to their rows of `out`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn write<const ROWS: usize>(
    matrix: &PackedMatrix,
    panel: usize,
    scale: f32,
    sums: Sums<ROWS>,
    first: usize,
    out: &mut [f32],
) {
    for half in 0..2 {
        let column = panel * ALIGN + half * 8;
        // SAFETY: scales and bias have whole panels.
        let (scales, bias) = unsafe {
            (
                _mm256_loadu_ps(matrix.scales()[column..].as_ptr()),
                _mm256_loadu_ps(matrix.bias()[column..].as_ptr()),
            )
        };
        let scale = _mm256_mul_ps(_mm256_set1_ps(scale), scales);
        for (row, sums) in sums.iter().enumerate() {
            let value = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[half]), scale, bias);
            let place = &mut out[(first + row) * matrix.row_stride() + column..];
            // SAFETY: a row of the product has whole panels.
            unsafe { _mm256_storeu_ps(place[..8].as_mut_ptr(), value) };
        }
    }
}
