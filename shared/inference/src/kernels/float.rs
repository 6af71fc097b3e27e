//! The float parts of an encoder layer, written once over [`Lanes`]: quantising, GELU, layer normalisation, attention.
//!
//! Slices have lengths that are multiples of [`super::ALIGN`]; the safe functions in [`super`] check that.

use super::lanes::Lanes;
use super::{Affine, Heads};

/// The smallest and the largest of the values, widened to hold 0, which quantising must represent exactly.
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

/// `round(value / scale) + zero_point` as bytes.
#[inline(always)]
pub(super) fn to_bytes<L: Lanes>(values: &[f32], affine: Affine, bytes: &mut [u8]) {
    let inverse = L::splat(1.0 / affine.scale);
    let (zero_point, low, high) = (
        L::splat(affine.zero_point_float()),
        L::splat(0.0),
        L::splat(255.0),
    );
    for (from, to) in values.chunks_exact(L::N).zip(bytes.chunks_exact_mut(L::N)) {
        let whole = L::load(from).mul(inverse).round().add(zero_point);
        whole.max(low).min(high).store_bytes(to);
    }
}

/// `x/2 (1 + erf(x / sqrt 2))` in place.
///
/// erf is the rational minimax function of degree 13 over 8 in use by XLA and Eigen for single precision: at most 4e-7
/// from the exact value.
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

/// `values = normalise(values + residual) * gamma + beta`, row by row.
#[inline(always)]
pub(super) fn add_and_normalise<L: Lanes>(
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
        let affine = gamma.chunks_exact(L::N).zip(beta.chunks_exact(L::N));
        for (x, (g, b)) in row.chunks_exact_mut(L::N).zip(affine) {
            L::load(x)
                .sub(mean)
                .mul(inverse)
                .fma(L::load(g), L::load(b))
                .store(x);
        }
    }
}

