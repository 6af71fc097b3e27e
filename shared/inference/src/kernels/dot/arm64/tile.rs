//! The part of a product that a kernel computes at once: some rows by the 16 outputs of one panel.

use std::arch::aarch64::*;

use super::super::super::isa::ALIGN;
use super::super::super::packed::PackedMatrix;
use super::super::super::quantization::QuantizationParams;
use super::super::blocks::block;

/// The 16 outputs of a panel in four vectors.
pub(super) type Outputs = [int32x4_t; ALIGN / 4];

/// Some rows of the input, the weights of one panel, and the place of the results.
#[derive(Clone, Copy)]
pub(super) struct Tile<'t> {
    matrix: &'t PackedMatrix,
    /// Number of the panel.
    panel: usize,
    /// Number of the first row.
    row: usize,
    input: &'t [u8],
    params: QuantizationParams,
}

impl Tile<'_> {
    /// Returns the number of inputs of a row.
    pub(super) fn depth(&self) -> usize {
        self.matrix.input_stride()
    }

    /// Returns the byte that stands for 0.
    pub(super) fn zero_point(&self) -> i32 {
        self.params.zero_point
    }

    /// Returns the address of a row of the input, which is counted from the first row of the tile.
    pub(super) fn input(&self, row: usize) -> *const u8 {
        let depth = self.depth();
        self.input[(self.row + row) * depth..][..depth].as_ptr()
    }

    /// Returns the address of the weights of the panel.
    pub(super) fn weights(&self) -> *const i8 {
        let panel = self.depth() * ALIGN;
        self.matrix.bytes()[self.panel * panel..][..panel].as_ptr()
    }

    /// Returns the sums of the weights of each output times a factor.
    #[inline]
    #[target_feature(enable = "neon")]
    pub(super) fn weight_sums(&self, factor: i32) -> Outputs {
        let sums = self.matrix.sums()[self.panel * ALIGN..][..ALIGN].as_ptr();
        // SAFETY: 16 sums are read.
        let sums = |part: usize| unsafe { vld1q_s32(sums.add(part * 4)) };
        [0, 1, 2, 3].map(|part| vmulq_n_s32(sums(part), factor))
    }

    /// Scales the sums of a row, adds the bias, and writes the results to their row of `out`. Rows are counted from the first row
    /// of the tile.
    #[inline]
    #[target_feature(enable = "neon")]
    pub(super) fn write(&self, row: usize, sums: Outputs, out: &mut [f32]) {
        let column = self.panel * ALIGN;
        let scales = self.matrix.scales()[column..][..ALIGN].as_ptr();
        let bias = self.matrix.bias()[column..][..ALIGN].as_ptr();
        let place = &mut out[(self.row + row) * self.matrix.row_stride() + column..][..ALIGN];
        for (part, sums) in sums.into_iter().enumerate() {
            // SAFETY: 16 scales and 16 biases are read, and 16 results are written.
            unsafe {
                let scale = vmulq_n_f32(vld1q_f32(scales.add(part * 4)), self.params.scale);
                let bias = vld1q_f32(bias.add(part * 4));
                let value = vfmaq_f32(bias, vcvtq_f32_s32(sums), scale);
                vst1q_f32(place.as_mut_ptr().add(part * 4), value);
            }
        }
    }
}

/// Divides a product into tiles of at most `most` rows by one panel, and calls `compute` with each tile and its number of rows.
pub(super) fn for_each_tile<'t>(
    matrix: &'t PackedMatrix,
    rows: usize,
    most: usize,
    input: &'t [u8],
    params: QuantizationParams,
    mut compute: impl FnMut(Tile<'t>, usize),
) {
    for panel in 0..matrix.row_stride() / ALIGN {
        for index in 0..rows.div_ceil(most) {
            let rows = block(rows, most, index);
            let tile = Tile {
                matrix,
                panel,
                row: rows.start,
                input,
                params,
            };
            compute(tile, rows.len());
        }
    }
}
