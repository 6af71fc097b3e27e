//! The arithmetic of a quantised encoder layer, for the instruction set of the processor that runs it.
//!
//! AVX-512 VNNI and AVX2 are found at run time; anything else takes the portable kernels, which the compiler vectorises
//! for its target. The functions here check lengths and are safe; what is unsafe stays in this folder and is tested
//! against plain loops on every instruction set that the testing machine has.
#![expect(
    unsafe_code,
    reason = "processor intrinsics, and the calls of functions compiled for an instruction set"
)]

mod attention;
mod dot;
mod float;
mod lanes;
mod packed;
#[cfg(test)]
mod tests;

pub(crate) use dot::{Balanced, multiply};
pub(crate) use packed::PackedMatrix;

/// Rows and panels are multiples of this many values: the widest vector, 16 floats.
pub(crate) const ALIGN: usize = 16;

/// The next multiple of [`ALIGN`].
pub(crate) fn padded(length: usize) -> usize {
    length.next_multiple_of(ALIGN)
}

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    /// AVX-512 with the int8 dot product: Intel since Ice Lake and Cascade Lake, AMD since Zen 4.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with FMA: every other x86_64 host of AWS Lambda.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Whatever the compiler makes of plain loops.
    Portable,
}

impl Isa {
    /// The sets that this processor has, fastest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
            {
                sets.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Self::Avx2);
            }
        }
        sets.push(Self::Portable);
        sets
    }

    /// The fastest set of this processor.
    pub(crate) fn detect() -> Self {
        Self::available()[0]
    }

    /// How many inputs of one output lie together in a packed panel.
    fn group(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx2 => 4,
            Self::Portable => 1,
        }
    }

    /// How a weight is stored: raised by 128 to be an unsigned byte where the multiply-add wants one.
    fn stored(self, weight: i8) -> i8 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => weight ^ i8::MIN,
            _ => weight,
        }
    }
}

/// What a quantised byte stands for: `(byte - zero_point) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    pub(crate) scale: f32,
    pub(crate) zero_point: i32,
}

impl Affine {
    /// As ONNX's `DynamicQuantizeLinear` chooses it for values in `low..=high`, where `low <= 0 <= high`.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 0..=255")]
    fn of_range(low: f32, high: f32) -> Self {
        let scale = if high > low {
            (high - low) / 255.0
        } else {
            1.0
        };
        Self {
            scale,
            zero_point: (-low / scale).clamp(0.0, 255.0).round_ties_even() as i32,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "0..=255")]
    fn zero_point_float(self) -> f32 {
        self.zero_point as f32
    }
}

/// The shape of multi-head attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heads {
    pub(crate) count: usize,
    /// Values of one head, a multiple of [`ALIGN`].
    pub(crate) width: usize,
    /// What products of queries and keys are multiplied with.
    pub(crate) scale: f32,
}

impl Heads {
    /// Values of a token.
    pub(crate) fn hidden(self) -> usize {
        self.count * self.width
    }
}

/// The scratch that [`attention`] needs.
#[derive(Default)]
pub(crate) struct AttentionScratch {
    keys: Vec<f32>,
    scores: Vec<f32>,
}

/// Queries that attention works on at once, at most.
const MAX_QUERIES: usize = 8;

/// For each instruction set, a module of the float kernels compiled for it.
macro_rules! instruction_sets {
    ($($(#[$cfg:meta])? $module:ident, $lanes:ident, $queries:literal $(, $feature:literal)?;)*) => {
        $($(#[$cfg])? mod $module {
            use super::{Affine, Heads, attention as heads_of, float, lanes::$lanes as L};

            $(#[target_feature(enable = $feature)])?
            pub(super) fn range(values: &[f32]) -> (f32, f32) {
                float::range::<L>(values)
            }
            $(#[target_feature(enable = $feature)])?
            pub(super) fn to_bytes(values: &[f32], affine: Affine, bytes: &mut [u8]) {
                float::to_bytes::<L>(values, affine, bytes);
            }
            $(#[target_feature(enable = $feature)])?
            pub(super) fn gelu(values: &mut [f32]) {
                float::gelu::<L>(values);
            }
            $(#[target_feature(enable = $feature)])?
            pub(super) fn add_and_normalise(
                values: &mut [f32],
                residual: Option<&[f32]>,
                gamma: &[f32],
                beta: &[f32],
                epsilon: f32,
            ) {
                float::add_and_normalise::<L>(values, residual, gamma, beta, epsilon);
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
                heads_of::attention::<L, $queries>(qkv, tokens, heads, keys, scores, out);
            }
        })*
    };
}

instruction_sets! {
    #[cfg(target_arch = "x86_64")] avx512, Avx512, 8, "avx512f,avx512bw,avx512vnni";
    #[cfg(target_arch = "x86_64")] avx2, Avx2, 4, "avx2,fma";
    portable, Portable, 4;
}

/// Calls a float kernel of the set.
macro_rules! on {
    ($isa:expr, $kernel:ident($($argument:expr),*)) => {
        match $isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `Isa` exists only where its instructions were detected.
            Isa::Avx512 => unsafe { avx512::$kernel($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { avx2::$kernel($($argument),*) },
            Isa::Portable => portable::$kernel($($argument),*),
        }
    };
}

/// Quantises as ONNX's `DynamicQuantizeLinear`: one scale for all values.
///
/// # Panics
/// If the lengths differ or are no multiple of [`ALIGN`].
pub(crate) fn quantise(isa: Isa, values: &[f32], bytes: &mut [u8]) -> Affine {
    assert!(
        values.len() == bytes.len() && values.len().is_multiple_of(ALIGN),
        "whole vectors"
    );
    let (low, high) = on!(isa, range(values));
    let affine = Affine::of_range(low, high);
    on!(isa, to_bytes(values, affine, bytes));
    affine
}

/// The Gaussian error linear unit in place, exact to 1e-6.
///
/// # Panics
/// If the length is no multiple of [`ALIGN`].
pub(crate) fn gelu(isa: Isa, values: &mut [f32]) {
    assert!(values.len().is_multiple_of(ALIGN), "whole vectors");
    on!(isa, gelu(values));
}

/// Layer normalisation of each row of `gamma.len()` values, after adding the residual if there is one.
///
/// # Panics
/// If rows are no multiple of [`ALIGN`], or the lengths do not fit each other.
pub(crate) fn add_and_normalise(
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
        add_and_normalise(values, residual, gamma, beta, epsilon)
    );
}

/// Multi-head attention: `qkv` is `[tokens, 3 * hidden]`, `out` `[tokens, hidden]`.
///
/// # Panics
/// If the lengths do not fit, or a head's width is no multiple of [`ALIGN`].
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
    let (keys, scores) = (heads.width * padded(tokens), MAX_QUERIES * padded(tokens));
    if scratch.keys.len() < keys {
        scratch.keys.resize(keys, 0.0);
        scratch.scores.resize(scores, 0.0);
    }
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
