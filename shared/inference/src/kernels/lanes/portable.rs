//! A vector without processor intrinsics.

use super::vector::Lanes;

/// 8 floats in an array, which the compiler turns into the vectors of its target (NEON on arm64).
#[derive(Clone, Copy)]
pub(in super::super) struct Portable([f32; 8]);

/// Returns `a * b + c`.
#[inline(always)]
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    // Without a fused instruction, `mul_add` is a call into the C library.
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        a.mul_add(b, c)
    } else {
        a * b + c
    }
}

/// Applies a function to each pair of lanes.
macro_rules! each_lane {
    ($a:expr, $b:expr, $f:expr) => {{
        let mut out = $a.0;
        for (x, y) in out.iter_mut().zip($b.0) {
            *x = $f(*x, y);
        }
        Portable(out)
    }};
}

impl Lanes for Portable {
    const N: usize = 8;
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let mut lanes = [0.0; 8];
        lanes.copy_from_slice(&from[..8]);
        Self(lanes)
    }
    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        to[..8].copy_from_slice(&self.0);
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        each_lane!(self, other, |a: f32, b: f32| a + b)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        each_lane!(self, other, |a: f32, b: f32| a - b)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        each_lane!(self, other, |a: f32, b: f32| a * b)
    }
    #[inline(always)]
    fn fma(self, factor: Self, term: Self) -> Self {
        let mut out = self.0;
        for (x, (&y, &z)) in out.iter_mut().zip(factor.0.iter().zip(&term.0)) {
            *x = multiply_add(*x, y, z);
        }
        Self(out)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        each_lane!(self, other, |a: f32, b: f32| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        each_lane!(self, other, |a: f32, b: f32| if a < b { a } else { b })
    }
    #[inline(always)]
    fn round(self) -> Self {
        Self(self.0.map(f32::round_ties_even))
    }
    #[inline(always)]
    fn recip(self) -> Self {
        Self(self.0.map(|a| 1.0 / a))
    }
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole numbers in -126..=127"
    )]
    fn pow2(self) -> Self {
        Self(
            self.0
                .map(|a| f32::from_bits(((a as i32 + 127) as u32) << 23)),
        )
    }
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole numbers in 0..=255"
    )]
    fn store_bytes(self, to: &mut [u8]) {
        for (to, from) in to[..8].iter_mut().zip(self.0) {
            *to = from as i32 as u8;
        }
    }
}
