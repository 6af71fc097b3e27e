//! One vector of floats, in the widths that processors have: the float kernels are written once over [`Lanes`].
//!
//! Every method inlines into the kernel, which inlines into a function that is compiled for the instruction set
//! (`super::instruction_sets`). A vector type must be used in functions for its own set alone.

#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

/// A vector of [`Lanes::N`] floats.
pub(super) trait Lanes: Copy {
    /// How many floats; a divisor of [`super::ALIGN`].
    const N: usize;
    /// All lanes the same.
    fn splat(value: f32) -> Self;
    /// The first `N` floats of a slice.
    fn load(from: &[f32]) -> Self;
    /// Into the first `N` floats of a slice.
    fn store(self, to: &mut [f32]);
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// `self * factor + term`, rounded once where the processor can.
    fn fma(self, factor: Self, term: Self) -> Self;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    /// To the nearest whole number, halves to even.
    fn round(self) -> Self;
    /// `1 / self` to within 2 units in the last place.
    fn recip(self) -> Self;
    /// `2^self` for whole numbers in -126..=127.
    fn pow2(self) -> Self;
    /// Whole numbers in 0..=255 as bytes into the first `N` of a slice.
    fn store_bytes(self, to: &mut [u8]);

    /// The lanes one by one.
    #[inline(always)]
    fn to_array(self) -> [f32; super::ALIGN] {
        let mut lanes = [0.0; super::ALIGN];
        self.store(&mut lanes);
        lanes
    }
    /// The sum of the lanes.
    #[inline(always)]
    fn sum(self) -> f32 {
        self.to_array()[..Self::N].iter().sum()
    }
    /// The largest lane.
    #[inline(always)]
    fn highest(self) -> f32 {
        self.to_array()[..Self::N]
            .iter()
            .fold(f32::NEG_INFINITY, |a, &b| a.max(b))
    }
    /// The smallest lane.
    #[inline(always)]
    fn lowest(self) -> f32 {
        self.to_array()[..Self::N]
            .iter()
            .fold(f32::INFINITY, |a, &b| a.min(b))
    }
}

/// Plain arrays that the compiler turns into whatever vectors its target has (NEON on arm64).
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 8]);

#[inline(always)]
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    // without such an instruction `mul_add` is a call into the C library
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        a.mul_add(b, c)
    } else {
        a * b + c
    }
}

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
