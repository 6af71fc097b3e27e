//! The product in plain loops, which the compiler vectorizes.

use super::super::isa::ALIGN;
use super::super::packed::PackedMatrix;
use super::super::quantization::QuantizationParams;
use super::blocks::block;

/// Multiplies `rows` rows of quantized input.
#[expect(
    clippy::cast_precision_loss,
    reason = "as the model's graph casts its int32 sums to float"
)]
pub(super) fn multiply(
    matrix: &PackedMatrix,
    rows: usize,
    input: &[u8],
    params: QuantizationParams,
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
                    let total = totals[lane] - params.zero_point * sums[lane];
                    let scale = params.scale * matrix.scales()[columns.start + lane];
                    *out = total as f32 * scale + matrix.bias()[columns.start + lane];
                }
            }
        }
    }
}
