//! The float kernels of an encoder layer, written once over [`Lanes`]: quantization, GELU, layer normalization.
//!
//! The lengths of all slices are multiples of `ALIGN`; the safe functions of the parent module check that.

use super::lanes::Lanes;
use super::quantization::QuantizationParams;

/// Returns the smallest and the largest value, at most and at least 0: a quantized byte must represent 0 exactly.
#[inline(always)]
pub(super) fn range<L: Lanes>(values: &[f32]) -> (f32, f32) {
    let (mut low, mut high) = ([L::splat(0.0); 2], [L::splat(0.0); 2]);
    for (i, lanes) in values.chunks_exact(L::N).enumerate() {
        let lanes = L::load(lanes);
        low[i % 2] = low[i % 2].min(lanes);
        high[i % 2] = high[i % 2].max(lanes);
    }
    (low[0].min(low[1]).lowest(), high[0].max(high[1]).highest())
}

/// Writes `round(value / scale) + zero_point`, clamped to 0..=255, as bytes.
#[inline(always)]
pub(super) fn to_bytes<L: Lanes>(values: &[f32], params: QuantizationParams, bytes: &mut [u8]) {
    let inverse = L::splat(1.0 / params.scale);
    let (zero_point, low, high) = (
        L::splat(params.zero_point_float()),
        L::splat(0.0),
        L::splat(255.0),
    );
    for (from, to) in values.chunks_exact(L::N).zip(bytes.chunks_exact_mut(L::N)) {
        let whole = L::load(from).mul(inverse).round().add(zero_point);
        whole.max(low).min(high).store_bytes(to);
    }
}

/// Replaces each value with `x / 2 * (1 + erf(x / sqrt 2))`.
///
/// `erf` is the rational minimax function of degree 13 over 8 that XLA and Eigen use for single precision: at most 4e-7 from
/// the exact value.
#[inline(always)]
pub(super) fn gelu<L: Lanes>(values: &mut [f32]) {
    const NUMERATOR: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const DENOMINATOR: [f32; 5] = [
        -1.456_607_2e-5,
        -2.133_740_6e-4,
        -1.682_827e-3,
        -7.373_329e-3,
        -1.426_473_9e-2,
    ];
    for chunk in values.chunks_exact_mut(L::N) {
        let x = L::load(chunk);
        let scaled = x.mul(L::splat(std::f32::consts::FRAC_1_SQRT_2));
        let t = scaled.max(L::splat(-4.0)).min(L::splat(4.0));
        let square = t.mul(t);
        let mut numerator = L::splat(NUMERATOR[0]);
        for &c in &NUMERATOR[1..] {
            numerator = numerator.fma(square, L::splat(c));
        }
        let mut denominator = L::splat(DENOMINATOR[0]);
        for &c in &DENOMINATOR[1..] {
            denominator = denominator.fma(square, L::splat(c));
        }
        let erf = numerator.mul(t).mul(denominator.recip());
        let half = x.mul(L::splat(0.5));
        erf.fma(half, half).store(chunk);
    }
}

/// Computes `values = normalize(values + residual) * gamma + beta` for each row of `gamma.len()` values.
#[inline(always)]
pub(super) fn add_and_normalize<L: Lanes>(
    values: &mut [f32],
    residual: Option<&[f32]>,
    gamma: &[f32],
    beta: &[f32],
    epsilon: f32,
) {
    let width = gamma.len();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a row has far fewer than 2^24 values"
    )]
    let share = 1.0 / width as f32;
    for (index, row) in values.chunks_exact_mut(width).enumerate() {
        let mut sum = L::splat(0.0);
        if let Some(residual) = residual {
            let residual = &residual[index * width..][..width];
            for (x, r) in row.chunks_exact_mut(L::N).zip(residual.chunks_exact(L::N)) {
                let value = L::load(x).add(L::load(r));
                value.store(x);
                sum = sum.add(value);
            }
        } else {
            for x in row.chunks_exact(L::N) {
                sum = sum.add(L::load(x));
            }
        }
        let mean = L::splat(sum.sum() * share);
        let mut squares = L::splat(0.0);
        for x in row.chunks_exact(L::N) {
            let d = L::load(x).sub(mean);
            squares = d.fma(d, squares);
        }
        let inverse = L::splat(1.0 / (squares.sum() * share + epsilon).sqrt());
        let columns = gamma.chunks_exact(L::N).zip(beta.chunks_exact(L::N));
        for (x, (g, b)) in row.chunks_exact_mut(L::N).zip(columns) {
            L::load(x)
                .sub(mean)
                .mul(inverse)
                .fma(L::load(g), L::load(b))
                .store(x);
        }
    }
}
