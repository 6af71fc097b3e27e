//! `out = (bytes - zero_point) * scale . weights + bias` for int8 weights: the product that most of a layer's time goes to.
//!
//! All three kernels compute the integer sums exactly, so that they differ in nothing but speed: the AVX2 one widens to 16
//! bits, since the 8-bit multiply-add of that set saturates.

use super::packed::PackedMatrix;
use super::{ALIGN, Affine, Isa};

/// Multiplies `rows` rows of quantised input (distance [`PackedMatrix::input_stride`]) into rows of
/// [`PackedMatrix::row_stride`] floats.
///
/// # Panics
/// If a slice is shorter than that.
pub(crate) fn multiply(
    matrix: &PackedMatrix,
    rows: usize,
    input: &[u8],
    affine: Affine,
    out: &mut [f32],
) {
    let input = &input[..rows * matrix.input_stride()];
    let out = &mut out[..rows * matrix.row_stride()];
    match matrix.isa() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Isa` exists only where its instructions were detected, the slices were cut to size above, and a
        // packed matrix has whole panels of weights, sums, scales and biases.
        Isa::Avx512 => unsafe { x86::multiply_avx512(matrix, rows, input, affine, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { x86::multiply_avx2(matrix, rows, input, affine, out) },
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

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{ALIGN, Affine, PackedMatrix, block};

    /// Where one tile of the product reads and writes.
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
        affine: Affine,
    }

    impl Tile {
        /// The tile of panel `panel` and the rows from `row` on.
        fn at(
            matrix: &PackedMatrix,
            panel: usize,
            row: usize,
            input: &[u8],
            affine: Affine,
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
                affine,
            }
        }
    }

    /// 8 rows by 3 panels: 24 of the 32 registers hold sums, and a step loads 3 weight vectors for 24 products.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn multiply_avx512(
        matrix: &PackedMatrix,
        rows: usize,
        input: &[u8],
        affine: Affine,
        out: &mut [f32],
    ) {
        let panels = matrix.row_stride() / ALIGN;
        let mut panel = 0;
        while panel < panels {
            let wide = panel + 3 <= panels;
            for index in 0..rows.div_ceil(8) {
                let block = block(rows, 8, index);
                let tile = Tile::at(matrix, panel, block.start, input, affine, out);
                // SAFETY: the tile's rows and panels are inside the slices that `Tile::at` cut.
                unsafe {
                    match (wide, block.len()) {
                        (true, 8) => tile_avx512::<8, 3>(tile),
                        (true, 7) => tile_avx512::<7, 3>(tile),
                        (true, 6) => tile_avx512::<6, 3>(tile),
                        (true, 5) => tile_avx512::<5, 3>(tile),
                        (true, 4) => tile_avx512::<4, 3>(tile),
                        (true, 3) => tile_avx512::<3, 3>(tile),
                        (true, 2) => tile_avx512::<2, 3>(tile),
                        (true, _) => tile_avx512::<1, 3>(tile),
                        (false, 8) => tile_avx512::<8, 1>(tile),
                        (false, 7) => tile_avx512::<7, 1>(tile),
                        (false, 6) => tile_avx512::<6, 1>(tile),
                        (false, 5) => tile_avx512::<5, 1>(tile),
                        (false, 4) => tile_avx512::<4, 1>(tile),
                        (false, 3) => tile_avx512::<3, 1>(tile),
                        (false, 2) => tile_avx512::<2, 1>(tile),
                        (false, _) => tile_avx512::<1, 1>(tile),
                    }
                }
            }
            panel += if wide { 3 } else { 1 };
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn tile_avx512<const ROWS: usize, const PANELS: usize>(tile: Tile) {
        // SAFETY: the caller's tile has ROWS rows and PANELS panels inside its slices.
        unsafe {
            let panel = tile.input_stride * ALIGN;
            let zero_point = _mm512_set1_epi32(-tile.affine.zero_point);
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
                let scale = _mm512_set1_ps(tile.affine.scale);
                let scale = _mm512_mul_ps(scale, _mm512_loadu_ps(tile.scales.add(column)));
                let bias = _mm512_loadu_ps(tile.bias.add(column));
                for (r, totals) in totals.iter().enumerate() {
                    let value = _mm512_fmadd_ps(_mm512_cvtepi32_ps(totals[p]), scale, bias);
                    _mm512_storeu_ps(tile.out.add(r * tile.out_stride + column), value);
                }
            }
        }
    }

    /// 3 rows by 1 panel: a register of 8 sums holds two halves of 4 outputs, so that a panel takes 4 of the 16 registers.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn multiply_avx2(
        matrix: &PackedMatrix,
        rows: usize,
        input: &[u8],
        affine: Affine,
        out: &mut [f32],
    ) {
        for panel in 0..matrix.row_stride() / ALIGN {
            for index in 0..rows.div_ceil(3) {
                let block = block(rows, 3, index);
                let tile = Tile::at(matrix, panel, block.start, input, affine, out);
                // SAFETY: the tile's rows and panel are inside the slices that `Tile::at` cut.
                unsafe {
                    match block.len() {
                        3 => tile_avx2::<3>(tile),
                        2 => tile_avx2::<2>(tile),
                        _ => tile_avx2::<1>(tile),
                    }
                }
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn tile_avx2<const ROWS: usize>(tile: Tile) {
        // SAFETY: the caller's tile has ROWS rows and one panel inside its slices.
        unsafe {
            let mut totals = [[_mm256_setzero_si256(); 4]; ROWS];
            for step in 0..tile.input_stride / 4 {
                let mut fours = [_mm256_setzero_si256(); ROWS];
                for (r, fours) in fours.iter_mut().enumerate() {
                    let four = tile
                        .input
                        .add(r * tile.input_stride + step * 4)
                        .cast::<i32>()
                        .read_unaligned();
                    *fours = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
                }
                for quarter in 0..4 {
                    let weights =
                        _mm_loadu_si128(tile.weights.add(step * 64 + quarter * 16).cast());
                    let weights = _mm256_cvtepi8_epi16(weights);
                    for (totals, &four) in totals.iter_mut().zip(&fours) {
                        let products = _mm256_madd_epi16(four, weights);
                        totals[quarter] = _mm256_add_epi32(totals[quarter], products);
                    }
                }
            }
            let zero_point = _mm256_set1_epi32(tile.affine.zero_point);
            for half in 0..2 {
                let column = half * 8;
                let sums = _mm256_loadu_si256(tile.sums.add(column).cast());
                let correction = _mm256_mullo_epi32(zero_point, sums);
                let scale = _mm256_set1_ps(tile.affine.scale);
                let scale = _mm256_mul_ps(scale, _mm256_loadu_ps(tile.scales.add(column)));
                let bias = _mm256_loadu_ps(tile.bias.add(column));
                for (r, totals) in totals.iter().enumerate() {
                    // outputs 0 1 4 5 2 3 6 7, then in order
                    let pairs = _mm256_hadd_epi32(totals[2 * half], totals[2 * half + 1]);
                    let total = _mm256_permute4x64_epi64::<0b11_01_10_00>(pairs);
                    let total = _mm256_cvtepi32_ps(_mm256_sub_epi32(total, correction));
                    let value = _mm256_fmadd_ps(total, scale, bias);
                    _mm256_storeu_ps(tile.out.add(r * tile.out_stride + column), value);
                }
            }
        }
    }
}
