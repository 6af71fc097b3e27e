//! The product with the int8 dot product instruction of AVX-512 VNNI.

use std::arch::x86_64::*;

use super::super::isa::ALIGN;
use super::super::packed::PackedMatrix;
use super::super::quantization::QuantizationParams;
use super::blocks::block;

/// Pointers to the first row and the first panel of a tile, with the strides to the following ones.
#[derive(Clone, Copy)]
struct Tile {
    input: *const u8,
    input_stride: usize,
    weights: *const i8,
    sums: *const i32,
    scales: *const f32,
    bias: *const f32,
    out: *mut f32,
    out_stride: usize,
    params: QuantizationParams,
}

impl Tile {
    /// Returns the tile that begins at panel `panel` and row `row`.
    fn at(
        matrix: &PackedMatrix,
        panel: usize,
        row: usize,
        input: &[u8],
        params: QuantizationParams,
        out: &mut [f32],
    ) -> Self {
        let column = panel * ALIGN;
        Self {
            input: input[row * matrix.input_stride()..].as_ptr(),
            input_stride: matrix.input_stride(),
            weights: matrix.bytes()[column * matrix.input_stride()..].as_ptr(),
            sums: matrix.sums()[column..].as_ptr(),
            scales: matrix.scales()[column..].as_ptr(),
            bias: matrix.bias()[column..].as_ptr(),
            out: out[row * matrix.row_stride() + column..].as_mut_ptr(),
            out_stride: matrix.row_stride(),
            params,
        }
    }
}

/// Multiplies `rows` rows in tiles of 8 rows by 3 panels: 24 of the 32 registers hold sums, and a step loads 3 weight vectors for
/// 24 products.
///
/// # Safety
/// The processor has the instructions, the matrix is packed for AVX-512, and `input` and `out` have `rows` rows of its strides.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn multiply(
    matrix: &PackedMatrix,
    rows: usize,
    input: &[u8],
    params: QuantizationParams,
    out: &mut [f32],
) {
    let panels = matrix.row_stride() / ALIGN;
    let mut panel = 0;
    while panel < panels {
        let wide = panel + 3 <= panels;
        for index in 0..rows.div_ceil(8) {
            let block = block(rows, 8, index);
            let tile = Tile::at(matrix, panel, block.start, input, params, out);
            // SAFETY: the tile's rows and panels are inside the slices that `Tile::at` cut.
            unsafe {
                match (wide, block.len()) {
                    (true, 8) => product::<8, 3>(tile),
                    (true, 7) => product::<7, 3>(tile),
                    (true, 6) => product::<6, 3>(tile),
                    (true, 5) => product::<5, 3>(tile),
                    (true, 4) => product::<4, 3>(tile),
                    (true, 3) => product::<3, 3>(tile),
                    (true, 2) => product::<2, 3>(tile),
                    (true, _) => product::<1, 3>(tile),
                    (false, 8) => product::<8, 1>(tile),
                    (false, 7) => product::<7, 1>(tile),
                    (false, 6) => product::<6, 1>(tile),
                    (false, 5) => product::<5, 1>(tile),
                    (false, 4) => product::<4, 1>(tile),
                    (false, 3) => product::<3, 1>(tile),
                    (false, 2) => product::<2, 1>(tile),
                    (false, _) => product::<1, 1>(tile),
                }
            }
        }
        panel += if wide { 3 } else { 1 };
    }
}

/// Computes one tile of `ROWS` rows by `PANELS` panels.
///
/// # Safety
/// The tile has that many rows and panels inside its slices.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn product<const ROWS: usize, const PANELS: usize>(tile: Tile) {
    // SAFETY: the caller's tile has ROWS rows and PANELS panels inside its slices.
    unsafe {
        let panel = tile.input_stride * ALIGN;
        let zero_point = _mm512_set1_epi32(-tile.params.zero_point);
        let mut start = [_mm512_setzero_si512(); PANELS];
        for (p, start) in start.iter_mut().enumerate() {
            *start = _mm512_mullo_epi32(
                zero_point,
                _mm512_loadu_si512(tile.sums.add(p * ALIGN).cast()),
            );
        }
        let mut totals = [start; ROWS];
        for step in 0..tile.input_stride / 4 {
            let mut weights = [_mm512_setzero_si512(); PANELS];
            for (p, weights) in weights.iter_mut().enumerate() {
                *weights = _mm512_loadu_si512(tile.weights.add(p * panel + step * 64).cast());
            }
            for (r, totals) in totals.iter_mut().enumerate() {
                let four = tile
                    .input
                    .add(r * tile.input_stride + step * 4)
                    .cast::<i32>()
                    .read_unaligned();
                let four = _mm512_set1_epi32(four);
                for (total, weights) in totals.iter_mut().zip(weights) {
                    *total = _mm512_dpbusd_epi32(*total, four, weights);
                }
            }
        }
        for p in 0..PANELS {
            let column = p * ALIGN;
            let scale = _mm512_set1_ps(tile.params.scale);
            let scale = _mm512_mul_ps(scale, _mm512_loadu_ps(tile.scales.add(column)));
            let bias = _mm512_loadu_ps(tile.bias.add(column));
            for (r, totals) in totals.iter().enumerate() {
                let value = _mm512_fmadd_ps(_mm512_cvtepi32_ps(totals[p]), scale, bias);
                _mm512_storeu_ps(tile.out.add(r * tile.out_stride + column), value);
            }
        }
    }
}
