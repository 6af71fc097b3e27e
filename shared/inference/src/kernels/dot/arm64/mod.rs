//! The products of arm64: with the matrix instruction, with the dot product instruction, and with neither.

mod dotprod;
mod i8mm;
mod neon;
mod tile;

pub(super) use dotprod::multiply as multiply_by_dot_products;
pub(super) use i8mm::multiply as multiply_by_matrices;
pub(super) use neon::multiply as multiply_by_lanes;
