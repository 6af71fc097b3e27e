#![doc = include_str!("../README.md")]

#[cfg(any(feature = "aws", feature = "queue"))]
pub mod aws;
#[cfg(feature = "embedded")]
mod embedded;
pub mod error;
#[cfg(feature = "objects")]
pub mod objects;
#[cfg(any(feature = "objects", feature = "embedded"))]
mod private;
#[cfg(any(feature = "queue", feature = "embedded"))]
pub mod queue;
pub mod secrets;
pub mod state;
#[cfg(feature = "vectors")]
pub mod vectors;

pub use error::{Cause, Error};
