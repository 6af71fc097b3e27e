//! Text to sentiment scores, emotion tags and sentence vectors, on the CPU and in the process.
//!
//! [`Sentiment`] and [`Embedder`] hold a model each: the shipped one, embedded in the binary by the features
//! `sentiment-model` and `embedding-model`, or a folder of one's own. Both block the calling thread; [`Pool`] runs them on
//! threads of their own for async callers.
//!
//! A model is an ONNX file. Graphs of the form that `training/export.py` writes run on this crate's int8 kernels, all
//! others on tract. No other crate of the workspace knows either.

mod config;
mod embedder;
mod encoder;
mod engine;
mod error;
mod graph;
mod kernels;
mod model;
mod onnx;
mod pool;
mod sentiment;
#[cfg(any(feature = "sentiment-model", feature = "embedding-model"))]
mod shipped;
mod text;

pub use embedder::Embedder;
pub use error::Error;
pub use pool::Pool;
pub use sentiment::{Analysis, Sentiment};
