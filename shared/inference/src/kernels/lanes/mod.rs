//! Vectors of floats in the widths that processors have. The float kernels are written once over [`Lanes`].
//!
//! Every method is inlined into the kernel, and the kernel into a function that is compiled for the instruction set (see
//! `instruction_sets` in the parent module). A vector type must only be used in functions for its own instruction set.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub(super) use neon::Neon;
pub(super) use portable::Portable;
pub(super) use vector::Lanes;
#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};