/// `e^x` for `x <= 0`, to 2e-7 of its value; below -87 about 1e-38.
///
/// Cephes' `expf`: `x = n ln 2 + r`, a polynomial of degree 5 in `r`, times `2^n`.
#[inline(always)]
fn exp<L: Lanes>(x: L) -> L {
    const POLYNOMIAL: [f32; 6] = [
        1.987_569_1e-4,
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    let x = x.max(L::splat(-87.0));
    let n = x.mul(L::splat(std::f32::consts::LOG2_E)).round();
    let r = n.fma(L::splat(-0.693_359_4), x);
    let r = n.fma(L::splat(2.121_944_4e-4), r);
    let mut polynomial = L::splat(POLYNOMIAL[0]);
    for &c in &POLYNOMIAL[1..] {
        polynomial = polynomial.fma(r, L::splat(c));
    }
    let one = L::splat(1.0);
    polynomial.fma(r.mul(r), r.add(one)).mul(n.pow2())
}

/// `softmax(q k^T scale) v` for every head; `ROWS` queries are worked on at once.
///
/// `qkv` is `[tokens, 3 * hidden]`, `out` `[tokens, hidden]`; `keys` and `scores` are scratch.
#[inline(always)]
pub(super) fn attention<L: Lanes, const ROWS: usize>(
    qkv: &[f32],
    tokens: usize,
    heads: Heads,
    keys: &mut [f32],
    scores: &mut [f32],
    out: &mut [f32],
) {
    let (hidden, stride) = (heads.hidden(), 3 * heads.hidden());
    let padded = super::padded(tokens);
    let keys = &mut keys[..heads.width * padded];
    for head in 0..heads.count {
        let column = head * heads.width;
        transpose_keys(&qkv[hidden + column..], tokens, stride, heads.width, keys);
        let mut row = 0;
        while row < tokens {
            let rows = ROWS.min(tokens - row);
            let queries = &qkv[row * stride + column..];
            let values = &qkv[2 * hidden + column..];
            let out = &mut out[row * hidden + column..];
            if rows == ROWS {
                score::<L, ROWS>(queries, stride, keys, heads, scores);
                let sums = softmax::<L, ROWS>(&mut scores[..ROWS * padded], tokens, heads.scale);
                mix::<L, ROWS>(
                    scores,
                    padded,
                    tokens,
                    values,
                    stride,
                    heads.width,
                    sums,
                    out,
                    hidden,
                );
                row += ROWS;
            } else {
                score::<L, 1>(queries, stride, keys, heads, scores);
                let sums = softmax::<L, 1>(&mut scores[..padded], tokens, heads.scale);
                mix::<L, 1>(
                    scores,
                    padded,
                    tokens,
                    values,
                    stride,
                    heads.width,
                    sums,
                    out,
                    hidden,
                );
                row += 1;
            }
        }
    }
}

/// Keys of one head as `[width, padded]`, zeros past the last token.
#[inline(always)]
fn transpose_keys(from: &[f32], tokens: usize, stride: usize, width: usize, keys: &mut [f32]) {
    let padded = keys.len() / width;
    for token in 0..tokens {
        let from = &from[token * stride..][..width];
        for (dimension, &value) in from.iter().enumerate() {
            keys[dimension * padded + token] = value;
        }
    }
    for line in keys.chunks_exact_mut(padded) {
        line[tokens..].fill(0.0);
    }
}

/// `scores[r] = queries[r] . keys`, unscaled.
#[inline(always)]
fn score<L: Lanes, const ROWS: usize>(
    queries: &[f32],
    stride: usize,
    keys: &[f32],
    heads: Heads,
    scores: &mut [f32],
) {
    let padded = keys.len() / heads.width;
    let queries: [&[f32]; ROWS] = std::array::from_fn(|r| &queries[r * stride..][..heads.width]);
    let mut column = 0;
    while column < padded {
        let pair = column + 2 * L::N <= padded;
        let mut sums = [[L::splat(0.0); 2]; ROWS];
        for dimension in 0..heads.width {
            let line = &keys[dimension * padded + column..];
            let first = L::load(line);
            let second = if pair { L::load(&line[L::N..]) } else { first };
            for (sums, query) in sums.iter_mut().zip(&queries) {
                let q = L::splat(query[dimension]);
                sums[0] = q.fma(first, sums[0]);
                sums[1] = q.fma(second, sums[1]);
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            let to = &mut scores[r * padded + column..];
            sums[0].store(to);
            if pair {
                sums[1].store(&mut to[L::N..]);
            }
        }
        column += if pair { 2 * L::N } else { L::N };
    }
}

/// `scores[r] = e^(scale (scores[r] - max))`; returns the sum of each row, past which scores are meaningless.
#[inline(always)]
fn softmax<L: Lanes, const ROWS: usize>(
    scores: &mut [f32],
    tokens: usize,
    scale: f32,
) -> [f32; ROWS] {
    let padded = scores.len() / ROWS;
    let mut sums = [0.0; ROWS];
    for (row, total) in scores.chunks_exact_mut(padded).zip(&mut sums) {
        row[tokens..].fill(f32::NEG_INFINITY);
        let mut highest = L::splat(f32::NEG_INFINITY);
        for lanes in row.chunks_exact(L::N) {
            highest = highest.max(L::load(lanes));
        }
        let (highest, scale) = (L::splat(highest.highest()), L::splat(scale));
        let mut sum = L::splat(0.0);
        for lanes in row.chunks_exact_mut(L::N) {
            let value = exp(L::load(lanes).sub(highest).mul(scale));
            value.store(lanes);
            sum = sum.add(value);
        }
        *total = sum.sum();
    }
    sums
}

/// `out[r] = sum over tokens of scores[r][token] * values[token]`, divided by the row's sum.
#[inline(always)]
#[expect(
    clippy::too_many_arguments,
    reason = "one inlined step of the attention loop"
)]
fn mix<L: Lanes, const ROWS: usize>(
    scores: &[f32],
    padded: usize,
    tokens: usize,
    values: &[f32],
    stride: usize,
    width: usize,
    sums: [f32; ROWS],
    out: &mut [f32],
    out_stride: usize,
) {
    let scores: [&[f32]; ROWS] = std::array::from_fn(|r| &scores[r * padded..][..tokens]);
    let mut column = 0;
    while column < width {
        let pair = column + 2 * L::N <= width;
        let mut totals = [[L::splat(0.0); 2]; ROWS];
        for token in 0..tokens {
            let line = &values[token * stride + column..];
            let first = L::load(line);
            let second = if pair { L::load(&line[L::N..]) } else { first };
            for (totals, scores) in totals.iter_mut().zip(&scores) {
                let p = L::splat(scores[token]);
                totals[0] = p.fma(first, totals[0]);
                totals[1] = p.fma(second, totals[1]);
            }
        }
        for (r, totals) in totals.iter().enumerate() {
            let share = L::splat(1.0 / sums[r]);
            let to = &mut out[r * out_stride + column..];
            totals[0].mul(share).store(to);
            if pair {
                totals[1].mul(share).store(&mut to[L::N..]);
            }
        }
        column += if pair { 2 * L::N } else { L::N };
    }
}
