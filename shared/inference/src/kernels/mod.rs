//! The arithmetic of a quantized encoder layer, for the instruction set of the processor that runs it.
//!
//! AVX-512 VNNI and AVX2, and on arm64 the 8-bit products, are detected when the process starts; every other processor runs the
//! portable kernels, which the compiler vectorizes for its target. The functions of this file check lengths and are safe; unsafe code stays in this folder
//! and is tested against plain loops on every instruction set that the testing machine has.
#![expect(
    unsafe_code,
    reason = "processor intrinsics, and the calls of functions compiled for an instruction set"
)]

mod attention;
mod dot;
mod float;
mod heads;
mod isa;
mod lanes;
mod packed;
mod quantization;
#[cfg(test)]
mod tests;

#[cfg(any(feature = "tract", test))]
pub(crate) use attention::AttentionHead;
pub(crate) use dot::{BalancedInput, multiply};
pub(crate) use heads::Heads;
pub(crate) use isa::{ALIGN, Isa};
pub(crate) use packed::PackedMatrix;
pub(crate) use quantization::QuantizationParams;

use isa::padded;

/// The buffers of [`attention`] and [`attend`], kept from text to text.
#[derive(Default)]
pub(crate) struct AttentionScratch {
    /// Keys of one head, `[width, padded tokens]`.
    keys: Vec<f32>,
    /// Scores of the queries in work, `[MAX_QUERIES, padded tokens]`.
    scores: Vec<f32>,
}

impl AttentionScratch {
    /// Makes the buffers large enough for heads of `width` values over `tokens`.
    fn reserve(&mut self, width: usize, tokens: usize) {
        let (keys, scores) = (width * padded(tokens), MAX_QUERIES * padded(tokens));
        self.keys.resize(self.keys.len().max(keys), 0.0);
        self.scores.resize(self.scores.len().max(scores), 0.0);
    }
}

/// Largest number of queries that attention works on at once.
const MAX_QUERIES: usize = 8;

