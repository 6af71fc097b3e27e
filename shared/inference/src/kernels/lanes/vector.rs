//! What the float kernels need of a vector.

use super::super::isa::ALIGN;

/// A vector of [`Lanes::N`] floats.
pub(in super::super) trait Lanes: Copy {
    /// Number of floats of the vector, a divisor of [`ALIGN`].
    const N: usize;
    /// Returns a vector with the same value in all lanes.
    fn splat(value: f32) -> Self;
    /// Loads the first `N` floats of a slice.
    fn load(from: &[f32]) -> Self;
    /// Stores the lanes into the first `N` floats of a slice.
    fn store(self, to: &mut [f32]);
    /// Returns `self + other`, lane by lane.
    fn add(self, other: Self) -> Self;
    /// Returns `self - other`, lane by lane.
    fn sub(self, other: Self) -> Self;
    /// Returns `self * other`, lane by lane.
    fn mul(self, other: Self) -> Self;
    /// Returns `self * factor + term`, rounded once where the processor can.
    fn fma(self, factor: Self, term: Self) -> Self;
    /// Returns the larger one of each pair of lanes.
    fn max(self, other: Self) -> Self;
    /// Returns the smaller one of each pair of lanes.
    fn min(self, other: Self) -> Self;
    /// Rounds to the nearest whole number, halves to even.
    fn round(self) -> Self;
    /// Returns `1 / self`, exact to 2 units in the last place.
    fn recip(self) -> Self;
    /// Returns `2^self` for whole numbers in -126..=127.
    fn pow2(self) -> Self;
    /// Stores whole numbers in 0..=255 as the first `N` bytes of a slice.
    fn store_bytes(self, to: &mut [u8]);

    /// Returns the lanes as an array, followed by zeros.
    #[inline(always)]
    fn to_array(self) -> [f32; ALIGN] {
        let mut lanes = [0.0; ALIGN];
        self.store(&mut lanes);
        lanes
    }
    /// Returns the sum of the lanes.
    #[inline(always)]
    fn sum(self) -> f32 {
        self.to_array()[..Self::N].iter().sum()
    }
    /// Returns the largest lane.
    #[inline(always)]
    fn highest(self) -> f32 {
        self.to_array()[..Self::N]
            .iter()
            .fold(f32::NEG_INFINITY, |a, &b| a.max(b))
    }
    /// Returns the smallest lane.
    #[inline(always)]
    fn lowest(self) -> f32 {
        self.to_array()[..Self::N]
            .iter()
            .fold(f32::INFINITY, |a, &b| a.min(b))
    }
}
