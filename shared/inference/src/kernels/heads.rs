//! The shape of multi-head attention.

/// Number and width of the attention heads, and the scale of their scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heads {
    /// Number of attention heads.
    pub(crate) count: usize,
    /// Number of values of one head, a multiple of [`ALIGN`](super::isa::ALIGN).
    pub(crate) width: usize,
    /// Factor of the products of queries and keys, `1 / sqrt(width)`.
    pub(crate) scale: f32,
}

impl Heads {
    /// Returns the number of values of a token: `count * width`.
    pub(crate) fn hidden(self) -> usize {
        self.count * self.width
    }
}