/// Declares a module for each instruction set, with the float kernels compiled for that set.
macro_rules! instruction_sets {
    ($($(#[$cfg:meta])? $module:ident, $lanes:ident, $queries:literal $(, $feature:literal)?;)*) => {
        $($(#[$cfg])? mod $module {
            use super::attention as attention_kernel;
            #[cfg(any(feature = "tract", test))]
            use super::attention::AttentionHead;
            use super::float;
            use super::heads::Heads;
            use super::lanes::$lanes as L;
            use super::quantization::QuantizationParams;

            $(#[target_feature(enable = $feature)])?
            pub(super) fn range(values: &[f32]) -> (f32, f32) {
                float::range::<L>(values)
            }
            $(#[target_feature(enable = $feature)])?
            pub(super) fn to_bytes(values: &[f32], params: QuantizationParams, bytes: &mut [u8]) {
                float::to_bytes::<L>(values, params, bytes);
            }
            $(#[target_feature(enable = $feature)])?
            pub(super) fn gelu(values: &mut [f32]) {
                float::gelu::<L>(values);
            }
            $(#[target_feature(enable = $feature)])?
            pub(super) fn add_and_normalize(
                values: &mut [f32],
                residual: Option<&[f32]>,
                gamma: &[f32],
                beta: &[f32],
                epsilon: f32,
            ) {
                float::add_and_normalize::<L>(values, residual, gamma, beta, epsilon);
            }
            $(#[target_feature(enable = $feature)])?
            pub(super) fn attention(
                qkv: &[f32],
                tokens: usize,
                heads: Heads,
                keys: &mut [f32],
                scores: &mut [f32],
                out: &mut [f32],
            ) {
                attention_kernel::attention::<L, $queries>(qkv, tokens, heads, keys, scores, out);
            }
            #[cfg(any(feature = "tract", test))]
            $(#[target_feature(enable = $feature)])?
            pub(super) fn attend(
                head: &AttentionHead<'_>,
                keys: &[f32],
                scores: &mut [f32],
                out: &mut [f32],
            ) {
                attention_kernel::attend::<L, $queries>(head, keys, scores, out, head.width);
            }
        })*
    };
}

instruction_sets! {
    #[cfg(target_arch = "x86_64")] avx512, Avx512, 8, "avx512f,avx512bw,avx512vnni";
    #[cfg(target_arch = "x86_64")] avx2, Avx2, 4, "avx2,fma";
    #[cfg(target_arch = "aarch64")] neon, Neon, 4, "neon";
    portable, Portable, 4;
}

/// Calls the float kernel that is compiled for an instruction set.
macro_rules! on {
    ($isa:expr, $kernel:ident($($argument:expr),*)) => {
        match $isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `Isa` exists only where its instructions were detected.
            Isa::Avx512 => unsafe { avx512::$kernel($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { avx2::$kernel($($argument),*) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: every arm64 processor has NEON.
            Isa::I8mm | Isa::Dotprod | Isa::Neon => unsafe { neon::$kernel($($argument),*) },
            Isa::Portable => portable::$kernel($($argument),*),
        }
    };
}

/// Quantizes `values` to bytes as ONNX's `DynamicQuantizeLinear` does, with one scale for all values, and returns that scale.
///
/// # Panics
/// If the lengths differ or are not a multiple of [`ALIGN`].
pub(crate) fn quantize(isa: Isa, values: &[f32], bytes: &mut [u8]) -> QuantizationParams {
    assert!(
        values.len() == bytes.len() && values.len().is_multiple_of(ALIGN),
        "whole vectors"
    );
    let (low, high) = on!(isa, range(values));
    let params = QuantizationParams::of_range(low, high);
    on!(isa, to_bytes(values, params, bytes));
    params
}

/// Replaces each value with its Gaussian error linear unit, `x / 2 * (1 + erf(x / sqrt 2))`, exact to 1e-6.
///
/// # Panics
/// If the length is not a multiple of [`ALIGN`].
pub(crate) fn gelu(isa: Isa, values: &mut [f32]) {
    assert!(values.len().is_multiple_of(ALIGN), "whole vectors");
    on!(isa, gelu(values));
}

/// EncoderLayer normalization of each row of `gamma.len()` values, after adding the residual if there is one.
///
/// # Panics
/// If rows are not a multiple of [`ALIGN`], or the lengths do not fit each other.
pub(crate) fn add_and_normalize(
    isa: Isa,
    values: &mut [f32],
    residual: Option<&[f32]>,
    gamma: &[f32],
    beta: &[f32],
    epsilon: f32,
) {
    assert!(
        gamma.len().is_multiple_of(ALIGN) && beta.len() == gamma.len(),
        "whole vectors"
    );
    assert!(
        residual.is_none_or(|r| r.len() == values.len()),
        "one residual a value"
    );
    on!(
        isa,
        add_and_normalize(values, residual, gamma, beta, epsilon)
    );
}

/// Computes multi-head attention. `qkv` holds queries, keys and values as `[tokens, 3 * hidden]`; `out` is `[tokens, hidden]`.
///
/// # Panics
/// If the lengths do not fit, or a head's width is not a multiple of [`ALIGN`].
pub(crate) fn attention(
    isa: Isa,
    qkv: &[f32],
    tokens: usize,
    heads: Heads,
    scratch: &mut AttentionScratch,
    out: &mut [f32],
) {
    assert!(heads.width.is_multiple_of(ALIGN), "whole vectors");
    assert!(
        qkv.len() == tokens * 3 * heads.hidden() && out.len() == tokens * heads.hidden(),
        "one row a token"
    );
    scratch.reserve(heads.width, tokens);
    on!(
        isa,
        attention(
            qkv,
            tokens,
            heads,
            &mut scratch.keys,
            &mut scratch.scores,
            out
        )
    );
}

/// Computes one head of attention. `keys` is `[width, tokens]`, and `out` has a row of `width` values for each query.
///
/// # Panics
/// If the lengths do not fit, or the width is not a multiple of [`ALIGN`].
#[cfg(any(feature = "tract", test))]
pub(crate) fn attend(
    isa: Isa,
    head: &AttentionHead<'_>,
    keys: &[f32],
    scratch: &mut AttentionScratch,
    out: &mut [f32],
) {
    let (width, tokens) = (head.width, head.tokens);
    assert!(width.is_multiple_of(ALIGN) && width > 0, "whole vectors");
    let holds =
        |rows: usize, values: &[f32]| rows == 0 || values.len() >= (rows - 1) * head.stride + width;
    assert!(
        head.stride >= width && holds(head.query_count, head.queries) && holds(tokens, head.values),
        "one row a query, and one a token"
    );
    assert!(
        [0, tokens, head.query_count * tokens].contains(&head.bias.len()),
        "no bias, one row, or one a query"
    );
    assert!(
        tokens > 0 && keys.len() == width * tokens && out.len() == head.query_count * width,
        "one column a token, and one row a query"
    );
    scratch.reserve(width, tokens);
    let padded_keys = &mut scratch.keys[..width * padded(tokens)];
    for (to, from) in padded_keys
        .chunks_exact_mut(padded(tokens))
        .zip(keys.chunks_exact(tokens))
    {
        to[..tokens].copy_from_slice(from);
        to[tokens..].fill(0.0);
    }
    on!(isa, attend(head, padded_keys, &mut scratch.scores, out));
}
