//! Multi-head attention, written once over [`Lanes`].

use super::heads::Heads;
use super::isa;
use super::lanes::Lanes;

/// Returns `e^x` for `x <= 0`, exact to 2e-7 of the value; about 1e-38 for `x` below -87.
///
/// The method is that of `expf` in the Cephes library: with `x = n ln 2 + r`, a polynomial of degree 5 in `r`, times `2^n`.
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

/// What one head of attention reads beside its keys.
#[derive(Clone, Copy)]
pub(crate) struct AttentionHead<'a> {
    /// One row of `width` values for each query.
    pub(crate) queries: &'a [f32],
    /// How many rows of queries there are.
    pub(crate) query_count: usize,
    /// One row of `width` values for each token, a multiple of [`ALIGN`](isa::ALIGN) wide.
    pub(crate) values: &'a [f32],
    /// Number of tokens, which is that of keys and of values.
    pub(crate) tokens: usize,
    /// Number of values from one row of queries or values to the next.
    pub(crate) stride: usize,
    /// Number of values of a query, a key and a value.
    pub(crate) width: usize,
    /// Factor of the products of queries and keys.
    pub(crate) scale: f32,
    /// What is added to the scaled scores: nothing, one row of `tokens` for all queries, or one for each query.
    pub(crate) bias: &'a [f32],
}

/// Computes `softmax(q k^T * scale) v` for every head, `ROWS` queries at once.
///
/// `qkv` is `[tokens, 3 * hidden]` and `out` is `[tokens, hidden]`. `keys` and `scores` are scratch of at least
/// `width * padded(tokens)` and `ROWS * padded(tokens)` floats.
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
    let padded = isa::padded(tokens);
    let keys = &mut keys[..heads.width * padded];
    for head in 0..heads.count {
        let column = head * heads.width;
        transpose_keys(&qkv[hidden + column..], tokens, stride, heads.width, keys);
        let head = AttentionHead {
            queries: &qkv[column..],
            query_count: tokens,
            values: &qkv[2 * hidden + column..],
            tokens,
            stride,
            width: heads.width,
            scale: heads.scale,
            bias: &[],
        };
        attend::<L, ROWS>(&head, keys, scores, &mut out[column..], hidden);
    }
}

/// Computes `softmax(q k^T * scale + bias) v` for one head, `ROWS` queries at once.
///
/// `keys` is `[width, padded(tokens)]` with zeros after the last token; `scores` is scratch of at least `ROWS * padded(tokens)`
/// floats. The rows of `out` are `out_stride` apart.
#[inline(always)]
pub(super) fn attend<L: Lanes, const ROWS: usize>(
    head: &AttentionHead<'_>,
    keys: &[f32],
    scores: &mut [f32],
    out: &mut [f32],
    out_stride: usize,
) {
    let mut row = 0;
    while row < head.query_count {
        let out = &mut out[row * out_stride..];
        if row + ROWS <= head.query_count {
            attend_rows::<L, ROWS>(head, row, keys, scores, out, out_stride);
            row += ROWS;
        } else {
            attend_rows::<L, 1>(head, row, keys, scores, out, out_stride);
            row += 1;
        }
    }
}

/// Computes the attention of `ROWS` queries from `row` on.
#[inline(always)]
fn attend_rows<L: Lanes, const ROWS: usize>(
    head: &AttentionHead<'_>,
    row: usize,
    keys: &[f32],
    scores: &mut [f32],
    out: &mut [f32],
    out_stride: usize,
) {
    let padded = keys.len() / head.width;
    let scores = &mut scores[..ROWS * padded];
    let queries = &head.queries[row * head.stride..];
    score::<L, ROWS>(queries, head.stride, keys, head.width, scores);
    let scale = match head.bias.is_empty() {
        true => head.scale,
        false => {
            add_bias(head, row, scores);
            1.0
        }
    };
    let sums = softmax::<L, ROWS>(scores, head.tokens, scale);
    mix::<L, ROWS>(
        scores,
        padded,
        head.tokens,
        head.values,
        head.stride,
        head.width,
        sums,
        out,
        out_stride,
    );
}

/// Scales the scores of some queries from `row` on, and adds their bias.
#[inline(always)]
fn add_bias(head: &AttentionHead<'_>, row: usize, scores: &mut [f32]) {
    let padded = isa::padded(head.tokens);
    let is_shared = head.bias.len() == head.tokens;
    for (place, scores) in scores.chunks_exact_mut(padded).enumerate() {
        let first = if is_shared {
            0
        } else {
            (row + place) * head.tokens
        };
        for (score, bias) in scores.iter_mut().zip(&head.bias[first..][..head.tokens]) {
            *score = *score * head.scale + bias;
        }
    }
}

/// Writes the keys of one head as `[width, padded]`, with zeros after the last token, so that one load takes the same dimension
/// of several keys.
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

/// Computes `scores[r] = queries[r] . keys` for each key, not yet scaled.
#[inline(always)]
fn score<L: Lanes, const ROWS: usize>(
    queries: &[f32],
    stride: usize,
    keys: &[f32],
    width: usize,
    scores: &mut [f32],
) {
    let padded = keys.len() / width;
    let queries: [&[f32]; ROWS] = std::array::from_fn(|r| &queries[r * stride..][..width]);
    let mut column = 0;
    while column < padded {
        let pair = column + 2 * L::N <= padded;
        let mut sums = [[L::splat(0.0); 2]; ROWS];
        for dimension in 0..width {
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

/// Replaces each score with `e^(scale * (score - max))` and returns the sum of each row. Scores after the last token become 0.
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

/// Computes `out[r]`, the sum over all tokens of `scores[r][token] * values[token]`, divided by the sum of the row's scores.
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
