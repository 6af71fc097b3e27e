//! The vectors of arm64.

use std::arch::aarch64::*;

use super::vector::Lanes;

/// 8 floats in two vectors of NEON: the kernels keep two sums of each row, and so fill most of the 32 registers.
#[derive(Clone, Copy)]
pub(in super::super) struct Neon(float32x4_t, float32x4_t);

// SAFETY (all blocks of the implementation): every arm64 processor has NEON; every pointer is that of a slice whose length was
// checked.

/// Applies an instruction to each of the two vectors.
macro_rules! halves {
    ($instruction:ident($($value:expr),+)) => {
        Neon(unsafe { $instruction($($value.0),+) }, unsafe { $instruction($($value.1),+) })
    };
}

impl Lanes for Neon {
    const N: usize = 8;
    #[inline(always)]
    fn splat(value: f32) -> Self {
        let lanes = unsafe { vdupq_n_f32(value) };
        Self(lanes, lanes)
    }
    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let from = from[..8].as_ptr();
        unsafe { Self(vld1q_f32(from), vld1q_f32(from.add(4))) }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        let to = to[..8].as_mut_ptr();
        unsafe {
            vst1q_f32(to, self.0);
            vst1q_f32(to.add(4), self.1);
        }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        halves!(vaddq_f32(self, other))
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        halves!(vsubq_f32(self, other))
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        halves!(vmulq_f32(self, other))
    }
    #[inline(always)]
    fn fma(self, factor: Self, term: Self) -> Self {
        halves!(vfmaq_f32(term, self, factor))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        halves!(vmaxq_f32(self, other))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        halves!(vminq_f32(self, other))
    }
    #[inline(always)]
    fn round(self) -> Self {
        halves!(vrndnq_f32(self))
    }
    #[inline(always)]
    fn recip(self) -> Self {
        // The table gives 8 bits, which each of two Newton steps doubles. A division takes longer.
        let guess = halves!(vrecpeq_f32(self));
        let guess = guess.mul(halves!(vrecpsq_f32(self, guess)));
        guess.mul(halves!(vrecpsq_f32(self, guess)))
    }
    #[inline(always)]
    fn pow2(self) -> Self {
        let power = |exponent| unsafe {
            let biased = vaddq_s32(vcvtq_s32_f32(exponent), vdupq_n_s32(127));
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(biased))
        };
        Self(power(self.0), power(self.1))
    }
    #[inline(always)]
    fn store_bytes(self, to: &mut [u8]) {
        let to = to[..8].as_mut_ptr();
        unsafe {
            let (low, high) = (vcvtq_u32_f32(self.0), vcvtq_u32_f32(self.1));
            let words = vcombine_u16(vmovn_u32(low), vmovn_u32(high));
            vst1_u8(to, vmovn_u16(words));
        }
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        unsafe { vaddvq_f32(vaddq_f32(self.0, self.1)) }
    }
    #[inline(always)]
    fn highest(self) -> f32 {
        unsafe { vmaxvq_f32(vmaxq_f32(self.0, self.1)) }
    }
    #[inline(always)]
    fn lowest(self) -> f32 {
        unsafe { vminvq_f32(vminq_f32(self.0, self.1)) }
    }
}
